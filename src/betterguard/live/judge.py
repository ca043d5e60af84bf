"""What do the rules say against one claim? It is put to them beside claims that are good.

So each claim is judged by itself, and the rules are the verifier's own.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from betterguard.errors import InvalidToken, Reason
from betterguard.limits import IDENTITY_CLAIMS
from betterguard.tokens import hints
from betterguard.tokens.payload import ReadOnlyDict

if TYPE_CHECKING:
    from betterguard.tokens import ClaimRules

__all__ = ["CLAIMS", "Judge", "told"]

CLAIMS = {
    "issuer": ("iss",),
    "audience": ("aud",),
    "identity": IDENTITY_CLAIMS,
    "begin": ("iat", "nbf"),
    "expiry": ("exp",),
}
_CLAIM = frozenset({Reason.CLAIM_MISSING, Reason.CLAIM_MALFORMED})
_MOMENTS = frozenset({"iat", "nbf", "exp"})
GOOD_LIFETIME = 60.0  # seconds
FAR = 1e15  # seconds, of which nobody wants to read every digit


class Judge:
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
        if station == "kind":
            return "no typ" if self._typ is None else f"typ {hints.quoted(self._typ)}"
        if station == "lifetime":
            issued_at = self._payload.get("iat", self._now)
            return f"{_seconds(self._payload['exp'] - issued_at)} s"
        named = ((name, self._payload[name]) for name in CLAIMS[station] if name in self._payload)
        return ", ".join(f"{name} {told(name, value, self._now)}" for name, value in named)

    def can_judge(self, station: str) -> bool:
        """Tell whether there is something to judge: a lifetime needs two moments."""
        moments = (self._payload.get("iat", self._now), self._payload.get("exp"))
        return station != "lifetime" or all(map(_is_moment, moments))

    def _kind(self) -> InvalidToken | None:
        other = hints.other_kind(self._payload)
        if other is not None and not {"iss", "aud", "sub"} <= self._payload.keys():
            return InvalidToken(Reason.KIND_REFUSED, f"the token is {other}")
        return self._put((), typ=self._typ, owned={Reason.KIND_REFUSED})

    def _issuer(self) -> InvalidToken | None:
        return self._put(CLAIMS["issuer"], owned={Reason.ISSUER_MISMATCH, *_CLAIM})

    def _audience(self) -> InvalidToken | None:
        beside = ("iss",) if self._issuer() is None else ()
        return self._put(("aud", *beside), owned={Reason.AUDIENCE_MISMATCH, *_CLAIM})

    def _identity(self) -> InvalidToken | None:
        return self._put(CLAIMS["identity"], owned={Reason.IDENTITY_AMBIGUOUS, *_CLAIM})

    def _begin(self) -> InvalidToken | None:
        return self._put(CLAIMS["begin"], owned={Reason.NOT_YET_VALID, *_CLAIM})

    def _lifetime(self) -> InvalidToken | None:
        issued_at = self._payload.get("iat")
        now = issued_at if isinstance(issued_at, int | float) else self._now
        return self._put(("iat", "exp"), now=now, owned={Reason.LIFETIME_TOO_LONG})

    def _expiry(self) -> InvalidToken | None:
        endless = replace(self._rules, max_lifetime=float(2**62))
        return self._put(CLAIMS["expiry"], rules=endless, owned={Reason.EXPIRED, *_CLAIM})

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
            (rules or self._rules).check(
                typ, ReadOnlyDict(good | given), self._now if now is None else now
            )
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


def told(name: str, value: Any, now: float) -> str:  # noqa: ANN401 - JSON
    """Quote a claim, escaped and cut; moments with how far from now they are."""
    return _moment(value, now) if name in _MOMENTS else _shown(value)


def _shown(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return hints.quoted(value)
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value[:8]))
    return hints.quoted(repr(value))


def _moment(value: Any, now: float) -> str:  # noqa: ANN401 - JSON
    if not _is_moment(value):
        return _shown(value)
    seconds = value - now
    return f"{value} ({_seconds(abs(seconds))} s {'from now' if seconds > 0 else 'ago'})"


def _is_moment(value: Any) -> bool:  # noqa: ANN401 - JSON
    return isinstance(value, int | float) and not isinstance(value, bool)


def _seconds(number: float) -> str:
    return f"{number:.0f}" if abs(number) < FAR else f"{number:g}"
