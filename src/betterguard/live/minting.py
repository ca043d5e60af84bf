"""Development tokens: what Better Auth would issue, signed by the secret or a throwaway key."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from betterguard.errors import ConfigurationError
from betterguard.settings import TokenSource
from betterguard.testing.tokens import SharedSecretKey, SigningKey, TokenIssuer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from betterguard.environment import Environment
    from betterguard.settings import Settings

__all__ = ["Minted", "mint", "read_claims", "read_duration", "refuse_production"]

_DURATION = re.compile(r"(-?\d+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
DEFAULT_URL = "http://localhost:3000"


@dataclass(frozen=True, slots=True)
class Minted:
    """A token; ``jwk`` is the public key that checks it, None for a shared secret."""

    token: str = field(repr=False)
    issuer: str
    audience: str
    jwk: dict[str, Any] | None


def refuse_production(environment: Environment) -> None:
    """Raise `ConfigurationError` where people use the application in earnest."""
    if environment.production:
        raise ConfigurationError(
            ["the environment says production: tokens are minted for development only"]
        )


def mint(  # noqa: PLR0913  what a token says, each by name
    settings: Settings | None,
    *,
    user: str,
    lifetime: int,
    claims: dict[str, Any],
    with_secret: bool | None,
    clock: Callable[[], float],
) -> Minted:
    """Sign a token that a guard with these settings takes.

    ``lifetime`` is in seconds; below zero the token has expired. ``with_secret`` chooses HS256
    or a new Ed25519 key; by default the settings do. Raises `ConfigurationError` when HS256 is
    wanted and the settings hold no secret.
    """
    if not user:
        raise ConfigurationError(["a token needs a user: --user must not be empty"])
    if with_secret is None:
        with_secret = settings is not None and settings.tokens is TokenSource.SECRET
    key = _secret_key(settings) if with_secret else SigningKey.generate(kid="betterguard-mint")
    issuer = _first(settings.issuers if settings else None, DEFAULT_URL)
    audience = _first(settings.audiences if settings else None, issuer)
    now = int(clock())
    times = {"iat": now + min(lifetime, 0) - (lifetime <= 0), "exp": now + lifetime}
    says = {"aud": audience, **times, "name": ..., "email": ..., "emailVerified": ..., "image": ...}
    token = TokenIssuer(key, url=issuer, clock=clock).token(user, **{**says, **claims})
    return Minted(
        token, issuer, audience, key.public_jwk() if isinstance(key, SigningKey) else None
    )


def read_duration(text: str) -> int:
    """Read ``15m``, ``90s``, ``2h``, ``1d``, or one with a minus sign, into seconds."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ConfigurationError([f"{text!a} is no duration: write 15m, 90s, 2h or 1d"])
    return int(found[1]) * _SECONDS[found[2]]


def read_claims(pairs: Sequence[str]) -> dict[str, Any]:
    """Read ``name=value`` pairs; a value that is JSON is taken as such, else as a text."""
    claims: dict[str, Any] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not name or not separator:
            raise ConfigurationError([f"a claim is written name=value, not {pair!a}"])
        try:
            claims[name] = json.loads(value)
        except ValueError:
            claims[name] = value
    return claims


def _secret_key(settings: Settings | None) -> SharedSecretKey:
    if settings is None or not settings.secrets:
        raise ConfigurationError(
            ["BETTER_AUTH_SECRET is not set, or not fit: `betterguard doctor` says why"]
        )
    return SharedSecretKey(settings.secrets[0])


def _first(names: frozenset[str] | None, default: str) -> str:
    return min(names) if names else default
