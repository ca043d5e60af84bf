"""Why is this token refused? Every check of docs/tokens.md in its order, each judged by itself.

The verifier stops at the first fault. Here each claim is put to its rules beside claims that
are good, so that one fault does not hide another; the rules are the verifier's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from betterguard.errors import AuthError, InvalidToken, Reason
from betterguard.limits import IDENTITY_CLAIMS
from betterguard.live.advice import advice_for
from betterguard.tokens import hints
from betterguard.tokens.jws import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from betterguard.tokens import ClaimRules, TokenVerifier
    from betterguard.tokens.jws import CompactJWS

__all__ = ["STATIONS", "Explanation", "Step", "Verdict", "explain"]

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
_CLAIM = frozenset({Reason.CLAIM_MISSING, Reason.CLAIM_MALFORMED})
GOOD_LIFETIME = 60.0  # seconds


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
    judge = _Judge(verifier.rules, jws.header.typ, payload, now)
    for station in CLAIM_STATIONS:
        error = judge.error(station)
        if error is None:
            yield _passed(station, judge.shown(station))
        else:
            yield _failed(station, error)


class _Judge:
    """Puts one claim at a time to the rules, beside claims that are good."""

    def __init__(
        self, rules: ClaimRules, typ: str | None, payload: dict[str, Any], now: float
    ) -> None:
        self._rules = rules
        self._typ = typ
        self._payload = payload
        self._now = now

    def error(self, station: str) -> InvalidToken | None:
        """Give what the rules say against the claims of a station, None when nothing."""
        judges = {
            "kind": self._kind,
            "issuer": self._issuer,
            "audience": self._audience,
            "identity": self._identity,
            "begin": self._begin,
            "lifetime": self._lifetime,
            "expiry": self._expiry,
        }
        return judges[station]()

    def shown(self, station: str) -> str:
        """Quote the claims of a station that passed."""
        names = {
            "issuer": ("iss",),
            "audience": ("aud",),
            "identity": IDENTITY_CLAIMS,
            "begin": ("iat", "nbf"),
            "lifetime": (),
            "expiry": ("exp",),
        }.get(station, ())
        given = {name: self._payload[name] for name in names if name in self._payload}
        return ", ".join(f"{name} {_shown(value)}" for name, value in given.items())

    def _kind(self) -> InvalidToken | None:
        other = hints.other_kind(self._payload)
        if other is not None and not {"iss", "aud", "sub"} <= self._payload.keys():
            return InvalidToken(Reason.KIND_REFUSED, f"the token is {other}")
        return self._put((), typ=self._typ, owned={Reason.KIND_REFUSED})

    def _issuer(self) -> InvalidToken | None:
        return self._put(("iss",), owned={Reason.ISSUER_MISMATCH, *_CLAIM})

    def _audience(self) -> InvalidToken | None:
        beside = ("iss",) if self._issuer() is None else ()
        return self._put(("aud", *beside), owned={Reason.AUDIENCE_MISMATCH, *_CLAIM})

    def _identity(self) -> InvalidToken | None:
        return self._put(IDENTITY_CLAIMS, owned={Reason.IDENTITY_AMBIGUOUS, *_CLAIM})

    def _begin(self) -> InvalidToken | None:
        return self._put(("iat", "nbf"), owned={Reason.NOT_YET_VALID, *_CLAIM})

    def _lifetime(self) -> InvalidToken | None:
        issued_at = self._payload.get("iat")
        now = issued_at if isinstance(issued_at, int | float) else self._now
        return self._put(("iat", "exp"), now=now, owned={Reason.LIFETIME_TOO_LONG})

    def _expiry(self) -> InvalidToken | None:
        endless = replace(self._rules, max_lifetime=float(2**62))
        return self._put(("exp",), rules=endless, owned={Reason.EXPIRED, *_CLAIM})

    def _put(
        self,
        names: tuple[str, ...],
        *,
        owned: set[Reason],
        typ: str | None = None,
        now: float | None = None,
        rules: ClaimRules | None = None,
    ) -> InvalidToken | None:
        given = {name: self._payload[name] for name in names if name in self._payload}
        good = {name: value for name, value in self._good().items() if name not in names}
        try:
            (rules or self._rules).check(typ, good | given, self._now if now is None else now)
        except InvalidToken as error:
            return error if error.reason in owned else None
        return None

    def _good(self) -> dict[str, Any]:
        """Give claims that these rules take, now."""
        rules = self._rules
        lifetime = min(GOOD_LIFETIME, rules.max_lifetime)
        return {
            "iss": min(rules.issuer or {"any"}),
            "aud": min(rules.audience or {"any"}),
            rules.identity or "sub": "somebody",
            "iat": math.floor(self._now),
            "exp": math.floor(self._now) + lifetime,
        }


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
    for name in ("iss", "aud", *IDENTITY_CLAIMS):
        if name in payload:
            yield name, _shown(payload[name])
    for name in ("iat", "nbf", "exp"):
        if name in payload:
            yield name, _moment(payload[name], now)


def _shown(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return hints.quoted(value)
    if isinstance(value, list):
        return ", ".join(map(_shown, value[:8]))
    return hints.quoted(repr(value))


def _moment(value: Any, now: float) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _shown(value)
    seconds = value - now
    return f"{value} ({abs(seconds):.0f} s {'from now' if seconds > 0 else 'ago'})"
