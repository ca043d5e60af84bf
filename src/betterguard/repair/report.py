"""What was fixed, and what is left and why: for people and for programs."""

from __future__ import annotations

import os
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from betterguard.audit.reports.machine import SCHEMA_VERSION, finding_data
from betterguard.audit.rules import BY_ID
from betterguard.repair.diffs import unified
from betterguard.repair.fix import Safety

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from betterguard.repair.engine import Left, Repair
    from betterguard.repair.writing import Change

STYLES = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}


def text(done: Repair, files: int, *, written: bool) -> str:
    """Give the summary by rule, and what is left, in rich's markup."""
    return "\n".join([*_applied(done, files, written=written), *_left(done), *_concerns(done)])


def _applied(done: Repair, files: int, *, written: bool) -> Iterator[str]:
    word = "fixed" if written else "would be fixed"
    yield f"[bold]{len(done.applied)} {word}[/] in {files} files"
    counted = Counter((fix.rule, fix.safety) for fix in done.applied)
    for (rule, safety), count in sorted(counted.items()):
        note = "  [yellow]unsafe: look at it[/]" if safety is Safety.UNSAFE else ""
        yield f"  {count:>4}  {rule} {BY_ID[rule].name}{note}"


def _left(done: Repair) -> Iterator[str]:
    if not done.left:
        yield "[bold]nothing is left[/]"
        return
    yield f"[bold]{len(done.left)} left for a person[/]"
    for (rule, reason), group in groupby(sorted(done.left, key=_why), key=_why):
        yield from _reason(rule, reason, list(group))


def _why(left: Left) -> tuple[str, str]:
    return left.finding.rule, left.reason


def _reason(rule: str, reason: str, group: list[Left]) -> Iterator[str]:
    worst = max(left.finding.severity for left in group).label
    label = f"[{STYLES[worst]}]{worst}[/]"
    yield f"  {len(group):>4}  {rule} {BY_ID[rule].name} {label}: {escape(reason)}"
    places = [f"{left.finding.path}:{left.finding.line}" for left in group]
    more = f" and {len(places) - 4} more" if places[4:] else ""
    yield f"        [dim]{escape(', '.join(places[:4]))}{more}[/]"


def _concerns(done: Repair) -> Iterator[str]:
    found = done.concerns()
    if not found:
        return
    yield f"[bold]{len(found)} to look at, which fixes leave as they are[/]"
    for concern in found:
        yield f"        {escape(concern.path)}:{concern.line}: {escape(concern.text)}"


def data(done: Repair, changes: Iterable[Change], base: Path, *, written: bool) -> dict[str, Any]:
    """Give fixes, changed files with their diffs, and what is left, as plain data."""
    return {
        "version": SCHEMA_VERSION,
        "written": written,
        "fixes": [
            {
                "rule": fix.rule,
                "path": fix.path,
                "line": fix.line,
                "safety": fix.safety.value,
                "summary": fix.summary,
            }
            for fix in done.applied
        ],
        "changes": [
            {
                "path": os.path.relpath(change.path, base).replace(os.sep, "/"),
                "new": change.before is None,
                "diff": unified([change], base),
            }
            for change in changes
        ],
        "concerns": [
            {"path": concern.path, "line": concern.line, "text": concern.text}
            for concern in done.concerns()
        ],
        "left": [finding_data(left.finding) | {"reason": left.reason} for left in done.left],
    }
