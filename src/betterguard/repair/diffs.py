"""Changes as a unified diff that people read and that ``git apply`` takes."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from betterguard.repair.writing import Change

_STYLES = (("+++", "bold"), ("---", "bold"), ("@@", "cyan"), ("+", "green"), ("-", "red"))
_NO_NEWLINE = "\\ No newline at end of file\n"


def unified(changes: Iterable[Change], base: Path) -> str:
    """Give the diff of all changes, by path; paths are relative to ``base``."""
    parts = [
        line
        for change in sorted(changes, key=lambda change: change.path)
        for line in _lines(change, base)
    ]
    return "".join(parts)


def _lines(change: Change, base: Path) -> Iterator[str]:
    shown = os.path.relpath(change.path, base).replace(os.sep, "/")
    before = "/dev/null" if change.before is None else f"a/{shown}"
    for line in difflib.unified_diff(
        _split(change.before or b""), _split(change.after), before, f"b/{shown}"
    ):
        yield line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}"


def _split(content: bytes) -> list[str]:
    """Lines end at a line feed alone: a carriage return before it is a part of the line."""
    lines = content.decode(errors="replace").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def coloured(diff: str) -> Text:
    """Give a diff for a terminal: additions green, removals red."""
    shown = Text()
    for line in diff.splitlines(keepends=True):
        style = next((style for start, style in _STYLES if line.startswith(start)), "")
        shown.append(line.replace("\r", ""), style)
    return shown
