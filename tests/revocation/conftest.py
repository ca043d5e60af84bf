"""The three stores, real, and what a test needs to make them fail."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from betterguard.revocation import MemoryStore, Revocation, RevocationStore, Subject, open_store
from tests.servers.redis import RedisServer, redis_program, running_redis, valkey_program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.servers.postgres import Postgres

FAR = 4_000_000_000.0


@pytest.fixture(params=["redis", "valkey"])
def redis(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """One of the two servers that speak the same language."""
    program = redis_program() if request.param == "redis" else valkey_program()
    with running_redis(program) as server:
        yield server


@dataclass
class Place:
    """A store of one kind: each call of ``connect`` is another process's view of it."""

    connect: Callable[[], RevocationStore]


@pytest.fixture(params=["memory", "redis", "valkey", "postgresql+asyncpg", "postgresql+psycopg"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    kind: str = request.param
    if kind == "memory":
        store = MemoryStore()
        yield Place(lambda: store)
    elif kind in {"redis", "valkey"}:
        with running_redis(redis_program() if kind == "redis" else valkey_program()) as server:
            yield Place(lambda: open_store(server.url))
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        driver = kind.partition("+")[2]
        url = postgres.url(driver, postgres.new_database()).render_as_string(hide_password=False)
        yield Place(lambda: open_store(url))


def entry(name: str = "ada", moment: float = 1_000.0, until: float = FAR) -> Revocation:
    return Revocation(Subject.USER, name, moment, until)


@contextlib.asynccontextmanager
async def connected(place: Place) -> AsyncIterator[RevocationStore]:
    store = place.connect()
    try:
        yield store
    finally:
        await store.aclose()
