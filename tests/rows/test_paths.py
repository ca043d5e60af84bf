from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from betterguard import rows
from tests.rows.path import Path, params
from tests.rows.reading import READING
from tests.rows.refusing import REFUSING
from tests.rows.world import (
    ALICE,
    as_alice,
    outcome,
    plain_run,
    postgres_world,
    sqlite_world,
    with_foreign_keys,
)
from tests.rows.writing import WRITING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.ext.asyncio import AsyncEngine

    from tests.rows.world import Outcome, World
    from tests.servers.postgres import Postgres

PATHS = (*READING, *WRITING, *REFUSING)
# The async drivers share the compiler; what differs is parameters, BEGIN and lazy loading.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*cartesian product:sqlalchemy.exc.SAWarning",
    "ignore:.*unchecked-in:sqlalchemy.exc.SAWarning",
)


@pytest.fixture(scope="session")
def sqlite_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, World]]:
    folder = tmp_path_factory.mktemp("rows")
    pair = sqlite_world(folder / "both"), sqlite_world(folder / "alone", users=(ALICE,))
    yield pair
    for world in pair:
        world.dispose()


@pytest.fixture(scope="session")
def postgres_pair(postgres: Postgres) -> Iterator[tuple[World, World]]:
    pair = postgres_world(postgres), postgres_world(postgres, users=(ALICE,))
    yield pair
    for world in pair:
        world.dispose()


@pytest.fixture(scope="session")
def sqlite_engine(sqlite_pair: tuple[World, World]) -> Iterator[sa.Engine]:
    world = sqlite_pair[0]
    engine = with_foreign_keys(sa.create_engine(world.app_url))
    yield rows.isolate(engine, world.models.metadata)
    engine.dispose()


@pytest.fixture(scope="session", params=["psycopg", "psycopg2"])
def postgres_engine(
    postgres_pair: tuple[World, World], request: pytest.FixtureRequest
) -> Iterator[sa.Engine]:
    world = postgres_pair[0]
    engine = sa.create_engine(world.app_url.set(drivername=f"postgresql+{request.param}"))
    yield rows.isolate(engine, world.models.metadata, verify=True)
    engine.dispose()


@pytest.fixture(scope="session", params=["asyncpg", "psycopg_async"])
def async_postgres_engine(
    postgres_pair: tuple[World, World], request: pytest.FixtureRequest
) -> AsyncEngine:
    world = postgres_pair[0]
    url = world.app_url.set(drivername=f"postgresql+{request.param}")
    # Each test has an event loop of its own, which no pooled connection outlives.
    engine = create_async_engine(url, poolclass=NullPool)
    return rows.isolate(engine, world.models.metadata)


@pytest.fixture(scope="session")
def async_sqlite_engine(sqlite_pair: tuple[World, World]) -> AsyncEngine:
    world = sqlite_pair[0]
    engine = create_async_engine(
        world.app_url.set(drivername="sqlite+aiosqlite"), poolclass=NullPool
    )
    with_foreign_keys(engine.sync_engine)
    return rows.isolate(engine, world.models.metadata)


def sync_run(engine: sa.Engine, world: World, path: Path) -> Callable[[], object]:
    def run() -> object:
        with rows.session(engine, ALICE) as session:
            return as_alice(session, path.run, world.models)

    return run


def async_run(engine: AsyncEngine, world: World, path: Path) -> Callable[[], object]:
    async def session_of_alice() -> object:
        async with rows.session(engine, ALICE, expire_on_commit=True) as session:
            return await session.run_sync(as_alice, path.run, world.models)

    return lambda: asyncio.run(session_of_alice())


def judge(path: Path, isolated: Outcome, alone: Outcome) -> None:
    """Compare what Alice got with what she gets in a world without Bob."""
    assert not isolated.bobs, "rows of Bob were changed, removed or added"
    assert not isolated.shows_bob(), "rows of Bob were seen"
    if path.refused:
        assert isinstance(isolated.error, path.refused), repr(isolated.error or isolated.value)
    elif not path.untouched:
        assert type(isolated.error) is type(alone.error), repr(isolated.error)
        assert isolated.value == alone.value
        assert isolated.others == alone.others


def check(pair: tuple[World, World], path: Path, run: Callable[[], object]) -> None:
    isolated = outcome(pair[0], run)
    alone = outcome(pair[1], plain_run(pair[1], path.run))
    judge(path, isolated, alone)


@pytest.mark.parametrize("path", params(PATHS, "sqlite"))
def test_sqlite(sqlite_pair: Any, sqlite_engine: sa.Engine, path: Path) -> None:
    check(sqlite_pair, path, sync_run(sqlite_engine, sqlite_pair[0], path))


@pytest.mark.parametrize("path", params(PATHS, "postgresql"))
def test_postgresql(postgres_pair: Any, postgres_engine: sa.Engine, path: Path) -> None:
    check(postgres_pair, path, sync_run(postgres_engine, postgres_pair[0], path))


@pytest.mark.parametrize("path", params(PATHS, "sqlite"))
def test_async_sqlite(sqlite_pair: Any, async_sqlite_engine: AsyncEngine, path: Path) -> None:
    check(sqlite_pair, path, async_run(async_sqlite_engine, sqlite_pair[0], path))


@pytest.mark.parametrize("path", params(PATHS, "postgresql"))
def test_async_postgresql(
    postgres_pair: Any, async_postgres_engine: AsyncEngine, path: Path
) -> None:
    check(postgres_pair, path, async_run(async_postgres_engine, postgres_pair[0], path))


def test_there_are_at_least_150_paths() -> None:
    names = [path.name for path in PATHS]
    assert len(names) == len(set(names))
    assert len(names) >= 150
