"""What a result does not prove, brought together: the same reason is told once."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from betterguard.live.attack.result import Result

__all__ = ["gaps"]

NAMED = 3


def gaps(result: Result) -> list[tuple[str, str]]:
    """Give what was not tried, each with its reason: operations first, then attacks."""
    found = [(one.operation, one.reason) for one in result.unexercised]
    reasons: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for cell in result.untried:
        if result.exercise(cell.operation).done:
            reasons[cell.note][cell.attack.name].add(cell.operation)
    for reason, by_attack in reasons.items():
        operations = {one for found in by_attack.values() for one in found}
        found.append((f"{_some(list(by_attack))} on {_operations(sorted(operations))}", reason))
    return found


def _some(names: list[str]) -> str:
    if len(names) <= 2 * NAMED:
        return ", ".join(names)
    return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"


def _operations(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} operations"
