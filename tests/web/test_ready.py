from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from betterguard import BetterGuard
from betterguard.settings import TokenSource
from betterguard.testing.tokens import SigningKey
from tests.servers.key_set import published
from tests.servers.redis import running_redis
from tests.web.conftest import make_settings

if TYPE_CHECKING:
    from httpx2 import Response

LONG = 120.0  # seconds; only ever reached when something is broken
READY = (200, {"status": "ready"})


def waiting_for(*names: str) -> tuple[int, dict[str, Any]]:
    return 503, {"status": "unavailable", "waiting_for": list(names)}


def told(answer: Response) -> tuple[int, dict[str, Any]]:
    return answer.status_code, answer.json()


def application(guard: BetterGuard[Any], *, lifespan: bool) -> FastAPI:
    app = FastAPI(lifespan=guard.lifespan) if lifespan else FastAPI()
    app.get("/ready")(guard.ready)
    return app


def becomes_ready(client: TestClient) -> bool:
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        if told(client.get("/ready")) == READY:
            return True
        time.sleep(0.02)
    return False


def test_with_a_secret_it_is_ready_at_once(guard: BetterGuard[Any]) -> None:
    with TestClient(application(guard, lifespan=True)) as client:
        assert told(client.get("/ready")) == READY


def test_it_can_stand_in_the_documentation(guard: BetterGuard[Any]) -> None:
    assert "/ready" in application(guard, lifespan=True).openapi()["paths"]


def test_it_is_not_ready_before_a_key_is_usable() -> None:
    settings = make_settings(
        tokens=TokenSource.JWKS, secrets=(), jwks_url="http://127.0.0.1:9/jwks"
    )
    with TestClient(application(BetterGuard(settings), lifespan=True)) as client:
        answer = client.get("/ready")
    assert told(answer) == waiting_for("keys")
    assert int(answer.headers["retry-after"]) >= 1
    assert "127.0.0.1" not in answer.text


@pytest.mark.parametrize("lifespan", [True, False])
def test_the_question_itself_makes_it_ready(*, lifespan: bool) -> None:
    with published(SigningKey.generate().public_jwk()) as url:
        settings = make_settings(tokens=TokenSource.JWKS, secrets=(), jwks_url=url)
        app = application(BetterGuard(settings), lifespan=lifespan)
        with TestClient(app) as client:
            assert becomes_ready(client)


@pytest.mark.skipif(sys.platform == "win32", reason="Redis has no server for Windows")
def test_it_is_not_ready_before_the_revocations_are_known() -> None:
    with running_redis() as redis:
        settings = make_settings(revocation_store=redis.url)
        redis.kill()
        with TestClient(application(BetterGuard(settings), lifespan=True)) as client:
            assert told(client.get("/ready")) == waiting_for("revocations")
            redis.start()
            assert becomes_ready(client)
