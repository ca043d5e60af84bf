"""What stands beside the Python code: pinned versions, ``.env`` files, the auth server."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from betterguard.audit.frontend import AuthServer

_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*([^;#]*)")
_LOCKED = re.compile(
    r"^\[\[package\]\]\s*\nname\s*=\s*\"([^\"]+)\"\s*\nversion\s*=\s*\"([^\"]+)\"", re.MULTILINE
)
"""A package in ``uv.lock`` or ``poetry.lock``: programs write them, always in this order."""
_PIN = re.compile(r"^(?:===?|~=)\s*v?([\d.]+)")
_UPPER = re.compile(r"<=?\s*v?([\d.]+)")

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement of a project: the version that is installed, when a file pins it."""

    name: str
    folder: str
    version: Version | None
    locked: bool


@dataclass(frozen=True, slots=True)
class EnvEntry:
    """One line of an ``.env`` file."""

    path: str
    line: int
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that could not be read as it should."""

    path: str
    reason: str


@dataclass(frozen=True)
class Environment:
    """All that the audit knows besides Python code."""

    requirements: tuple[Requirement, ...] = ()
    env: tuple[EnvEntry, ...] = ()
    servers: tuple[AuthServer, ...] = ()
    committed: frozenset[str] = field(default_factory=frozenset)
    """Paths of ``.env`` files that version control tracks."""
    faults: tuple[Fault, ...] = ()
    prefix: str = ""
    """Where the audited folder stands in its repository; else its name."""

    def version(self, path: str, package: str) -> Version | None:
        """Give the version of a package that the nearest requirement file pins, or None."""
        found = self._nearest(path, package)
        return found.version if found is not None else None

    def requires(self, path: str, package: str) -> bool:
        """Whether a requirement file at or above the path names the package."""
        return self._nearest(path, package) is not None

    @cached_property
    def _by_name(self) -> dict[str, list[Requirement]]:
        found: dict[str, list[Requirement]] = {}
        for requirement in self.requirements:
            found.setdefault(requirement.name, []).append(requirement)
        return found

    def _nearest(self, path: str, package: str) -> Requirement | None:
        best: Requirement | None = None
        for requirement in self._by_name.get(package, ()):
            if _above(requirement.folder, path):
                rank = (
                    len(requirement.folder),
                    requirement.locked,
                    requirement.version is not None,
                )
                if best is None or rank > (len(best.folder), best.locked, best.version is not None):
                    best = requirement
        return best


def _above(folder: str, path: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def read_requirements(path: str, text: str) -> Iterator[Requirement]:
    """Give what one file requires: ``requirements*.txt``, pyproject, a lock file."""
    folder, _, name = path.rpartition("/")
    try:
        if name.endswith(".txt"):
            yield from _plain(folder, text.splitlines())
        elif name.endswith(".lock") and name != "Pipfile.lock":
            for package, version in _LOCKED.findall(text):
                yield _made(package, folder, f"=={version}", locked=True)
        elif name == "Pipfile.lock":
            for package, entry in json.loads(text).get("default", {}).items():
                yield _made(package, folder, str(entry.get("version", "")), locked=True)
        else:
            yield from _project(folder, tomllib.loads(text))
    except (ValueError, AttributeError, TypeError):
        return


def _project(folder: str, data: dict[str, Any]) -> Iterator[Requirement]:
    project = data.get("project", {})
    yield from _plain(folder, project.get("dependencies", ()))
    poetry = data.get("tool", {}).get("poetry", {}).get("dependencies", {})
    for package, wanted in poetry.items():
        text = wanted if isinstance(wanted, str) else str(wanted.get("version", ""))
        yield _made(package, folder, text, locked=False)


def _plain(folder: str, lines: Iterable[str]) -> Iterator[Requirement]:
    for line in lines:
        if found := _REQUIREMENT.match(line):
            yield _made(found[1], folder, found[2], locked=False)


def _made(name: str, folder: str, wanted: str, *, locked: bool) -> Requirement:
    pin = _PIN.match(wanted.strip()) or _UPPER.search(wanted)
    version = _version(pin[1]) if pin is not None else None
    return Requirement(re.sub(r"[-_.]+", "-", name).lower(), folder, version, locked)


def _version(text: str) -> Version:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def read_env(path: str, text: str) -> Iterator[EnvEntry]:
    """Give the assignments of one ``.env`` file."""
    for number, line in enumerate(text.splitlines(), 1):
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            yield EnvEntry(path, number, name.strip(), value.split(" #")[0].strip().strip("\"'"))


def by_name(entries: Iterable[EnvEntry]) -> Mapping[str, list[EnvEntry]]:
    """Entries grouped by variable."""
    found: dict[str, list[EnvEntry]] = {}
    for entry in entries:
        found.setdefault(entry.name, []).append(entry)
    return found
