"""What to change when a token is refused for a reason that is usually a wrong setting.

Hints are for the log. They quote only issuer, audience and type, escaped and cut, from tokens
whose signature fits, and the header's algorithm; never a token.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.limits import IDENTITY_CLAIMS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = [
    "algorithm",
    "audience",
    "clock",
    "expired",
    "identities",
    "issuer",
    "kind",
    "lifetime",
    "missing",
    "no_identity",
    "structure",
]

LONGEST_QUOTE = 100
LONGEST_COOKIE = 4096  # what comes in a JWT's place by mistake is a cookie, or shorter
# An `exp` before this can only be a count of seconds that was meant as a duration.
YEAR_IN_SECONDS = 31_536_000
WHERE_TOKENS_COME_FROM = "fetch one from /api/auth/token and send that"
_SESSION_TOKEN = re.compile(r"[A-Za-z0-9]{32}")
_SCRIPT_VALUES = frozenset({"undefined", "null", "true", "false", "NaN"})


def structure(text: str) -> str:
    """Tell what came in the place of a JWT; nothing of what is too long to be any of it."""
    return _structure(text) if len(text) <= LONGEST_COOKIE else ""


def _structure(text: str) -> str:
    if text in _SCRIPT_VALUES:
        return f"the front end sent the word {text} where the token belongs: await the token"
    if text[:1] in ("'", '"', "%"):
        return "the token came in quotes or URL-encoded: send it as it is"
    if _SESSION_TOKEN.fullmatch(text):
        return f"a session token came, which is not a JWT: {WHERE_TOKENS_COME_FROM}"
    dots = text.count(".")
    if dots == 1:
        return f"a signed session cookie or token came, not a JWT: {WHERE_TOKENS_COME_FROM}"
    if dots == 4:  # noqa: PLR2004 - the five segments of RFC 7516
        return f"an encrypted token (JWE) came, as in a session cookie: {WHERE_TOKENS_COME_FROM}"
    return ""


def algorithm(alg: str, allowed: Collection[str]) -> str:
    """Tell a clash between the kinds of keys on both sides."""
    if alg == "HS256":
        return (
            "the token is signed with a shared secret (HS256) and this guard expects the key set: "
            "set BETTER_AUTH_TOKENS=secret if Better Auth really has a custom jwt.sign"
        )
    if allowed == {"HS256"} and alg in ("EdDSA", "ES256", "ES512", "PS256", "RS256"):
        return (
            f"the token is signed with a key of the key set ({alg}) and this guard expects the "
            "shared secret: set BETTER_AUTH_URL and BETTER_AUTH_TOKENS=jwks"
        )
    return f"the token's algorithm is {quoted(alg)}, this guard takes {listed(allowed)}"


def issuer(seen: str, expected: Collection[str]) -> str:
    """Tell how the issuer differs."""
    said = f"the token's issuer is {quoted(seen)}, expected {listed(expected)}"
    for one in expected:
        if seen.rstrip("/") == one.rstrip("/"):
            return f"{said}: they differ by a trailing slash; set BETTER_AUTH_ISSUER to the former"
        if seen.removesuffix("/api/auth") == one.removesuffix("/api/auth"):
            return f"{said}: they differ by /api/auth; set BETTER_AUTH_ISSUER to the former"
    return f"{said}: set BETTER_AUTH_URL to Better Auth's baseURL, or BETTER_AUTH_ISSUER"


def audience(seen: Sequence[str], expected: Collection[str], issued_by: object) -> str:
    """Tell how the audience differs."""
    said = f"the token's audience is {listed(seen)}, expected {listed(expected)}"
    if issued_by in seen:
        return (
            f"{said}: it is Better Auth's own address, its default; set BETTER_AUTH_AUDIENCE to "
            "that, or the audience in Better Auth's jwt plugin to what is expected"
        )
    if any(one.startswith(("http://", "https://")) for one in seen):
        return (
            f"{said}: it is the address of something else, such as the front end; if Better "
            "Auth's jwt plugin means that, set BETTER_AUTH_AUDIENCE to it"
        )
    return f"{said}: set BETTER_AUTH_AUDIENCE to what Better Auth's jwt plugin puts there"


def clock(ahead: float) -> str:
    """Tell that a clock is off."""
    return (
        f"the token begins {ahead:.0f} seconds from now: this machine's clock or Better Auth's "
        "is off; synchronise them (NTP)"
    )


def expired(expires_at: float, now: float) -> str:
    """Tell how long ago, and the one mistake that makes every token expired."""
    if expires_at < YEAR_IN_SECONDS:
        return (
            "the token's exp lies in 1970: Better Auth's expirationTime was given as a number, "
            'which is an absolute time; write it as a text such as "15m"'
        )
    return f"the token expired {now - expires_at:.0f} seconds ago"


def lifetime(longest: float) -> str:
    """Tell how a longer life is allowed."""
    return (
        f"the token lives longer than {longest:.0f} seconds: shorten expirationTime in Better "
        "Auth's jwt plugin, or raise BETTER_AUTH_MAX_LIFETIME"
    )


def kind(typ: str, payload: Mapping[str, object]) -> str:
    """Tell what the token was made for."""
    known = {
        "better-auth.session-cache+jwt": "a session cache, which belongs in its cookie",
        "at+jwt": "an OAuth access token",
        "logout+jwt": "a logout token",
    }
    what = known.get(typ.lower()) or other_kind(payload) or f"of type {quoted(typ)}"
    return f"the token is {what}, not one from /api/auth/token"


def missing(name: str, payload: Mapping[str, object]) -> str:
    """Tell which claim is missing, and what the token may be instead."""
    what = other_kind(payload)
    return f"the token lacks {name}" + (f": it is {what}" if what else "")


def no_identity(payload: Mapping[str, object]) -> str:
    """Tell that nothing in the token names a user."""
    return missing("sub, user_id and id", payload)


def identities(payload: Mapping[str, object]) -> str:
    """Tell that the token names two users."""
    names = " and ".join(name for name in IDENTITY_CLAIMS if name in payload)
    return (
        f"the claims {names} differ: set BETTER_AUTH_USER_ID_CLAIM to the one "
        "that holds the user's id"
    )


def other_kind(payload: Mapping[str, object]) -> str | None:
    """Recognise Better Auth's other tokens by their shape."""
    if {"session", "user"} <= payload.keys():
        return "a session cache, which belongs in its cookie"
    if "email" in payload and "iss" not in payload and "sub" not in payload:
        return "an e-mail-verification token"
    if "events" in payload:
        return "a logout token"
    return None


def listed(values: Collection[str]) -> str:
    """Quote several values."""
    return " or ".join(map(quoted, sorted(values)[:8]))


def quoted(value: str) -> str:
    """Quote a value, escaped (no line breaks, no controls) and cut."""
    return ascii(value if len(value) <= LONGEST_QUOTE else value[:LONGEST_QUOTE] + "…")
