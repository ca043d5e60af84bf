"""``[tool.betterguard]``: which rules run where, what counts, and what only the team can know."""

from __future__ import annotations

import fnmatch
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from betterguard.audit.finding import Severity
from betterguard.audit.knowledge import OWNER_COLUMNS, Knowledge
from betterguard.audit.rules import ids
from betterguard.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from betterguard.audit.finding import Finding
    from betterguard.audit.rule import Rule

LISTS = (
    "select",
    "ignore",
    "exclude",
    "public-routes",
    "auth-dependencies",
    "owner-columns",
)


@dataclass(frozen=True, slots=True)
class Config:
    """One project's configuration.

    ``select`` and ``ignore`` hold rule ids or their beginnings (``BG3``). ``exclude`` holds path
    patterns. ``public_routes`` holds paths, ``/name*`` for all below. ``auth_dependencies`` holds
    names of dependencies that authenticate although the audit cannot see how. ``owner_columns``
    replaces the column names that tell whose a row is.
    """

    select: tuple[str, ...] = ("BG",)
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    public_routes: tuple[str, ...] = ()
    auth_dependencies: tuple[str, ...] = ()
    owner_columns: frozenset[str] = field(default=OWNER_COLUMNS)
    severity: Severity = Severity.INFO
    fail_on: Severity = Severity.HIGH
    tests: bool = False

    def rules(self) -> tuple[Rule, ...]:
        """Give the rules that are selected and not ignored."""
        from betterguard.audit.rules import RULES  # noqa: PLC0415  loads every rule

        return tuple(
            rule
            for rule in RULES
            if rule.id.startswith(self.select)
            and not (self.ignore and rule.id.startswith(self.ignore))
        )

    def knowledge(self) -> Knowledge:
        """Give what the rules are told about the project."""
        return Knowledge(self.public_routes, self.auth_dependencies, self.owner_columns)

    def excludes(self, path: str) -> bool:
        """Whether a file is left out."""
        return any(_matches(path, pattern) for pattern in self.exclude)

    def keeps(self, finding: Finding) -> bool:
        """Whether a finding is grave enough and not ignored for its file."""
        if finding.severity < self.severity:
            return False
        return not any(
            finding.rule.startswith(rules) and _matches(finding.path, pattern)
            for pattern, rules in self.per_file_ignores
        )


def _matches(path: str, pattern: str) -> bool:
    """Match a glob over the whole path; a bare folder name stands for all below it."""
    return fnmatch.fnmatch(path, pattern) or fnmatch.fnmatch(path, f"{pattern.rstrip('/')}/*")


def find_config(start: Path) -> Config:
    """Give the configuration of the nearest ``pyproject.toml`` that has one, at or above a path."""
    for folder in (start, *start.resolve().parents):
        file = folder / "pyproject.toml"
        if file.is_file():
            table = _table(file)
            if table is not None:
                return read_config(table)
        if (folder / ".git").exists():
            break
    return Config()


def _table(file: Path) -> dict[str, Any] | None:
    text = ""
    try:
        text = file.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (OSError, ValueError) as err:
        if (
            "tool.betterguard" in text
        ):  # to go on with other settings could let through what these forbid
            msg = f"{file} is no TOML: {err}"
            raise ConfigurationError([msg]) from err
        return None  # reported by whoever owns the file; the audit works without it
    found = data.get("tool", {}).get("betterguard")
    return found if isinstance(found, dict) else None


def read_config(table: dict[str, Any]) -> Config:
    """Give the configuration of a table; ConfigurationError lists every fault at once."""
    faults: list[str] = []
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if key in LISTS:
            values[name] = _texts(key, value, faults)
        elif key == "per-file-ignores":
            values[name] = _per_file(value, faults)
        elif key in {"severity", "fail-on"}:
            values[name] = _severity(key, value, faults)
        elif key == "tests":
            values[name] = bool(value)
        else:
            faults.append(f"[tool.betterguard] has no setting {key!r}")
    for key in ("select", "ignore"):
        _known_rules(key, values.get(key, ()), faults)
    if faults:
        raise ConfigurationError(faults)
    if "owner_columns" in values:
        values["owner_columns"] = frozenset(values["owner_columns"])
    return Config(**values)


def _texts(key: str, value: object, faults: list[str]) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    faults.append(f"{key} is a list of strings, got {type(value).__name__}")
    return ()


def _per_file(value: object, faults: list[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, dict):
        faults.append(f"per-file-ignores is a table of lists, got {type(value).__name__}")
        return ()
    return tuple(
        (pattern, _texts("per-file-ignores", rules, faults)) for pattern, rules in value.items()
    )


def _severity(key: str, value: object, faults: list[str]) -> Severity:
    try:
        return Severity.named(str(value))
    except ValueError as err:
        faults.append(f"{key}: {err}")
        return Severity.HIGH


def _known_rules(key: str, prefixes: tuple[str, ...], faults: list[str]) -> None:
    faults.extend(
        f"{key} names {prefix!r}, which is no rule and begins none"
        for prefix in prefixes
        if not any(known.startswith(prefix) for known in ids())
    )
