"""The two users between whom nothing may pass, and who they are by their own tokens."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from betterguard.errors import ConfigurationError
from betterguard.limits import IDENTITY_CLAIMS

__all__ = ["Person", "claims_of", "person"]


@dataclass(frozen=True, slots=True)
class Person:
    """A user: the name in reports, the id that the application knows, a valid token."""

    name: str
    user_id: str
    token: str = field(repr=False)
    expires: float | None = None
    """Seconds since 1970."""


def person(name: str, token: str, user_id: str | None = None) -> Person:
    """Read who somebody is from the token; `ConfigurationError` when it does not say.

    The signature is not checked: that is the application's part.
    """
    claims = claims_of(token)
    found = user_id or next(
        (
            str(claims[claim])
            for claim in IDENTITY_CLAIMS
            if isinstance(claims.get(claim), str | int)
        ),
        None,
    )
    if not found:
        msg = (
            f"{name}'s token names no user ({', '.join(IDENTITY_CLAIMS)}): give the id with "
            f"--user-id-{'a' if name == 'Alice' else 'b'}"
        )
        raise ConfigurationError([msg])
    expires = claims.get("exp")
    return Person(name, found, token, expires if isinstance(expires, int | float) else None)


def claims_of(token: str) -> dict[str, Any]:
    """Read a token's payload without checking anything; empty when it is no JWT."""
    try:
        payload = token.split(".")[1]
        padded = payload + "=" * (-len(payload) % 4)
        text = base64.urlsafe_b64decode(padded)  # noqa: BG202 only read; it lets nobody in
        claims = json.loads(text)
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
