"""What is to be written and what is left to people, gathered while a project is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from betterguard.errors import ConfigurationError
from betterguard.repair.edits import apply
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
    _files: dict[Path, Change] = field(default_factory=dict)

    @property
    def changes(self) -> list[Change]:
        """Every file that is to change, by path."""
        return [change for _, change in sorted(self._files.items()) if change.before != change.after]

    def content(self, path: Path) -> bytes | None:
        """Give a file's bytes as they will be by now; None for one that will not exist."""
        if path in self._files:
            return self._files[path].after
        return path.read_bytes() if path.is_file() else None

    def create(self, path: Path, text: str, what: str) -> None:
        """Add a new file. ConfigurationError when there is one: none is ever overwritten."""
        if self.content(path) is not None:
            raise ConfigurationError([f"{path} exists already"])
        self._files[path] = Change(path, None, text.encode())
        self.reasons.append(Reason(path, what))

    def edit(self, path: Path, edits: Sequence[Edit], what: str) -> None:
        """Change stretches of a file."""
        if edits:
            self.replace(path, apply(self.content(path) or b"", edits), what)

    def replace(self, path: Path, after: bytes, what: str) -> None:
        """Give a file, old or new, another content."""
        known = self._files.get(path)
        before = known.before if known is not None else self.content(path)
        if after != self.content(path):
            self._files[path] = Change(path, before, after)
            self.reasons.append(Reason(path, what))

    def advise(self, title: str, text: str, *, where: str = "", code: str = "") -> None:
        """Leave something to a person."""
        self.advice.append(Advice(title, text, where, code))
