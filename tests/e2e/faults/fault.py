"""A fault: what is changed in a copy of the demo, and what must be found then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.faults.copying import Change, Scope

__all__ = ["LIST", "TASK", "TASKS", "Fault"]

TASKS, TASK = "/api/user/{user_id}/tasks", "/api/user/{user_id}/tasks/{task_id}"
LIST = f"GET {TASKS}"


@dataclass(frozen=True)
class Fault:
    """What is changed, and the attack that must then be open on which operation."""

    changes: tuple[Change, ...]
    attack: str
    operation: str
    scope: Scope
