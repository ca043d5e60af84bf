"""Tokens that tests sign themselves: taken while a test runs, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from betterguard import BetterGuard
from betterguard.errors import ConfigurationError, ExpiredToken, InvalidToken, Reason
from betterguard.testing.own_tokens import TokensOfTheTests
from betterguard.testing.tokens import SharedSecretKey, TokenIssuer

if TYPE_CHECKING:
    from betterguard.tokens import Claims

pytestmark = pytest.mark.anyio
SECRET = "short"
NOW = 1_900_000_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def signed(payload: dict[str, Any], secret: str = SECRET, alg: str = "HS256") -> str:
    return TokenIssuer(SharedSecretKey(secret)).sign(payload, {"alg": alg, "typ": "JWT"})


async def taken(token: str, claim: str = "sub") -> Claims:
    return await TokensOfTheTests(SECRET, claim=claim, clock=lambda: NOW).verify(token)


@pytest.mark.parametrize(
    ("payload", "claim", "user"),
    [
        pytest.param({"sub": "ada"}, "sub", "ada", id="nothing-but-the-user"),
        pytest.param({"user_id": "ada"}, "user_id", "ada", id="user_id"),
        pytest.param({"userId": "ada"}, "userId", "ada", id="userId"),
        pytest.param({"id": 7}, "id", "7", id="a-number"),
        pytest.param({"sub": "a@b.c", "user_id": "ada"}, "user_id", "ada", id="sub-says-another"),
        pytest.param({"sub": "ada", "aud": ["x"], "iss": "y"}, "sub", "ada", id="other-audience"),
        pytest.param({"sub": "ada", "exp": NOW + 90 * 86_400}, "sub", "ada", id="for-long"),
        pytest.param({"sub": "ada", "exp": NOW + 60.5, "iat": NOW}, "sub", "ada", id="fraction"),
    ],
)
async def test_their_own_tokens_are_taken(payload: dict[str, Any], claim: str, user: str) -> None:
    claims = await taken(signed(payload), claim)
    assert claims.user_id == user
    assert (claims.payload["sub"], claims.payload["id"]) == (user, user)


async def test_the_other_claims_are_the_tokens_own() -> None:
    claims = await taken(signed({"sub": "ada", "role": "admin", "email": "ada@example.org"}))
    assert claims.payload["role"] == "admin"
    assert claims.user.email == "ada@example.org"
    assert claims.user.name is None


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        pytest.param(signed({"sub": "ada"}, "another"), Reason.SIGNATURE_MISMATCH, id="forged"),
        pytest.param(signed({"sub": "ada"}, "", "none"), Reason.ALGORITHM_REFUSED, id="none"),
        pytest.param(signed({"sub": "ada"}, alg="HS512"), Reason.ALGORITHM_REFUSED, id="hs512"),
        pytest.param("valid-jwt-token", Reason.TOKEN_MALFORMED, id="no-token"),
        pytest.param(signed({"id": "ada"}), Reason.CLAIM_MISSING, id="another-claim"),
        pytest.param(signed({"sub": True}), Reason.CLAIM_MISSING, id="true"),
        pytest.param(signed({"sub": None}), Reason.CLAIM_MISSING, id="null"),
        pytest.param(signed({"sub": ""}), Reason.CLAIM_MALFORMED, id="empty"),
        pytest.param(signed({"sub": "ada", "nbf": NOW + 90}), Reason.NOT_YET_VALID, id="early"),
    ],
)
async def test_everything_else_is_refused(token: str, reason: Reason) -> None:
    with pytest.raises(InvalidToken) as caught:
        await taken(token)
    assert caught.value.reason is reason


async def test_an_expired_one_is_called_so() -> None:
    with pytest.raises(ExpiredToken):
        await taken(signed({"sub": "ada", "exp": NOW - 60}))


def test_a_guard_takes_them_until_the_test_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BETTER_AUTH_URL", "http://localhost:3000")
    guard = BetterGuard.from_env(env_file=None)
    own = guard.verifier
    app = FastAPI()
    guard.install(app)

    @app.get("/me", dependencies=[Depends(guard.user)])
    async def me() -> None:
        pass

    def status(token: str) -> int:
        client = TestClient(app)
        return client.get("/me", headers={"Authorization": f"Bearer {token}"}).status_code

    with monkeypatch.context() as inner:
        TokensOfTheTests(SECRET).stand_in(guard, inner)
        assert status(signed({"sub": "ada", "exp": int(time.time()) + 60})) == 200
        assert status(signed({"sub": "ada"}, "another")) == 401
        assert status(TokenIssuer().token("ada")) == 401
    assert guard.verifier is own


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="empty"):
        TokensOfTheTests("")


def test_nothing_shows_the_secret() -> None:
    assert "sesame" not in repr(vars(TokensOfTheTests("sesame")))


async def test_it_works_in_tests_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = TokensOfTheTests(SECRET)
    with monkeypatch.context() as outside:
        outside.delenv("PYTEST_CURRENT_TEST")
        with pytest.raises(ConfigurationError, match="no test is running"):
            await stand_in.verify(signed({"sub": "ada"}))
        with pytest.raises(ConfigurationError, match="no test is running"):
            stand_in.stand_in(object(), monkeypatch)


SERVED = """
import asyncio
from betterguard.testing.own_tokens import TokensOfTheTests
asyncio.run(TokensOfTheTests("short").verify({token!r}))
"""


def test_a_served_application_cannot_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    code = SERVED.format(token=signed({"sub": "ada"}))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert "ConfigurationError" in done.stderr
    assert "no test is running" in done.stderr
