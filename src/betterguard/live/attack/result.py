"""What an attack came to: a matrix of operations and attacks, with evidence and with gaps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from betterguard.live.attack.catalogue import ATTACKS, Attack

if TYPE_CHECKING:
    from betterguard.audit import Severity
    from betterguard.live.attack.evidence import Exchange

__all__ = ["Cell", "Exercise", "Result", "Verdict"]


class Verdict(StrEnum):
    """How an attack on an operation ended."""

    OPEN = "open"
    HELD = "held"
    UNTRIED = "untried"


@dataclass(slots=True)
class Cell:
    """One attack on one operation: how it ended, with how many requests, and the proof."""

    operation: str
    attack: Attack
    verdict: Verdict = Verdict.UNTRIED
    requests: int = 0
    unanswered: int = 0
    note: str = ""
    exchange: Exchange | None = field(default=None, repr=False)

    def held(self, *, requests: int = 1, silent: bool = False) -> None:
        """Count a request that was turned away; 0 where another cell has counted it.

        ``silent`` says that an answer never came. Nothing was turned away then, so the attack
        counts as untried, whatever its other requests came to, unless one of them opens it.
        """
        self.requests += requests
        self.unanswered += silent
        if self.verdict is Verdict.OPEN:
            return
        if self.unanswered:
            self.verdict, self.note = Verdict.UNTRIED, "a request got no answer"
        else:
            self.verdict, self.note = Verdict.HELD, ""

    def opened(self, note: str, exchange: Exchange | None, requests: int = 1) -> None:
        """Note that the attack worked; the first proof is kept."""
        self.requests += requests
        if self.verdict is not Verdict.OPEN:
            self.verdict, self.note, self.exchange = Verdict.OPEN, note, exchange

    def untried(self, reason: str) -> None:
        """Note why it could not be tried; what was tried before stands."""
        if self.verdict is Verdict.UNTRIED:
            self.note = reason


@dataclass(slots=True)
class Exercise:
    """How far an operation could be exercised with a valid token: its status, and why not."""

    operation: str
    done: bool = False
    public: bool = False
    status: int = 0
    reason: str = ""


@dataclass(slots=True)
class Result:
    """The matrix and all that belongs to it; made step by step by a run."""

    target: str
    title: str = ""
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    exercises: dict[str, Exercise] = field(default_factory=dict)
    left_behind: list[str] = field(default_factory=list)
    """Objects that were made and could not be removed."""
    notes: list[str] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0

    def cell(self, operation: str, attack: str) -> Cell:
        """Give the cell of an operation and an attack."""
        key = operation, attack
        return self.cells.setdefault(key, Cell(operation, ATTACKS[attack]))

    def exercise(self, operation: str) -> Exercise:
        """Give the record of how far an operation could be exercised."""
        return self.exercises.setdefault(operation, Exercise(operation))

    def serves_anyone(self, operation: str) -> bool:
        """Tell whether an operation answers without a credential, rightly or wrongly."""
        cell = self.cells.get((operation, "missing-credential"))
        return self.exercise(operation).public or (
            cell is not None and cell.verdict is Verdict.OPEN
        )

    def doubt(self, operation: str, reason: str) -> None:
        """Take back what held on an operation, since it may have held by accident."""
        for (name, _), cell in self.cells.items():
            if name == operation and cell.verdict is Verdict.HELD:
                cell.verdict, cell.note = Verdict.UNTRIED, reason

    @property
    def open(self) -> list[Cell]:
        """The attacks that worked, the worst first."""
        found = [cell for cell in self.cells.values() if cell.verdict is Verdict.OPEN]
        return sorted(found, key=lambda cell: -cell.attack.severity)

    def holes(self) -> dict[str, list[Cell]]:
        """Give what is open by attack, the worst first: one fault mostly shows in many places."""
        found: dict[str, list[Cell]] = {}
        for cell in self.open:
            found.setdefault(cell.attack.name, []).append(cell)
        return found

    @property
    def untried(self) -> list[Cell]:
        """The attacks that could not be tried."""
        return [cell for cell in self.cells.values() if cell.verdict is Verdict.UNTRIED]

    @property
    def unexercised(self) -> list[Exercise]:
        """The operations that did not work with a valid token either."""
        return [one for one in self.exercises.values() if not one.done]

    def attacks(self) -> list[Attack]:
        """Give the attacks that have a cell, in the catalogue's order."""
        used = {name for _, name in self.cells}
        return [attack for attack in ATTACKS.values() if attack.name in used]

    def count(self) -> Counter[Verdict]:
        """Count cells by verdict."""
        return Counter(cell.verdict for cell in self.cells.values())

    def worst(self) -> Severity | None:
        """Give the highest severity of what is open; None when nothing is."""
        return max((cell.attack.severity for cell in self.open), default=None)
