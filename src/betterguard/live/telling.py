"""An explanation as text for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from betterguard.live.explanation import Explanation

__all__ = ["SCHEMA_VERSION", "as_json", "as_text"]

SCHEMA_VERSION = 1
_LOOKS = {"passed": "green", "failed": "bold red", "not checked": "dim"}


def as_json(explanation: Explanation) -> str:
    """Write an explanation with every field; ``version`` changes when a field does."""
    data = {
        "version": SCHEMA_VERSION,
        "accepted": explanation.accepted,
        "steps": [dataclasses.asdict(step) for step in explanation.steps],
        "says": dict(explanation.says),
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def as_text(explanation: Explanation) -> Text:
    """Write one line a check, what to do below one that failed, and what the token says."""
    text = Text()
    for number, step in enumerate(explanation.steps, 1):
        text.append(f"{number:2}  {step.station:11}")
        text.append(f"{step.verdict:13}", style=_LOOKS[step.verdict])
        reason = f" [{step.reason}]" if step.reason else ""
        text.append(f"{step.found}{reason}\n")
        if step.action:
            text.append(f"{'do: ':>32}{step.action}\n", style="bold")
    text.append_text(_conclusion(explanation))
    return text


def _conclusion(explanation: Explanation) -> Text:
    answers = {
        True: "The guard takes this token.",
        False: "The guard refuses this token.",
        None: "Without settings nothing can be said of its signature and claims.",
    }
    text = Text(f"\n{answers[explanation.accepted]}\n", style="bold")
    if explanation.says:
        doubt = "" if explanation.proven else ", and anybody could have written"
        text.append(f"It says{doubt}:\n")
        for name, value in explanation.says:
            text.append(f"  {name:8} {value}\n")
    return text
