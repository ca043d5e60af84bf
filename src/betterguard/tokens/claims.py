"""The rules on kind, issuer, audience, subject and time, applied to a payload whose signature fits.

One key set and one secret sign several kinds of token (API tokens, session caches, e-mail
verification, logout), so a good signature alone says little. Expiry is looked at last: the
answer "Token expired" then means that the token was good in every other respect.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from betterguard.errors import ConfigurationError, ExpiredToken, InvalidToken, Reason
from betterguard.limits import (
    DEFAULT_LEEWAY,
    DEFAULT_MAX_LIFETIME,
    IDENTITY_CLAIMS,
    MAX_LEEWAY,
)
from betterguard.tokens import hints
from betterguard.tokens.payload import ReadOnlyDict
from betterguard.user import User

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ClaimRules",
    "Claims",
    "TokenKind",
]

T = TypeVar("T")

LATEST_DATE = 253_402_300_799  # 9999-12-31T23:59:59Z
MAX_USER_ID_LENGTH = 256
_NUMBERS = (int, float)
SESSION_CACHE_TYPE = "better-auth.session-cache+jwt"
SESSION_CACHE_AUDIENCE = "better-auth:session-cache"


class TokenKind(StrEnum):
    """What a token was made for; one kind never passes for another."""

    ACCESS = "access"
    """From ``/api/auth/token``, or signed by the application's own ``jwt.sign``."""
    SESSION_CACHE = "session-cache"
    """The cookie that ``session.cookieCache.strategy: "jwt"`` sets."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. ``expires_at`` is in seconds since 1970.

    ``payload`` is read-only all the way down (lists became tuples), since every request with
    the same token shares it.
    """

    user_id: str
    expires_at: float
    payload: Mapping[str, Any] = field(repr=False)
    kind: TokenKind = TokenKind.ACCESS
    _user: User | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def user(self) -> User:
        """The user whom the token names: made once, and shared like the claims."""
        if self._user is None:
            made = User.from_claims(self.user_id, self.payload)
            object.__setattr__(self, "_user", made)  # what is frozen is frozen for others
            return made
        return self._user


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """What must hold of the claims.

    ``issuer`` and ``audience`` compare as exact strings. None means that the claim must be
    there but may say anything, which only a shared secret can bear. ``leeway`` is in seconds,
    at most 60. ``max_lifetime`` bounds ``exp - iat`` in seconds. ``identity`` names the claim
    that is the user's id; without it, it is ``sub``, else ``user_id``, else ``id``, and those
    present must agree.
    """

    issuer: frozenset[str] | None
    audience: frozenset[str] | None
    leeway: float = DEFAULT_LEEWAY
    max_lifetime: float = DEFAULT_MAX_LIFETIME
    identity: str | None = None
    kind: TokenKind = TokenKind.ACCESS
    types: frozenset[str] = frozenset({"jwt"})

    def __post_init__(self) -> None:
        faults = list(self._faults())
        if faults:
            raise ConfigurationError(faults)

    def check(self, typ: str | None, payload: ReadOnlyDict, now: float) -> Claims:
        """Give the claims of a payload whose signature has been checked, or refuse it."""
        check = _check_access if self.kind is TokenKind.ACCESS else _check_session_cache
        expires_at = _date(payload, "exp")
        user_id, shown = check(self, typ, payload)
        self._check_time(payload, expires_at, now)
        return Claims(user_id, expires_at, shown, self.kind)

    def _check_time(self, payload: Mapping[str, Any], expires_at: float, now: float) -> None:
        begins_at = issued_at = _date(payload, "iat") if "iat" in payload else now
        if "nbf" in payload:
            begins_at = max(issued_at, _date(payload, "nbf"))
        if begins_at > now + self.leeway:
            raise InvalidToken(Reason.NOT_YET_VALID, hints.clock(begins_at - now))
        if expires_at - issued_at > self.max_lifetime:
            raise InvalidToken(Reason.LIFETIME_TOO_LONG, hints.lifetime(self.max_lifetime))
        if now - self.leeway >= expires_at:
            raise ExpiredToken(Reason.EXPIRED, hints.expired(expires_at, now))

    def _faults(self) -> Iterable[str]:
        if not 0 <= self.leeway <= MAX_LEEWAY:
            yield f"leeway must be 0 to {MAX_LEEWAY:.0f} seconds, not {self.leeway}"
        if not (math.isfinite(self.max_lifetime) and self.max_lifetime > 0):
            yield f"the maximum lifetime must be a positive number, not {self.max_lifetime}"
        if self.identity not in (None, *IDENTITY_CLAIMS):
            yield f"the user id claim is one of {', '.join(IDENTITY_CLAIMS)}, not {self.identity!r}"
        for name, values in (("issuer", self.issuer), ("audience", self.audience)):
            if values is not None and (not values or "" in values):
                yield f"{name} must name at least one, and none of them empty"


def _check_access(
    rules: ClaimRules, typ: str | None, payload: ReadOnlyDict
) -> tuple[str, ReadOnlyDict]:
    if typ is not None and typ.lower() not in rules.types:
        raise InvalidToken(Reason.KIND_REFUSED, hints.kind(typ, payload))
    _check_issuer(rules, payload)
    _check_audience(rules, payload)
    return _identity(payload, rules.identity), payload


def _check_session_cache(
    rules: ClaimRules, typ: str | None, payload: ReadOnlyDict
) -> tuple[str, ReadOnlyDict]:
    # cookies/index.mjs: HS256 carries neither typ nor sub, iss, aud. cookies/jwt.mjs: the key
    # set's variant carries all of them.
    session, user = payload.get("session"), payload.get("user")
    if not isinstance(session, dict) or not isinstance(user, dict):
        raise InvalidToken(Reason.KIND_REFUSED)
    if typ is None:
        if not payload.keys().isdisjoint({"iss", "aud", "sub"}):
            raise InvalidToken(Reason.KIND_REFUSED)
    else:
        if typ != SESSION_CACHE_TYPE or payload.get("aud") != SESSION_CACHE_AUDIENCE:
            raise InvalidToken(Reason.KIND_REFUSED)
        _check_issuer(rules, payload)
    user_id = _session_identity(session, user, payload)
    # Of the session its id alone: it holds the live session token.
    shown = {**user, "sub": user_id, "sid": session.get("id")}
    # When the cookie was made is Better Auth's to say, not the user's row's.
    shown.pop("iat", None)
    if "iat" in payload:
        shown["iat"] = payload["iat"]
    return user_id, ReadOnlyDict(shown)


def _session_identity(
    session: dict[str, Any], user: dict[str, Any], payload: dict[str, Any]
) -> str:
    ids = {_user_id(user, "id"), _user_id(session, "userId")}
    if "sub" in payload:
        ids.add(_user_id(payload, "sub"))
    if len(ids) > 1:
        raise InvalidToken(Reason.IDENTITY_AMBIGUOUS)
    return ids.pop()


def _check_issuer(rules: ClaimRules, payload: Mapping[str, Any]) -> None:
    issuer = payload.get("iss")
    if not issuer or not isinstance(issuer, str):
        raise _unfit(payload, "iss")
    if rules.issuer is not None and issuer not in rules.issuer:
        raise InvalidToken(Reason.ISSUER_MISMATCH, hints.issuer(issuer, rules.issuer))


def _check_audience(rules: ClaimRules, payload: Mapping[str, Any]) -> None:
    audience: Any = payload.get("aud")
    named = audience if isinstance(audience, tuple) else (audience,)
    for name in named or (None,):
        if not name or not isinstance(name, str):
            raise _unfit(payload, "aud")
    if rules.audience is not None and rules.audience.isdisjoint(named):
        hint = hints.audience(named, rules.audience, payload.get("iss"))
        raise InvalidToken(Reason.AUDIENCE_MISMATCH, hint)


def _identity(payload: Mapping[str, Any], named: str | None) -> str:
    if named is not None:
        return _user_id(payload, named)
    user_id = None
    for name in IDENTITY_CLAIMS:
        if name in payload:
            if user_id is None:
                user_id = _user_id(payload, name)
            elif payload[name] != user_id:
                raise InvalidToken(Reason.IDENTITY_AMBIGUOUS, hints.identities(payload))
    if user_id is None:
        raise InvalidToken(Reason.CLAIM_MISSING, hints.no_identity(payload))
    return user_id


def _user_id(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    # Not printable: control characters, NUL, lone surrogates, invisible formatting. Blanks at
    # the ends: some databases compare without them.
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= MAX_USER_ID_LENGTH
        or not value.isprintable()
        or value.strip() != value
    ):
        raise _unfit(members, name)
    return value


def _date(payload: Mapping[str, Any], name: str) -> float:
    """Read a NumericDate (RFC 7519 §2): seconds since 1970 as a number, and no other type."""
    value: Any = payload.get(name)
    # By exact type: True is an int, too.
    if type(value) not in _NUMBERS or not 0 <= value <= LATEST_DATE:
        raise _unfit(payload, name)
    return float(value)


def _unfit(members: Mapping[str, Any], name: str) -> InvalidToken:
    """Tell a claim that is not there from one that says nothing fit, such as null."""
    if name in members:
        return InvalidToken(Reason.CLAIM_MALFORMED)
    return InvalidToken(Reason.CLAIM_MISSING, hints.missing(name, members))
