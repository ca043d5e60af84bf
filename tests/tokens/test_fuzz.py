"""Anything at all ends in claims or a refusal; and what passes here passes elsewhere too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt as jose_jwt
from joserfc.jwk import ECKey, OctKey, OKPKey

from betterguard.errors import AuthError, InvalidToken
from betterguard.testing.tokens import base64url
from betterguard.tokens.jws import Header, decode_base64url, parse_json_object
from betterguard.tokens.keys import read_key_set
from tests.tokens import strategies
from tests.tokens.issuers import NOW, finished, issuer, signing_key

if TYPE_CHECKING:
    from betterguard.tokens import Claims

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

VERIFIERS = {alg: issuer(alg).verifier() for alg in ("EdDSA", "ES256", "HS256")}
PYJWT_KEYS: dict[str, Any] = {
    "EdDSA": signing_key("EdDSA").private.public_key(),
    "ES256": signing_key("ES256").private.public_key(),
    "HS256": issuer("HS256").key.secret,  # type: ignore[union-attr] # a shared secret by its name
}
JOSE_KEYS: dict[str, Any] = {
    "EdDSA": OKPKey.import_key(signing_key("EdDSA").public_jwk()),
    "ES256": ECKey.import_key(signing_key("ES256").public_jwk()),
    "HS256": OctKey.import_key(PYJWT_KEYS["HS256"]),
}


def outcome(alg: str, token: str) -> Claims | None:
    """Verify; a refusal gives None, and any other exception fails the test."""
    try:
        claims: Claims = finished(VERIFIERS[alg].verify(token))
    except InvalidToken:
        return None
    except AuthError as error:
        raise AssertionError(error.reason) from error
    return claims


def agree(alg: str, token: str) -> None:
    claims = outcome(alg, token)
    if claims is None:
        return
    assert claims.user_id == "alice" or claims.user_id in claims.payload.values()
    assert claims.expires_at > NOW - 5
    unchecked = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_sub": False}
    url = issuer(alg).url
    theirs = jwt.decode(
        token,
        PYJWT_KEYS[alg],
        [alg],
        issuer=url,
        audience=url,
        options=unchecked,  # type: ignore[arg-type] # a subset of the options
    )
    plain = json.dumps(claims.payload, sort_keys=True)
    assert json.dumps(theirs, sort_keys=True) == plain
    joses = jose_jwt.decode(token, JOSE_KEYS[alg], algorithms=[alg]).claims
    assert json.dumps(joses, sort_keys=True) == plain


@given(strategies.signed_tokens())
def test_signed_token(drawn: tuple[str, str]) -> None:
    agree(*drawn)


@given(strategies.mangled_tokens())
def test_mangled_token(drawn: tuple[str, str]) -> None:
    agree(*drawn)


@given(strategies.TEXTS)
def test_text(text: str) -> None:
    for alg in VERIFIERS:
        assert outcome(alg, text) is None


@given(strategies.JWKS)
def test_key_set(jwks: list[Any]) -> None:
    key_set = read_key_set(jwks)
    assert len(key_set.keys) <= len(jwks)
    for alg in ("EdDSA", "RS256"):
        for kid in ("test-key", None):
            try:
                found = key_set.find(Header(alg, kid, None))
            except InvalidToken:
                continue
            assert found is None or found.alg == alg


@given(st.binary(max_size=200))
def test_bytes_as_json(data: bytes) -> None:
    try:
        value = parse_json_object(data)
    except InvalidToken:
        return
    assert json.dumps(json.loads(data)) == json.dumps(value)


@given(st.binary(max_size=80))
def test_bytes_as_base64url(data: bytes) -> None:
    try:
        decoded = decode_base64url(data)
    except InvalidToken:
        return
    assert base64url(decoded).encode() == data
