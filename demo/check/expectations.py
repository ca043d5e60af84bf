"""What a step expects, and how it says that it did not get it."""

from __future__ import annotations

__all__ = ["StepFailed", "equal", "require"]


class StepFailed(Exception):
    """A step did not see what it expected."""


def require(holds: object, otherwise: str) -> None:
    """Fail the step with a sentence unless the condition holds."""
    if not holds:
        raise StepFailed(otherwise)


def equal(got: object, expected: object, what: str) -> None:
    """Fail the step unless both are equal."""
    require(got == expected, f"{what}: expected {expected!r}, got {got!r}")
