"""A report as text for people and as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.text import Text

from betterguard.live.doctor.outcome import Status

if TYPE_CHECKING:
    from betterguard.live.doctor.outcome import Outcome, Report

__all__ = ["SCHEMA_VERSION", "as_json", "as_text"]

SCHEMA_VERSION = 1
_LOOKS = {
    Status.OK: ("ok", "green"),
    Status.WARNING: ("warn", "yellow"),
    Status.FAULT: ("FAULT", "bold red"),
    Status.SKIPPED: ("skip", "dim"),
}
STATUS_WIDTH, ID_WIDTH = 7, 26


def as_json(report: Report) -> str:
    """Write a report with every field; ``version`` changes when a field changes its meaning."""
    data = {
        "version": SCHEMA_VERSION,
        "sound": report.sound,
        **{f"{status}s": report.count(status) for status in (Status.FAULT, Status.WARNING)},
        "outcomes": [asdict(outcome) for outcome in report.outcomes],
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def as_text(report: Report) -> Text:
    """Write one line a check; below a fault or a warning, what was expected and what to do."""
    text = Text()
    for outcome in report.outcomes:
        text.append_text(_lines(outcome))
    counts = [(status, report.count(status)) for status in Status]
    summary = ", ".join(f"{count} {_LOOKS[status][0].lower()}" for status, count in counts if count)
    text.append(f"\n{summary}\n", style="bold")
    return text


def _lines(outcome: Outcome) -> Text:
    word, style = _LOOKS[outcome.status]
    text = Text(f"{word:{STATUS_WIDTH}}", style=style)
    text.append(f"{outcome.check:{ID_WIDTH}}", style="bold" if outcome.action else "default")
    text.append(f" {outcome.found}\n", style="default")
    if outcome.action:
        margin = " " * (STATUS_WIDTH + ID_WIDTH + 1)
        text.append(f"{margin}expected: {outcome.expected}\n", style="dim")
        action = outcome.action.replace("\n", f"\n{margin}    ")  # SQL has several lines
        text.append(f"{margin}do: {action}\n", style="default")
    return text
