"""Small APIs, each with something special, and attacks on them by two users."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from betterguard.live.attack import (
    AppTarget,
    Keys,
    Limits,
    Options,
    Result,
    Target,
    UrlTarget,
    attack,
    person,
)
from betterguard.testing.tokens import SigningKey, TokenIssuer

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["ISSUER", "KEYS", "attacked"]

KEY = SigningKey.generate()
ISSUER = TokenIssuer(KEY)
KEYS = Keys({"keys": [KEY.public_jwk()]}, KEY)


def attacked(app: FastAPI | str, **options: Any) -> Result:
    """Attack an application, or what is at an address, as Alice and Bob."""
    alice, bob = person("Alice", ISSUER.token("alice-1")), person("Bob", ISSUER.token("bob-22"))
    given: dict[str, Any] = {"keys": KEYS, "seed": 1, "limits": Limits(requests=20_000)} | options
    target: Target = UrlTarget(app) if isinstance(app, str) else AppTarget("to-do", app)
    return asyncio.run(attack(target, alice, bob, Options(**given)))
