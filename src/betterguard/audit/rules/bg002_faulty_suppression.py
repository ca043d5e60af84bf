"""A ``# noqa: BG…`` comment without a reason, or without anything to suppress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Rule, Snippet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code


def check(_code: Code) -> Iterator[Hit]:
    """Nothing here: which comments are of use is known when all rules have run (``policy``)."""
    return iter(())


RULE = Rule(
    id="BG002",
    name="faulty-suppression",
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    cwe=1116,
    message="A suppression gives no reason, or suppresses nothing.",
    why=(
        "A suppression is a decision; the reason beside it (`# noqa: BG302 shared by design`) "
        "is what the next reader needs, and one without it has no effect. One that covers "
        "nothing any more would hide the next mistake on that line."
    ),
    check=check,
    valid=(
        Snippet.of(
            "SECRET_KEY = 'only-for-the-demo'  # noqa: BG206 the demo's throw-away secret\n"
        ),
    ),
    invalid=(
        Snippet.of("SECRET_KEY = 'only-for-the-demo'  # noqa: BG206\n"),
        Snippet.of("x = 1  # noqa: BG206 no secret here\n"),
    ),
)
