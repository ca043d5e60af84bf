from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlmodel import Session as SQLModelSession
from sqlmodel.ext.asyncio.session import AsyncSession as SQLModelAsyncSession

from betterguard import rows
from tests.rows.path import Path, Wall, params
from tests.rows.posing import POSING
from tests.rows.reading import LITE, PG, READING
from tests.rows.refusing import REFUSING
from tests.rows.shaping import SHAPING
from tests.rows.sqlmodel_tables import SQLMODELS, suits_sqlmodel
from tests.rows.world import (
    ALICE,
    as_alice,
    models,
    outcome,
    plain_run,
    with_foreign_keys,
)
from tests.rows.writing import WRITING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.ext.asyncio import AsyncEngine

    from tests.rows.world import Outcome, World

PATHS = (*READING, *WRITING, *REFUSING, *SHAPING, *POSING)
# What SQLite cannot say is tried on PostgreSQL without its policies.
WALL_1 = params(
    tuple(path for path in PATHS if path.only == PG and path.alone is not Wall.POLICIES), PG
)
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*cartesian product:sqlalchemy.exc.SAWarning",
    "ignore:Passing expression to ``distinct``:DeprecationWarning",
    "ignore:.*unchecked-in:sqlalchemy.exc.SAWarning",
)


@pytest.fixture(scope="session")
def sqlite_engine(sqlite_pair: tuple[World, World]) -> Iterator[sa.Engine]:
    world = sqlite_pair[0]
    engine = with_foreign_keys(sa.create_engine(world.app_url))
    yield rows.isolate(engine, world.models.metadata)
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_engines(postgres_pair: tuple[World, World]) -> Iterator[dict[str, sa.Engine]]:
    world = postgres_pair[0]
    engines = {
        driver: rows.isolate(
            sa.create_engine(world.app_url.set(drivername=f"postgresql+{driver}")),
            world.models.metadata,
            verify=True,
        )
        for driver in ("psycopg", "psycopg2")
    }
    yield engines
    for engine in engines.values():
        engine.dispose()


@pytest.fixture(scope="session")
def unbound_engine(postgres_pair: tuple[World, World]) -> Iterator[sa.Engine]:
    """An isolated engine of the superuser, whom no policy binds."""
    world = postgres_pair[0]
    engine = sa.create_engine(world.owner.url)
    yield rows.isolate(engine, world.models.metadata)
    engine.dispose()


@cache
def async_engine(url: sa.URL, driver: str, metadata: sa.MetaData | None = None) -> AsyncEngine:
    # Each test has an event loop of its own, which no pooled connection outlives.
    engine = create_async_engine(url.set(drivername=driver), poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        with_foreign_keys(engine.sync_engine)
    return rows.isolate(engine, metadata or models(keys=True).metadata)


def sync_run(engine: sa.Engine, world: World, path: Path, **options: Any) -> Callable[[], object]:
    def run() -> object:
        with rows.session(engine, ALICE, **options) as session:
            return as_alice(session, path.run, world.kinds)

    return run


def async_run(
    engine: AsyncEngine, world: World, path: Path, **options: Any
) -> Callable[[], object]:
    async def session_of_alice() -> object:
        async with rows.session(engine, ALICE, expire_on_commit=True, **options) as session:
            return await session.run_sync(as_alice, path.run, world.kinds)

    return lambda: asyncio.run(session_of_alice())


_ALONE: dict[tuple[str, str, int], Outcome] = {}


def without_bob(world: World, path: Path) -> Outcome:
    """Run a path in the world without Bob, once for all drivers."""
    key = (world.owner.dialect.name, path.name, id(world.kinds))
    if key not in _ALONE:
        _ALONE[key] = outcome(world, plain_run(world, path.run), reads=path in READING)
    return _ALONE[key]


def check(pair: tuple[World, World], path: Path, run: Callable[[], object]) -> None:
    """Compare what Alice gets with what she gets in a world without Bob."""
    isolated = outcome(pair[0], run, reads=path in READING)
    assert not isolated.bobs, "rows of Bob were changed, removed or added"
    assert not isolated.shows_bob(), "rows of Bob were seen"
    if path.refused:
        assert isinstance(isolated.error, path.refused), repr(isolated.error or isolated.value)
    elif not path.untouched:
        alone = without_bob(pair[1], path)
        assert isinstance(alone.error, exc.InvalidRequestError | None), repr(alone.error)
        assert type(isolated.error) is type(alone.error), repr(isolated.error)
        assert isolated.value == alone.value
        assert isolated.others == alone.others


@pytest.mark.parametrize("path", params(PATHS, "sqlite"))
def test_sqlite(sqlite_pair: Any, sqlite_engine: sa.Engine, path: Path) -> None:
    check(sqlite_pair, path, sync_run(sqlite_engine, sqlite_pair[0], path))


@pytest.mark.parametrize("path", params(PATHS, "postgresql"))
def test_psycopg(postgres_pair: Any, postgres_engines: dict[str, sa.Engine], path: Path) -> None:
    run = sync_run(postgres_engines["psycopg"], postgres_pair[0], path)
    check(postgres_pair, path, run)


@pytest.mark.parametrize("path", WALL_1)
def test_the_compiler_alone(postgres_pair: Any, unbound_engine: sa.Engine, path: Path) -> None:
    check(postgres_pair, path, sync_run(unbound_engine, postgres_pair[0], path))


@pytest.mark.parametrize("path", params(PATHS, "postgresql"))
def test_asyncpg(postgres_pair: Any, path: Path) -> None:
    engine = async_engine(postgres_pair[0].app_url, "postgresql+asyncpg")
    check(postgres_pair, path, async_run(engine, postgres_pair[0], path))


# The other drivers share all but their parameters and their BEGIN: every tenth path is enough.


@pytest.mark.parametrize("path", params(PATHS, "postgresql")[::10])
def test_psycopg2(postgres_pair: Any, postgres_engines: dict[str, sa.Engine], path: Path) -> None:
    run = sync_run(postgres_engines["psycopg2"], postgres_pair[0], path)
    check(postgres_pair, path, run)


@pytest.mark.parametrize("path", params(PATHS, "postgresql")[5::10])
def test_psycopg_async(postgres_pair: Any, path: Path) -> None:
    engine = async_engine(postgres_pair[0].app_url, "postgresql+psycopg_async")
    check(postgres_pair, path, async_run(engine, postgres_pair[0], path))


@pytest.mark.parametrize("path", params(PATHS, "sqlite")[3::10])
def test_aiosqlite(sqlite_pair: Any, path: Path) -> None:
    engine = async_engine(sqlite_pair[0].app_url, "sqlite+aiosqlite")
    check(sqlite_pair, path, async_run(engine, sqlite_pair[0], path))


# SQLModel's models map the same tables, so they are tried in the same databases; they share the
# compiler too, so that a part of the paths is enough.
OF_SQLMODEL = tuple(path for path in PATHS if suits_sqlmodel(path))


def as_sqlmodel(pair: tuple[World, World]) -> tuple[World, World]:
    both, alone = (replace(world, others=SQLMODELS, dirty=True) for world in pair)
    return both, alone


@pytest.fixture(scope="session")
def sqlmodel_engines(
    sqlite_pair: tuple[World, World], postgres_pair: tuple[World, World]
) -> Iterator[dict[str, sa.Engine]]:
    lite = with_foreign_keys(sa.create_engine(sqlite_pair[0].app_url))
    engines = {LITE: lite, PG: sa.create_engine(postgres_pair[0].app_url)}
    for engine in engines.values():
        rows.isolate(engine, SQLMODELS.metadata)
    yield engines
    for engine in engines.values():
        engine.dispose()


@pytest.mark.parametrize("path", params(OF_SQLMODEL, LITE)[::3])
def test_sqlmodel_on_sqlite(
    sqlite_pair: Any, sqlmodel_engines: dict[str, sa.Engine], path: Path
) -> None:
    pair = as_sqlmodel(sqlite_pair)
    run = sync_run(sqlmodel_engines[LITE], pair[0], path, session_class=SQLModelSession)
    check(pair, path, run)


@pytest.mark.parametrize("path", params(OF_SQLMODEL, PG)[::8])
def test_sqlmodel_on_psycopg(
    postgres_pair: Any, sqlmodel_engines: dict[str, sa.Engine], path: Path
) -> None:
    pair = as_sqlmodel(postgres_pair)
    run = sync_run(sqlmodel_engines[PG], pair[0], path, session_class=SQLModelSession)
    check(pair, path, run)


@pytest.mark.parametrize("path", params(OF_SQLMODEL, PG)[4::8])
def test_sqlmodel_on_asyncpg(postgres_pair: Any, path: Path) -> None:
    pair = as_sqlmodel(postgres_pair)
    engine = async_engine(pair[0].app_url, "postgresql+asyncpg", SQLMODELS.metadata)
    run = async_run(engine, pair[0], path, session_class=SQLModelAsyncSession)
    check(pair, path, run)


def test_there_are_at_least_150_paths() -> None:
    names = [path.name for path in PATHS]
    assert len(names) == len(set(names))
    assert len(names) >= 150
