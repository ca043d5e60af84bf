"""What is to be written and what is left to people, gathered while a project is looked at."""

from __future__ import annotations

from codecs import BOM_UTF8
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from betterguard.errors import ConfigurationError
from betterguard.repair.edits import apply
from betterguard.repair.syntax import parse
from betterguard.repair.writing import Change

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from betterguard.repair.edits import Edit

__all__ = ["Advice", "Plan", "Reason"]


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that is left to a person: ``where``, why, and what to write there."""

    title: str
    text: str
    where: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a file is written."""

    path: Path
    what: str


@dataclass(eq=False)
class Plan:
    """Changes of files, each with its reason, and advice; ``present`` names what was there."""

    root: Path
    reasons: list[Reason] = field(default_factory=list)
    advice: list[Advice] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    _new: dict[Path, bytes] = field(default_factory=dict)
    _edits: dict[Path, list[Edit]] = field(default_factory=dict)

    def changes(self) -> list[Change]:
        """Give every file that is to change, by path, as the disk is now."""
        new = [Change(path, _on_disk(path), after) for path, after in self._new.items()]
        edited = [_edited(path, edits) for path, edits in self._edits.items()]
        changes = (change for change in (*new, *edited) if change.before != change.after)
        return sorted(changes, key=lambda change: change.path)

    def exists(self, path: Path) -> bool:
        """Whether there is a file by that name, or will be."""
        return path in self._new or path.exists()

    def planned(self, path: Path) -> bytes | None:
        """Give the content that a file is to get as a whole; None where it is not."""
        return self._new.get(path)

    def create(self, path: Path, text: str, what: str) -> None:
        """Add a new file. ConfigurationError when there is one: none is ever overwritten."""
        if self.exists(path):
            raise ConfigurationError([f"{path} exists already"])
        self.replace(path, text.encode(), what)

    def replace(self, path: Path, after: bytes, what: str) -> None:
        """Give a file, old or new, another content as a whole."""
        self._new[path] = after
        self.reasons.append(Reason(path, what))

    def edit(self, path: Path, edits: Sequence[Edit], what: str) -> None:
        """Change stretches of a file; positions count in the file as it is on disk."""
        if edits:
            self._edits.setdefault(path, []).extend(edits)
            self.reasons.append(Reason(path, what))

    def advise(self, title: str, text: str, *, where: str = "", code: str = "") -> None:
        """Leave something to a person."""
        self.advice.append(Advice(title, text, where, code))


def _on_disk(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _edited(path: Path, edits: Sequence[Edit]) -> Change:
    before = path.read_bytes()
    after = apply(before, edits)
    if path.suffix == ".py" and parse(after.removeprefix(BOM_UTF8)).has_error:
        msg = f"{path} would not parse any more: nothing is written; please report this file"
        raise ConfigurationError([msg])
    return Change(path, before, after)
