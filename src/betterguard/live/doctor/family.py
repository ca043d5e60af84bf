"""A family of checks: its name, its questions, and how they are asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from betterguard.live.doctor.outcome import Check, Outcome
    from betterguard.live.doctor.subject import Subject

__all__ = ["Family"]


@dataclass(frozen=True, slots=True)
class Family:
    """``examine`` gives one outcome after the other and may stop early."""

    name: str
    checks: tuple[Check, ...]
    examine: Callable[[Subject], AsyncIterator[Outcome]]
