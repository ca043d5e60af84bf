from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from betterguard.live.doctor import Report, Status
from betterguard.revocation import Revocation, Subject, open_store
from betterguard.testing.tokens import SharedSecretKey, TokenIssuer
from tests.live.doctor.diagnosing import FRONT_END, SECRET, diagnosed, named, subject_of
from tests.servers.redis import running_redis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.redis import RedisServer

VARIABLES = {"BETTER_AUTH_SECRET": SECRET, "BETTER_AUTH_ISSUER": FRONT_END}


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


def examined(store: str, token: str | None = None) -> Report:
    variables = {**VARIABLES, "BETTER_AUTH_REVOCATION_STORE": store}
    return diagnosed(subject_of(variables, token=token or token_of("ada")), "revocation")


def token_of(user: str) -> str:
    return TokenIssuer(SharedSecretKey(SECRET), url=FRONT_END).token(user)


def revoke(url: str, user: str) -> None:
    async def add() -> None:
        store = open_store(url)
        now = time.time()
        await store.add([Revocation(Subject.USER, user, now + 600, now + 600)])
        await store.aclose()

    asyncio.run(add())


def test_a_store_that_answers_is_sound(redis: RedisServer) -> None:
    report = examined(redis.url)
    assert named(report, Status.OK) == {"revocation.store", "revocation.token"}


def test_a_token_that_was_revoked_is_named(redis: RedisServer) -> None:
    revoke(redis.url, "bob")
    assert named(examined(redis.url, token_of("bob"))) == {"revocation.token"}


@pytest.mark.parametrize(
    "store",
    [
        pytest.param("redis://:hunter2@127.0.0.1:9/0", id="redis"),
        pytest.param("postgresql+asyncpg://app:hunter2@127.0.0.1:9/app", id="postgresql"),
    ],
)
def test_a_store_that_is_away_is_named(store: str) -> None:
    report = examined(store)
    assert named(report) == {"revocation.store"}
    assert "hunter2" not in repr(report)


@pytest.mark.parametrize("store", ["", "memory"])
def test_no_other_process_can_be_asked(store: str) -> None:
    assert named(examined(store), Status.OK) == {"revocation.store"}


def test_a_refused_token_is_not_looked_up(redis: RedisServer) -> None:
    assert named(examined(redis.url, "a.b.c"), Status.SKIPPED) == {"revocation.token"}
