"""What a check asks, what came out, and the report that all of them make."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Check", "Outcome", "Report", "Status"]


class Status(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    """Unwise, or to be known; it does not fail the run."""
    FAULT = "fault"
    SKIPPED = "skipped"
    """Not looked at; ``found`` says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of the report: what was found, what was expected, what to do.

    None of the texts holds a secret, a token or a password.
    """

    check: str
    status: Status
    found: str
    expected: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One question with a stable id (``family.name``) and the answer of a sound set-up."""

    id: str
    expected: str

    @property
    def family(self) -> str:
        """The part of the id that ``--only`` and ``--skip`` take."""
        return self.id.partition(".")[0]

    def ok(self, found: str) -> Outcome:
        """Tell that all is well."""
        return self._outcome(Status.OK, found)

    def skipped(self, why: str) -> Outcome:
        """Tell that the question was not asked."""
        return self._outcome(Status.SKIPPED, why)

    def fault(self, found: str, action: str, *, expected: str = "") -> Outcome:
        """Tell what is wrong; ``expected`` where it is more exact than the check's own."""
        return self._outcome(Status.FAULT, found, expected or self.expected, action)

    def warning(self, found: str, action: str, *, expected: str = "") -> Outcome:
        """Tell what is unwise."""
        return self._outcome(Status.WARNING, found, expected or self.expected, action)

    def _outcome(self, status: Status, found: str, expected: str = "", action: str = "") -> Outcome:
        # A server may have sent what steers a terminal, or a line that looks like another's.
        return Outcome(
            self.id,
            status,
            _printable(found),
            _printable(expected),
            "\n".join(map(_printable, action.splitlines())),
        )


def _printable(text: str) -> str:
    """Escape whatever is not a printable character."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that came out, in the order in which it was asked."""

    outcomes: tuple[Outcome, ...]

    def count(self, status: Status) -> int:
        """Tell how many came out so."""
        return sum(outcome.status is status for outcome in self.outcomes)

    @property
    def sound(self) -> bool:
        """Whether no check found a fault."""
        return not self.count(Status.FAULT)
