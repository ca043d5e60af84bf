"""Tokens that must not pass: missing, expired, forged, foreign; on the guard and on every route."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Annotated

import pytest
from betterguard.testing.forgery import forgeries
from betterguard.testing.tokens import SigningKey, TokenIssuer
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from app.auth import guard
from app.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = SigningKey.generate("EdDSA", "test-key")
BETTER_AUTH = TokenIssuer(KEY)  # stands in for Better Auth, with a key of its own
IMPOSTOR = TokenIssuer(SigningKey.generate("EdDSA", "test-key"))  # another key under the same id

small = FastAPI()
guard.install(small)


@small.get("/me")
async def me(user_id: Annotated[str, Depends(guard.verify_token)]) -> str:
    return user_id


@small.get(f"/user/{{{guard.path_user.path_parameter}}}", dependencies=[Depends(guard.path_user)])
async def person() -> None:
    pass


@pytest.fixture(autouse=True)
def _keys_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "verifier", BETTER_AUTH.verifier())


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def expired() -> str:
    now = int(time.time())
    return BETTER_AUTH.token("ada", iat=now - 1800, exp=now - 900)


def test_a_genuine_token_passes() -> None:
    answer = TestClient(small).get("/me", headers=bearer(BETTER_AUTH.token("ada")))
    assert (answer.status_code, answer.json()) == (200, "ada")


def test_a_missing_token_is_refused() -> None:
    answer = TestClient(small).get("/me")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Missing token"})
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_an_expired_token_is_refused() -> None:
    answer = TestClient(small).get("/me", headers=bearer(expired()))
    assert (answer.status_code, answer.json()) == (401, {"detail": "Token expired"})


def test_forged_tokens_are_refused() -> None:
    client, genuine = TestClient(small), BETTER_AUTH.token("ada")
    forged = [f.token for f in forgeries(genuine, {"keys": [KEY.public_jwk()]})]
    # A header carries no line breaks, and blanks at its ends belong to nobody.
    sendable = [t for t in forged if t.isascii() and t.isprintable() and t == t.strip()]
    answers = [client.get("/me", headers=bearer(token)) for token in sendable]
    assert {answer.status_code for answer in answers} == {401}


def test_tokens_of_others_are_refused() -> None:
    others = [IMPOSTOR.token("ada"), BETTER_AUTH.token("ada", aud="x"), BETTER_AUTH.token(iss="x")]
    answers = [TestClient(small).get("/me", headers=bearer(token)) for token in others]
    assert {answer.status_code for answer in answers} == {401}


def test_the_path_of_another_user_is_refused() -> None:
    headers = bearer(BETTER_AUTH.token("ada"))
    assert TestClient(small).get("/user/ada", headers=headers).status_code == 200
    assert TestClient(small).get("/user/bob", headers=headers).status_code == 403


def guarded_routes() -> Iterator[tuple[str, str]]:
    """Give method and path of every route of the application that asks for the guard."""
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            if {"BetterAuth": []} in operation.get("security", []):
                yield method.upper(), re.sub(r"\{[^}]*\}", "1", path)


def test_every_guarded_route_refuses_them() -> None:
    client = TestClient(app, raise_server_exceptions=False)
    routes = list(guarded_routes())
    if not routes:
        pytest.skip("no route asks for the guard yet")
    bad = [{}, bearer(expired()), bearer(IMPOSTOR.token("ada")), bearer("x.y.z")]
    for method, path in routes:
        answers = [client.request(method, path, headers=headers) for headers in bad]
        assert [answer.status_code for answer in answers] == [401] * len(bad), f"{method} {path}"
