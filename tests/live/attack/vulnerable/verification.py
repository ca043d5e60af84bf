"""Ways to take a token for good that is not, each by the name of its fault."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import jwt

from betterguard.testing.forgery import public_key_texts

if TYPE_CHECKING:
    from betterguard.testing.tokens import SigningKey, TokenIssuer

__all__ = ["FAULTY"]


def signature_not_verified(_: TokenIssuer, token: str) -> str | None:
    return text(payload(token).get("sub"))


def alg_none_accepted(_: TokenIssuer, token: str) -> str | None:
    unsigned = str(header(token).get("alg")).lower() == "none"
    return text(payload(token).get("sub")) if unsigned else None


def public_key_as_secret(issuer: TokenIssuer, token: str) -> str | None:
    return macced(token, public_key_texts(key_of(issuer).public_jwk())["jwk"])


def secret_can_be_guessed(_: TokenIssuer, token: str) -> str | None:
    return macced(token, b"your-secret-key")


def key_from_the_header(_: TokenIssuer, token: str) -> str | None:
    jwk = header(token).get("jwk")
    if jwk is None:
        return None
    options: Any = {"verify_aud": False}
    return text(jwt.decode(token, jwt.PyJWK(jwk), ["EdDSA"], options=options)["sub"])


def demo_token(_: TokenIssuer, token: str) -> str | None:
    return text(payload(token).get("sub")) if token.startswith("demo.") else None


def bypass_token(_: TokenIssuer, token: str) -> str | None:
    return text(payload(token).get("sub")) if token.endswith(".bypass-signature") else None


def exp_not_checked(issuer: TokenIssuer, token: str) -> str | None:
    return text(lenient(issuer, token, verify_exp=False).get("sub"))


def nbf_not_checked(issuer: TokenIssuer, token: str) -> str | None:
    return text(lenient(issuer, token, verify_nbf=False).get("sub"))


def aud_not_checked(issuer: TokenIssuer, token: str) -> str | None:
    return text(lenient(issuer, token, verify_aud=False).get("sub"))


def iss_not_checked(issuer: TokenIssuer, token: str) -> str | None:
    return text(lenient(issuer, token, verify_iss=False).get("sub"))


def kind_not_checked(issuer: TokenIssuer, token: str) -> str | None:
    claims = lenient(issuer, token, require=[], verify_aud=False, verify_iss=False)
    return text(claims.get("userId"))


def crash_on_missing_claim(issuer: TokenIssuer, token: str) -> str | None:
    claims = lenient(issuer, token)
    return text(claims["sub"]) if claims else None


def lenient_base64(issuer: TokenIssuer, token: str) -> str | None:
    return text(lenient(issuer, token.rstrip("=")).get("sub"))


FAULTY = {
    check.__name__.replace("_", "-"): check
    for check in (
        signature_not_verified,
        alg_none_accepted,
        public_key_as_secret,
        secret_can_be_guessed,
        key_from_the_header,
        demo_token,
        bypass_token,
        exp_not_checked,
        nbf_not_checked,
        aud_not_checked,
        iss_not_checked,
        kind_not_checked,
        crash_on_missing_claim,
        lenient_base64,
    )
}


def lenient(issuer: TokenIssuer, token: str, **changed: Any) -> dict[str, Any]:
    """Verify with PyJWT and some options changed; empty when it refuses."""
    options: Any = {"require": ["exp", "iss", "aud"], **changed}
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key_of(issuer).private.public_key(),
            ["EdDSA"],
            audience=issuer.url,
            issuer=issuer.url,
            options=options,
        )
    except jwt.PyJWTError:
        return {}
    return claims


def key_of(issuer: TokenIssuer) -> SigningKey:
    key: Any = issuer.key
    return key  # type: ignore[no-any-return]  # the tests sign with EdDSA


def macced(token: str, secret: bytes) -> str | None:
    """Take a token whose HMAC is by this secret."""
    signed, _, mac = token.rpartition(".")
    right = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), hashlib.sha256))
    return text(payload(token).get("sub")) if right.rstrip(b"=") == mac.encode() else None


def payload(token: str) -> dict[str, Any]:
    return segment(token, 1)


def header(token: str) -> dict[str, Any]:
    return segment(token, 0)


def segment(token: str, at: int) -> dict[str, Any]:
    try:
        part = token.split(".")[at]
        read = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
