"""Tokens that must not pass: missing, expired, forged, foreign."""

from __future__ import annotations

import base64
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app import auth

URL = "http://localhost:3000"
KEY = Ed25519PrivateKey.generate()  # stands in for Better Auth's
PUBLIC = {**jwt.algorithms.OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "alg": "EdDSA"}

small = FastAPI()


@small.get("/me")
async def me(user: auth.CurrentUser) -> str:
    return user.id


@small.get("/user/{user_id}")
async def person(user: auth.PathUser) -> str:
    return user.id


@pytest.fixture(autouse=True)
def _keys_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = auth.KeySet(lambda: [PUBLIC | {"kid": "test-key"}])
    monkeypatch.setattr(auth, "verifier", auth.Verifier(keys, issuer=URL, audience=URL))


def token(key: Ed25519PrivateKey = KEY, **changes: object) -> str:
    now = int(time.time())
    claims = {"sub": "ada", "iss": URL, "aud": URL, "iat": now, "exp": now + 900, **changes}
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": "test-key"})


def status(path: str, credential: str) -> int:
    headers = {"Authorization": f"Bearer {credential}"}
    return TestClient(small).get(path, headers=headers).status_code


def with_header(genuine: str, **header: object) -> str:
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{encoded}.{genuine.partition('.')[2]}"


def test_a_genuine_token_passes() -> None:
    assert status("/me", token()) == 200


def test_a_missing_token_is_refused() -> None:
    answer = TestClient(small).get("/me")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Missing token"})
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_an_expired_token_is_refused() -> None:
    headers = {"Authorization": f"Bearer {token(exp=int(time.time()) - 60)}"}
    answer = TestClient(small).get("/me", headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Token expired"})


@pytest.mark.parametrize("alg", ["none", "HS256", "ES256"])
def test_a_forged_token_is_refused(alg: str) -> None:
    assert status("/me", with_header(token(), alg=alg, kid="test-key")) == 401


def test_a_token_whose_content_was_changed_is_refused() -> None:
    header, _, signature = token().split(".")
    other = token(sub="bob").split(".")[1]
    assert status("/me", f"{header}.{other}.{signature}") == 401


def test_tokens_of_others_are_refused() -> None:
    impostor = Ed25519PrivateKey.generate()
    for foreign in (token(impostor), token(iss="http://x"), token(aud="http://x")):
        assert status("/me", foreign) == 401


def test_the_path_of_another_user_is_refused() -> None:
    assert status("/user/ada", token()) == 200
    assert status("/user/bob", token()) == 403
