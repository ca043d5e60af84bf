"""Tokens as Better Auth's ``/api/auth/token`` issues them, signed by a key made for the test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from betterguard.tokens import SharedSecrets, StaticKeys, TokenVerifier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from betterguard.tokens import KeySource

__all__ = ["SharedSecretKey", "SigningKey", "TokenIssuer", "base64url", "compact", "encode_json"]

DEFAULT_LIFETIME = 900.0
RSA_BITS = 2048

_GENERATORS: dict[str, Callable[[], Any]] = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "RS256": lambda: rsa.generate_private_key(65537, RSA_BITS),
    "PS256": lambda: rsa.generate_private_key(65537, RSA_BITS),
}


def base64url(data: bytes) -> str:
    """Encode without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def encode_json(value: object) -> bytes:
    """Encode as JavaScript's ``JSON.stringify`` does: no spaces, UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def compact(header: bytes, payload: bytes, signature: bytes) -> str:
    """Join the raw parts of a token, whatever they hold."""
    return ".".join(map(base64url, (header, payload, signature)))


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of one of Better Auth's five algorithms, with the id it is published under."""

    alg: str
    kid: str | None
    private: Any = field(repr=False)

    @classmethod
    def generate(cls, alg: str = "EdDSA", kid: str | None = "test-key") -> SigningKey:
        """Make a new key of an algorithm (EdDSA, ES256, ES512, RS256 or PS256)."""
        return cls(alg, kid, _GENERATORS[alg]())

    def public_jwk(self) -> dict[str, Any]:
        """Give the entry that Better Auth would publish: ``alg``, ``kty``, ``kid`` and numbers."""
        algorithm: Any = jwt.get_algorithm_by_name(self.alg)
        members = algorithm.to_jwk(self.private.public_key(), as_dict=True)
        members.pop("key_ops", None)
        members["alg"] = self.alg
        if self.kid is not None:
            members["kid"] = self.kid
        return dict(members)

    def header(self) -> dict[str, Any]:
        """Give the header that Better Auth writes: ``alg`` and ``kid``, no ``typ``."""
        return {"alg": self.alg} if self.kid is None else {"alg": self.alg, "kid": self.kid}

    def sign(self, message: bytes) -> bytes:
        """Sign bytes."""
        return jwt.get_algorithm_by_name(self.alg).sign(message, self.private)

    def source(self) -> KeySource:
        """Give the keys that a verifier needs to check what this key signs."""
        return StaticKeys({"keys": [self.public_jwk()]})


@dataclass(frozen=True, slots=True)
class SharedSecretKey:
    """``BETTER_AUTH_SECRET`` as a key for HS256: its UTF-8 bytes as they are."""

    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def header(self) -> dict[str, Any]:
        """Give the header of a custom ``jwt.sign``."""
        return {"alg": "HS256"}

    def sign(self, message: bytes) -> bytes:
        """Compute the MAC of bytes."""
        return hmac.digest(self.secret.encode("utf-8"), message, hashlib.sha256)

    def source(self) -> KeySource:
        """Give the keys that a verifier needs to check what this secret signs."""
        return SharedSecrets([self.secret])


class TokenIssuer:
    """Stands in for Better Auth: issues tokens, and gives the verifier that accepts them.

    ``url`` is both issuer and audience, as by Better Auth's default. ``clock`` gives seconds
    since 1970.
    """

    def __init__(
        self,
        key: SigningKey | SharedSecretKey | None = None,
        *,
        url: str = "http://localhost:3000",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.key = key or SigningKey.generate()
        self.url = url
        self.clock = clock

    def claims(self, user_id: str = "alice", /, **changes: object) -> dict[str, Any]:
        """Give the payload for a user; a change of ``...`` leaves the claim out."""
        now = int(self.clock())
        claims: dict[str, Any] = {
            "iat": now,
            "name": "Alice",
            "email": "alice@example.com",
            "emailVerified": True,
            "image": None,
            "id": user_id,
            "sub": user_id,
            "exp": now + int(DEFAULT_LIFETIME),
            "iss": self.url,
            "aud": self.url,
        }
        return {name: value for name, value in (claims | changes).items() if value is not ...}

    def token(self, user_id: str = "alice", /, **changes: object) -> str:
        """Issue a token for a user; keyword arguments change claims, ``...`` leaves one out."""
        return self.sign(self.claims(user_id, **changes))

    def sign(
        self, payload: Mapping[str, Any] | bytes, header: Mapping[str, Any] | bytes | None = None
    ) -> str:
        """Sign any payload under any header, by default the header that Better Auth writes."""
        parts = [self.key.header() if header is None else header, payload]
        raw = [part if isinstance(part, bytes) else encode_json(part) for part in parts]
        signing_input = ".".join(map(base64url, raw))
        return f"{signing_input}.{base64url(self.key.sign(signing_input.encode('ascii')))}"

    def verifier(self, **options: Any) -> TokenVerifier:
        """Give a verifier that accepts this issuer's tokens; options are `TokenVerifier`'s."""
        defaults: dict[str, Any] = {
            "issuer": self.url,
            "audience": self.url,
            "clock": self.clock,
        }
        return TokenVerifier(self.key.source(), **(defaults | options))
