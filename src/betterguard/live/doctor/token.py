"""Would the guard take the token that was given, and if not, why?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.live.doctor.family import Family
from betterguard.live.doctor.outcome import Check
from betterguard.live.explanation import STATIONS, Verdict, explain, verifier_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from betterguard.live.doctor.outcome import Outcome
    from betterguard.live.doctor.subject import Subject
    from betterguard.live.explanation import Step

__all__ = ["FAMILY"]

_EXPECTED = {
    "structure": "three segments of base64url with strict JSON in them",
    "algorithm": "an algorithm that the settings have keys for",
    "key": "a key id that the key set has",
    "signature": "a signature of that key",
    "payload": "one JSON object",
    "kind": "a token of /api/auth/token",
    "issuer": "the issuer of the settings, to the letter",
    "audience": "an audience of the settings, to the letter",
    "identity": "one user in sub, user_id and id",
    "begin": "iat and nbf that are not in the future",
    "lifetime": "at most BETTER_AUTH_MAX_LIFETIME from iat to exp",
    "expiry": "an exp in the future",
    "together": "a token that the guard takes",
}
CHECKS = {name: Check(f"token.{name}", expected) for name, expected in _EXPECTED.items()}


async def examine(subject: Subject) -> AsyncIterator[Outcome]:
    """Explain the token; a check that was not reached is left out."""
    first = CHECKS[STATIONS[0]]
    if not subject.token:
        yield first.skipped("no token was given (--token -)")
        return
    settings = subject.settings
    verifier = None if settings is None else verifier_of(settings, subject.clock)
    explanation = await explain(subject.token, verifier, subject.clock())
    for step in explanation.steps:
        yield _outcome(step)


def _outcome(step: Step) -> Outcome:
    check = CHECKS[step.station]
    if step.verdict is Verdict.PASSED:
        return check.ok(step.found or check.expected)
    if step.verdict is Verdict.UNCHECKED:
        return check.skipped(step.found)
    return check.fault(step.found, step.action)


FAMILY = Family("token", tuple(CHECKS.values()), examine)
