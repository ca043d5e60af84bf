"""The dependency, in the file and in the manner of the project's package manager."""

from __future__ import annotations

import re
from importlib.metadata import requires, version
from typing import TYPE_CHECKING

import tomlkit
from tomlkit.items import Array, Table

from betterguard.repair.edits import Edit, apply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tomlkit import TOMLDocument

    from betterguard.audit.environment import Environment
    from betterguard.repair.scaffold.plan import Plan

__all__ = [
    "Requirement",
    "add_requirement",
    "betterguard",
    "pyjwt",
    "tell_conflicts",
    "with_requirement",
]

LOCK_COMMANDS = {
    "uv.lock": "uv sync",
    "poetry.lock": "poetry lock && poetry install",
    "pdm.lock": "pdm install",
    "Pipfile.lock": "pipenv install",
}
_LEAST = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?>=([\d.]+)")


class Requirement:
    """A package by its name, its extras, and the oldest version that will do."""

    def __init__(self, name: str, least: str, *extras: str) -> None:
        self.name, self.least, self.extras = name, least, extras

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"{self.name}{extras}>={self.least}"

    def table(self) -> object:
        """Give the value that Poetry and Pipenv write beside the name."""
        if not self.extras:
            return f">={self.least}"
        value = tomlkit.inline_table()
        value.update({"version": f">={self.least}", "extras": list(self.extras)})
        return value


def betterguard(*extras: str) -> Requirement:
    """Give this package, from this release on."""
    return Requirement("betterguard", version("betterguard"), *extras)


def pyjwt() -> Requirement:
    """Give what the vendored file needs."""
    return Requirement("pyjwt", "2.14", "crypto")


def add_requirement(plan: Plan, folder: Path, wanted: Requirement) -> None:
    """Add a package to the back end's requirements, unless they name it."""
    known = list(_manifests(folder))
    if any(_names(path, wanted.name) for path in known):
        plan.present.append(f"{wanted.name} in the requirements")
        return
    what = f"requires {wanted}"
    for path in known:
        after = _with(path, wanted)
        if after is not None:
            plan.replace(path, after, what)
            _tell_lock(plan, folder)
            return
    if known:
        text = "no list of requirements was found that can be added to safely"
        plan.advise("Require the package", text, where=str(known[0]), code=str(wanted))
    else:
        plan.create(folder / "requirements.txt", f"fastapi\n{wanted}\nuvicorn[standard]\n", what)


def with_requirement(text: str, wanted: Requirement) -> str:
    """Give the text of a pyproject.toml with one requirement more."""
    document = tomlkit.parse(text)
    _add_to_toml(document, wanted)
    return tomlkit.dumps(document)


def _manifests(folder: Path) -> Iterator[Path]:
    names = ("pyproject.toml", "Pipfile", "requirements.in", "requirements.txt")
    paths = [folder / name for name in names] + [folder / "requirements" / "base.txt"]
    return (path for path in paths if path.is_file())


def _names(path: Path, package: str) -> bool:
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return bool(re.search(rf"(?im)^[\s\"']*{re.escape(package)}\b(?![\w.-]*\.)", text)) or bool(
        re.search(rf"(?i)[\"']{re.escape(package)}(?:\[|[<>=~!; \"'])", text)
    )


def _with(path: Path, wanted: Requirement) -> bytes | None:
    """Give the file's bytes with the requirement; None where it has no place for one."""
    raw = path.read_bytes()
    if path.suffix in {".txt", ".in"}:
        return None if b"--hash=" in raw else _appended(raw, str(wanted))
    try:
        document = tomlkit.parse(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomlkit.exceptions.ParseError):
        return None
    added = _add_to_toml(document, wanted)
    return tomlkit.dumps(document).encode() if added else None


def _appended(raw: bytes, line: str) -> bytes:
    end = len(raw.removeprefix(b"\xef\xbb\xbf"))
    gap = "" if not raw or raw.endswith(b"\n") else "\n"
    return apply(raw, [Edit(end, end, f"{gap}{line}\n")])


def _add_to_toml(document: TOMLDocument, wanted: Requirement) -> bool:
    poetry = _table(document, "tool", "poetry", "dependencies")
    project = _table(document, "project")
    listed = project.get("dependencies") if project is not None else None
    packages = poetry if poetry is not None else _table(document, "packages")
    if isinstance(listed, Array):
        listed.append(str(wanted))
    elif packages is not None:
        packages[wanted.name] = wanted.table()
    elif project is not None and "dependencies" not in project.get("dynamic", []):
        project["dependencies"] = [str(wanted)]
    else:
        return False
    return True


def _table(document: TOMLDocument, *keys: str) -> Table | None:
    found: object = document
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, Table) else None


def _tell_lock(plan: Plan, folder: Path) -> None:
    for name, command in LOCK_COMMANDS.items():
        if (folder / name).is_file():
            plan.advise("Lock and install it", f"{name} is left as it is", code=command)


def tell_conflicts(plan: Plan, environment: Environment, path: str) -> None:
    """Name the pins that are older than what this package needs."""
    for line in requires("betterguard") or ():
        least = _LEAST.match(line) if "extra ==" not in line else None
        pinned = environment.version(path, _canonical(least[1])) if least is not None else None
        if least is None or pinned is None:
            continue
        needed = tuple(int(part) for part in least[2].split("."))
        if pinned < needed:
            shown = ".".join(map(str, pinned))
            text = f"the project pins {least[1]} {shown}; betterguard needs {least[2]} or newer"
            plan.advise("Raise a pin", text, code=f"{least[1]}>={least[2]}")


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
