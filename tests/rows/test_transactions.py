"""The user of a transaction, on one pool and through PgBouncer, whatever happens to it."""

from __future__ import annotations

import asyncio
import gc
import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from betterguard import rows
from betterguard.errors import MissingToken
from tests.rows.world import ALICE, APP_ROLE, BOB, models, postgres_world
from tests.servers.pgbouncer import running_pgbouncer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.rows.world import World
    from tests.servers.postgres import Postgres

LONG = 600  # seconds; only ever reached when something is broken
USER = sa.select(sa.func.current_setting("app.user_id", sa.true()))
# asyncpg's prepared statements do not survive a change of server connection, and their names
# would meet on one.
ASYNCPG = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: f"__asyncpg_{uuid4()}__",
}


@pytest.fixture(scope="module")
def world(postgres: Postgres) -> Iterator[World]:
    world = postgres_world(postgres)
    world.reset()
    yield world
    world.dispose()


@pytest.fixture(params=["psycopg", "psycopg2"])
def engine(world: World, request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    url = world.app_url.set(drivername=f"postgresql+{request.param}")
    engine = sa.create_engine(url, pool_size=1, max_overflow=0)
    yield rows.isolate(engine, world.models.metadata)
    engine.dispose()


def test_each_transaction_of_a_session_has_its_user(engine: sa.Engine) -> None:
    with rows.session(engine, ALICE) as session:
        seen = [session.scalar(USER)]
        session.commit()
        seen.append(session.scalar(USER))
        session.rollback()
        seen.append(session.scalar(USER))
        with session.begin_nested() as inside:
            seen.append(session.scalar(USER))
            inside.rollback()
        seen.append(session.scalar(USER))
    assert seen == [ALICE] * 5


def test_a_failed_transaction_leaves_no_user_behind(engine: sa.Engine) -> None:
    with rows.session(engine, ALICE) as session, pytest.raises(exc.DBAPIError):
        session.execute(sa.select(sa.literal(1) / sa.literal(0)))
    with rows.session(engine, BOB) as session:
        assert session.scalar(USER) == BOB


def test_the_setting_is_gone_when_the_connection_is_back(engine: sa.Engine) -> None:
    with rows.session(engine, ALICE) as session:
        session.scalar(USER)
        session.commit()
    with engine.connect() as connection:
        assert connection.scalar(USER) in {None, ""}


def test_a_transaction_of_the_pool_is_a_transaction(engine: sa.Engine) -> None:
    folder = models(keys=True).Folder
    with rows.session(engine, ALICE) as session:
        session.add(folder(name="never"))
        session.flush()
        session.rollback()
        assert session.scalar(sa.select(folder.id).where(folder.name == "never")) is None


def test_a_connection_without_a_user_has_transactions_too(engine: sa.Engine, world: World) -> None:
    country = world.models.Country.__table__
    with rows.session(engine, ALICE) as session:
        session.scalar(USER)  # puts psycopg into autocommit
    with engine.connect() as connection:
        first = connection.scalar(sa.select(sa.func.txid_current()))
        assert connection.scalar(sa.select(sa.func.txid_current())) == first
        assert connection.scalar(sa.select(sa.func.count()).select_from(country)) == 3


def test_an_isolation_level_is_kept(engine: sa.Engine) -> None:
    level = sa.select(sa.func.current_setting("transaction_isolation"))
    with rows.session(engine, ALICE) as session:
        session.connection(execution_options={"isolation_level": "SERIALIZABLE"})
        assert session.scalar(level) == "serializable"
        assert session.scalar(USER) == ALICE
    with rows.session(engine, ALICE) as session:
        assert session.scalar(level) == "read committed"


def test_a_transaction_may_be_read_only(engine: sa.Engine) -> None:
    said = sa.select(sa.func.current_setting("transaction_read_only"))
    with rows.session(engine, ALICE) as session:
        assert (session.scalar(said), session.scalar(USER)) == ("off", ALICE)
        session.commit()
        session.connection(execution_options={"postgresql_readonly": True})
        assert (session.scalar(said), session.scalar(USER)) == ("on", ALICE)
    with rows.session(engine, ALICE) as session:
        session.connection(execution_options={"postgresql_readonly": True})
        assert (session.scalar(said), session.scalar(USER)) == ("on", ALICE)
    with rows.session(engine, ALICE) as session:
        assert (session.scalar(said), session.scalar(USER)) == ("off", ALICE)


def test_the_next_transaction_may_be_read_only(engine: sa.Engine) -> None:
    said = sa.select(sa.func.current_setting("transaction_read_only"))
    with rows.engine_for(engine, ALICE).connect() as connection:
        assert (connection.scalar(said), connection.scalar(USER)) == ("off", ALICE)
        connection.commit()
        connection.execution_options(postgresql_readonly=True)
        assert (connection.scalar(said), connection.scalar(USER)) == ("on", ALICE)


def test_a_raw_connection_has_transactions(engine: sa.Engine) -> None:
    with rows.session(engine, ALICE) as session:
        session.scalar(USER)  # puts psycopg into autocommit
    numbers = set()
    for _ in range(2):
        raw = engine.raw_connection()
        cursor = raw.cursor()
        for _ in range(2):
            cursor.execute("SELECT txid_current()")
            numbers.add(cursor.fetchone())
        raw.rollback()
        raw.close()
    assert len(numbers) == 2


async def raw_numbers(engine: AsyncEngine) -> set[object]:
    async with rows.session(engine, ALICE) as session:
        await session.scalar(USER)
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        cursors = [await driver.execute("SELECT txid_current()") for _ in range(2)]
        numbers = {await cursor.fetchone() for cursor in cursors}
    await engine.dispose()
    return numbers


def test_a_raw_connection_of_an_async_engine_has_transactions(world: World) -> None:
    engine = create_async_engine(world.app_url.set(drivername="postgresql+psycopg_async"))
    rows.isolate(engine, world.models.metadata)
    assert len(asyncio.run(raw_numbers(engine))) == 1


def test_a_lost_connection_is_told_as_sqlalchemy_tells_it_and_replaced(
    engine: sa.Engine, world: World
) -> None:
    with rows.session(engine, ALICE) as session:
        process = session.scalar(sa.select(sa.func.pg_backend_pid()))
    with world.owner.connect() as connection:
        connection.execute(sa.select(sa.func.pg_terminate_backend(process, LONG * 1000)))
    with rows.session(engine, ALICE) as session, pytest.raises(exc.OperationalError) as raised:
        session.scalar(USER)
    assert raised.value.connection_invalidated
    with rows.session(engine, BOB) as session:
        assert session.scalar(USER) == BOB


@pytest.mark.parametrize("user", ["o'brien", '"quoted"', "ünïcode", "a;b--", "%s", ":x"])
def test_any_id_reaches_the_database_as_it_is(engine: sa.Engine, user: str) -> None:
    with rows.session(engine, user) as session:
        assert session.scalar(USER) == user


def test_psycopg_sends_the_user_with_begin(world: World) -> None:
    engine = rows.isolate(sa.create_engine(world.app_url), world.models.metadata)
    with rows.session(engine, ALICE) as session:
        session.scalar(USER)
        session.commit()
        driver = session.connection().connection.driver_connection
        assert driver is not None
        assert driver.autocommit
    engine.dispose()


def test_without_a_user_the_policies_say_so(world: World) -> None:
    engine = sa.create_engine(world.app_url)
    with (
        engine.connect() as connection,
        pytest.raises(exc.ProgrammingError, match="no user is set"),
    ):
        connection.execute(sa.select(world.models.Note.__table__))
    engine.dispose()


def test_threads_share_a_pool_and_never_a_user(world: World) -> None:
    engine = sa.create_engine(world.app_url, pool_size=3, max_overflow=0, pool_timeout=LONG)
    rows.isolate(engine, world.models.metadata)
    note = world.models.Note

    def work(number: int) -> set[str]:
        user = (ALICE, BOB)[number % 2]
        with rows.session(engine, user) as session:
            if number % 5 == 0:
                with pytest.raises(exc.DBAPIError):
                    session.execute(sa.select(sa.literal(1) / sa.literal(0)))
                session.rollback()
            owners = set(session.scalars(sa.select(note.user_id)))
            return {*owners, str(session.scalar(USER))} - {user}

    with ThreadPoolExecutor(8) as pool:
        assert set().union(*pool.map(work, range(120))) == set()
    engine.dispose()


async def work(engine: AsyncEngine, number: int, seen: list[tuple[str, set[str]]]) -> None:
    """Read as one of the two, with a failure, a timeout or a cancellation in between."""
    user = (ALICE, BOB)[number % 2]
    note = models(keys=True).Note
    async with rows.session(engine, user) as session:
        if number % 3 == 0:
            with pytest.raises(exc.DBAPIError):
                await session.execute(sa.select(sa.literal(1) / sa.literal(0)))
            await session.rollback()
        if number % 4 == 0:
            await session.scalar(sa.select(sa.func.pg_sleep(random.random() / 50)))  # noqa: S311  # timing
        owners = set(await session.scalars(sa.select(note.user_id)))
        seen.append((user, {*owners, str(await session.scalar(USER))}))


async def disturb(task: asyncio.Task[None], number: int) -> None:
    if number % 5 == 0:
        await asyncio.sleep(random.random() / 20)  # noqa: S311  # timing
        task.cancel()


async def crowd(engine: AsyncEngine, size: int, *, cancelling: bool) -> list[tuple[str, set[str]]]:
    seen: list[tuple[str, set[str]]] = []
    tasks = [asyncio.create_task(work(engine, number, seen)) for number in range(size)]
    disturbing = [disturb(task, number) for number, task in enumerate(tasks) if cancelling]
    await asyncio.gather(*disturbing, *tasks, return_exceptions=True)
    await engine.dispose()
    return seen


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg_async"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tasks_share_a_pool_and_never_a_user(world: World, driver: str) -> None:
    url = world.app_url.set(drivername=f"postgresql+{driver}")
    engine = create_async_engine(url, pool_size=3, max_overflow=0, pool_timeout=LONG)
    rows.isolate(engine, world.models.metadata)
    seen = asyncio.run(crowd(engine, 150, cancelling=True))
    gc.collect()  # what cancellation left open is told here, and in no test that follows
    assert len(seen) >= 100
    assert [(user, owners) for user, owners in seen if owners != {user}] == []


@pytest.fixture(scope="module")
def bouncer(world: World) -> Iterator[sa.URL]:
    with running_pgbouncer(world.app_url) as url:
        yield url


def test_pgbouncer_in_transaction_mode_with_psycopg(bouncer: sa.URL, world: World) -> None:
    engine = sa.create_engine(bouncer, connect_args={"prepare_threshold": None})
    rows.isolate(engine, world.models.metadata)
    one, other = rows.session(engine, ALICE), rows.session(engine, BOB)
    with one, other:
        for _ in range(20):  # the two take turns on PgBouncer's few server connections
            assert one.scalar(USER) == ALICE
            assert set(other.scalars(sa.select(world.models.Note.user_id))) == {BOB}
            one.commit()
            other.rollback()
    with engine.connect() as connection:
        assert connection.scalar(USER) in {None, ""}
    engine.dispose()


def test_pgbouncer_in_transaction_mode_with_asyncpg(bouncer: sa.URL, world: World) -> None:
    url = bouncer.set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, pool_size=6, pool_timeout=LONG, connect_args=ASYNCPG)
    rows.isolate(engine, world.models.metadata)
    seen = asyncio.run(crowd(engine, 60, cancelling=False))
    assert len(seen) == 60
    assert [(user, owners) for user, owners in seen if owners != {user}] == []


def test_a_session_needs_a_user(world: World) -> None:
    engine = rows.isolate(sa.create_engine(world.app_url), world.models.metadata)
    with pytest.raises(MissingToken):
        rows.session(engine, None)
    with engine.connect() as connection, pytest.raises(MissingToken):
        connection.execute(sa.select(world.models.Note.__table__))
    assert engine.url.username == APP_ROLE
    engine.dispose()
