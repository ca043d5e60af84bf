"""The vendored ``auth.py``, loaded as a file of its own, with the shape of the strict core.

The attacks of tests/tokens run against it unchanged. It answers with HTTPException and tells no
reason; so a refusal here is taken for any reason but expiry, which is told.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import HTTPException

from betterguard.errors import ExpiredToken, InvalidToken, Reason
from betterguard.testing.tokens import SharedSecretKey
from betterguard.tokens import TokenKind

if TYPE_CHECKING:
    from types import ModuleType

    from betterguard.errors import AuthError
    from betterguard.testing.tokens import TokenIssuer

__all__ = ["NotOffered", "VendoredVerifier", "load", "static_keys", "vendored_verifier"]

UNAUTHORIZED = 401
CHALLENGE = 'Bearer error="invalid_token"'
ISSUER = "http://localhost:3000"
TEMPLATE = files("betterguard.repair") / "templates" / "auth_vendored.py"


@cache
def load() -> ModuleType:
    """Import the template as a module of nobody's package."""
    spec = importlib.util.spec_from_file_location("vendored_auth", str(TEMPLATE))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BETTER_AUTH_URL", ISSUER)
        spec.loader.exec_module(module)
    return module


class NotOffered(Exception):
    """An option of the strict core that the vendored file has not, as its docstring says."""


class AnyReason(str):
    """Equal to every reason but that of an expired token."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return other != Reason.EXPIRED

    def __hash__(self) -> int:
        return 0


class Claims:
    """What a test of the strict core looks at."""

    def __init__(self, user_id: str, payload: dict[str, Any]) -> None:
        self.user_id, self.payload = user_id, payload
        self.expires_at = payload["exp"]
        self.kind = TokenKind.ACCESS

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Claims) and other.payload == self.payload

    def __hash__(self) -> int:
        return hash(self.user_id)


class VendoredVerifier:
    """A `TokenVerifier` made of the vendored file."""

    def __init__(
        self, keys: Any, *, issuer: str | None, audience: str | None, **options: Any
    ) -> None:
        self.module = load()
        if not options.keys() <= {"clock", "leeway"}:
            raise NotOffered
        # It always compares them, where the core may be told not to.
        named = {"issuer": issuer or ISSUER, "audience": audience or ISSUER}
        self.verifier = self.module.Verifier(keys, **named, **options)

    async def verify(self, token: str) -> Claims:
        try:
            claims = await self.verifier.verify(token)
        except HTTPException as refused:
            raise _as_the_core_would(refused) from None
        return Claims(self.module._user_id(claims), claims)


def _as_the_core_would(refused: HTTPException) -> AuthError:
    challenge = (refused.headers or {})["WWW-Authenticate"]
    if refused.status_code != UNAUTHORIZED or not challenge.startswith(CHALLENGE):
        msg = f"answered {refused.status_code} {challenge!r}"
        raise AssertionError(msg)
    if refused.detail == "Token expired":
        return ExpiredToken(Reason.EXPIRED)
    return InvalidToken(AnyReason("any"))


def static_keys(jwks: dict[str, Any]) -> Any:
    """Give a key set that is at hand, as `StaticKeys` is."""
    return load().KeySet(lambda: jwks["keys"])


def vendored_verifier(signer: TokenIssuer, /, **options: Any) -> VendoredVerifier:
    """Stand in for `TokenIssuer.verifier`."""
    if isinstance(signer.key, SharedSecretKey):
        keys = load().SharedSecret(signer.key.secret)
    else:
        keys = static_keys({"keys": [signer.key.public_jwk()]})
    defaults = {"issuer": signer.url, "audience": signer.url, "clock": signer.clock}
    return VendoredVerifier(keys, **{**defaults, **options})
