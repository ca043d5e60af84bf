"""Issuers with a fixed clock and keys made once a run, and how a verifier answers them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from betterguard.errors import AuthError
from betterguard.testing.tokens import SharedSecretKey, SigningKey, TokenIssuer

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from betterguard.tokens import Claims, TokenVerifier

NOW = 1_800_000_000.0
ASYMMETRIC = ("EdDSA", "ES256", "ES512", "PS256", "RS256")
ALGORITHMS = (*ASYMMETRIC, "HS256")


@cache
def signing_key(alg: str, kid: str | None = "test-key") -> SigningKey:
    """One key an algorithm and id: RSA keys take long to make."""
    return SigningKey.generate(alg, kid)


@cache
def issuer(alg: str = "EdDSA") -> TokenIssuer:
    """An issuer whose clock stands at NOW."""
    key = SharedSecretKey() if alg == "HS256" else signing_key(alg)
    return TokenIssuer(key, clock=lambda: NOW)


def finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    msg = "the coroutine waits for something"
    raise AssertionError(msg)


def accepted(verifier: TokenVerifier, token: str) -> Claims:
    """Give the claims of a token that must pass."""
    claims: Claims = finished(verifier.verify(token))
    return claims


def refused(verifier: TokenVerifier, token: str) -> AuthError:
    """Give the refusal of a token that must not pass; any other exception is a failure."""
    with pytest.raises(AuthError) as caught:
        finished(verifier.verify(token))
    return caught.value


class Clock:
    """A clock that stands still until a test moves it; in seconds."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
