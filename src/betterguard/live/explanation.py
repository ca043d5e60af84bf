"""Why is this token refused? Every check of docs/tokens.md in its order, each judged by itself.

The verifier stops at the first fault; here one fault does not hide another (see `judge`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from betterguard.errors import AuthError, InvalidToken, Reason
from betterguard.live.advice import advice_for
from betterguard.live.judge import CLAIMS, Judge, told
from betterguard.tokens import hints
from betterguard.tokens.jws import parse
from betterguard.web.guard import BetterGuard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from betterguard.settings import Settings
    from betterguard.tokens import TokenVerifier
    from betterguard.tokens.jws import CompactJWS

__all__ = ["STATIONS", "Explanation", "Step", "Verdict", "explain", "verifier_of"]

STATIONS = (
    "structure",
    "algorithm",
    "key",
    "signature",
    "payload",
    "kind",
    "issuer",
    "audience",
    "identity",
    "begin",
    "lifetime",
    "expiry",
)
CLAIM_STATIONS = STATIONS[5:]

_STRUCTURE = frozenset(
    {
        Reason.TOKEN_TOO_LARGE,
        Reason.TOKEN_MALFORMED,
        Reason.BASE64URL_MALFORMED,
        Reason.JSON_MALFORMED,
        Reason.HEADER_MALFORMED,
        Reason.HEADER_EXTENSION_REFUSED,
    }
)
_KEY = frozenset({Reason.KEY_UNKNOWN, Reason.KEY_AMBIGUOUS, Reason.KEY_SET_UNREACHABLE})


class Verdict(StrEnum):
    """How one check came out."""

    PASSED = "passed"
    FAILED = "failed"
    UNCHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Step:
    """One check: what was found and, where it failed, the reason and what to change."""

    station: str
    verdict: Verdict
    found: str = ""
    reason: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All checks in order, and what the token says of itself (never its signature).

    ``accepted`` is the verifier's own answer, None when there was no verifier.
    """

    steps: tuple[Step, ...]
    accepted: bool | None
    says: tuple[tuple[str, str], ...] = ()

    @property
    def proven(self) -> bool:
        """Whether the signature fits; else ``says`` is what anybody may have written."""
        passed = {step.station for step in self.steps if step.verdict is Verdict.PASSED}
        return "signature" in passed

    @property
    def failed(self) -> tuple[Step, ...]:
        """The checks that failed."""
        return tuple(step for step in self.steps if step.verdict is Verdict.FAILED)


def verifier_of(settings: Settings, clock: Callable[[], float] = time.time) -> TokenVerifier:
    """Give the verifier that a guard with these settings has; revocations are not its matter."""
    alone = replace(settings, revocation_store=None, revocation_secret=None)
    return BetterGuard(alone, clock=clock).verifier


async def explain(token: str, verifier: TokenVerifier | None, now: float) -> Explanation:
    """Put a token through every check; without a verifier its structure alone is judged.

    ``now`` is in seconds since 1970, as the verifier's clock gives them. Raises nothing.
    """
    refusal = None if verifier is None else await _refusal(token, verifier)
    accepted = None if verifier is None else refusal is None
    try:
        jws = parse(token)
    except InvalidToken as error:
        steps = [_failed("structure", error), *_unchecked(STATIONS[1:], "the structure is broken")]
        return Explanation(tuple(steps), accepted)
    steps = [_passed("structure", _header(jws)), *_key_steps(refusal, jws, known=accepted)]
    try:
        payload = jws.payload()
    except InvalidToken as error:
        steps += [_failed("payload", error), *_unchecked(CLAIM_STATIONS, "there is no payload")]
        return Explanation(tuple(steps), accepted)
    steps.append(_passed("payload", f"claims: {_names(payload)}"))
    steps += _claim_steps(jws, payload, verifier, now)
    return Explanation(tuple(_agreeing(steps, refusal)), accepted, tuple(_says(jws, payload, now)))


async def _refusal(token: str, verifier: TokenVerifier) -> AuthError | None:
    try:
        await verifier.verify(token)
    except AuthError as error:
        return error
    return None


def _key_steps(refusal: AuthError | None, jws: CompactJWS, *, known: bool | None) -> Iterator[Step]:
    """Tell which of algorithm, key and signature the verifier stopped at."""
    if known is None:
        yield from _unchecked(STATIONS[1:4], "no settings say which key would check it")
        return
    reason = refusal.reason if refusal is not None else ""
    failing = {Reason.ALGORITHM_REFUSED: 0, **dict.fromkeys(_KEY, 1), Reason.SIGNATURE_MISMATCH: 2}
    stopped = failing.get(Reason(reason), 3) if reason else 3
    found = (hints.quoted(jws.header.alg), _key_id(jws), "it is the key's")
    for position, station in enumerate(STATIONS[1:4]):
        if position < stopped:
            yield _passed(station, found[position])
        elif position == stopped and refusal is not None:
            yield _failed(station, refusal)
        else:
            yield from _unchecked((station,), "there is no key to check it with")


def _claim_steps(
    jws: CompactJWS, payload: dict[str, Any], verifier: TokenVerifier | None, now: float
) -> Iterator[Step]:
    if verifier is None:
        yield from _unchecked(CLAIM_STATIONS, "no settings say what is expected")
        return
    judge = Judge(verifier.rules, jws.header.typ, payload, now)
    for station in CLAIM_STATIONS:
        error = judge.error(station)
        if not judge.can_judge(station):
            yield from _unchecked((station,), "iat or exp is no moment")
        elif error is None:
            yield _passed(station, judge.shown(station))
        else:
            yield _failed(station, error)


def _agreeing(steps: list[Step], refusal: AuthError | None) -> list[Step]:
    """Add the verifier's own reason where no single check accounts for it."""
    if refusal is None or any(step.verdict is Verdict.FAILED for step in steps):
        return steps
    return [*steps, _failed("together", refusal)]


def _passed(station: str, found: str = "") -> Step:
    return Step(station, Verdict.PASSED, found)


def _failed(station: str, error: AuthError) -> Step:
    found, action = advice_for(error)
    return Step(station, Verdict.FAILED, found, error.reason, action)


def _unchecked(stations: tuple[str, ...], why: str) -> Iterator[Step]:
    for station in stations:
        yield Step(station, Verdict.UNCHECKED, why)


def _header(jws: CompactJWS) -> str:
    header = jws.header
    named = (("alg", header.alg), ("kid", header.kid), ("typ", header.typ))
    return "header: " + ", ".join(
        f"{name} {hints.quoted(value)}" for name, value in named if value is not None
    )


def _key_id(jws: CompactJWS) -> str:
    return "the key has no id" if jws.header.kid is None else f"kid {hints.quoted(jws.header.kid)}"


def _names(payload: Mapping[str, Any]) -> str:
    return ", ".join(hints.quoted(name) for name in sorted(payload)[:20])


def _says(jws: CompactJWS, payload: Mapping[str, Any], now: float) -> Iterator[tuple[str, str]]:
    yield "alg", hints.quoted(jws.header.alg)
    if jws.header.kid is not None:
        yield "kid", hints.quoted(jws.header.kid)
    for name in (name for names in CLAIMS.values() for name in names):
        if name in payload:
            yield name, told(name, payload[name], now)
