"""What every store must keep to, and what each does when it is away."""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis

from betterguard.errors import ConfigurationError
from betterguard.revocation import Revocation, StoreUnavailable, Subject, open_store
from tests.revocation.conftest import FAR, Place, connected, entry
from tests.servers.pgbouncer import running_pgbouncer

if TYPE_CHECKING:
    from tests.servers.postgres import Postgres
    from tests.servers.redis import RedisServer

pytestmark = pytest.mark.anyio

LONG = 120.0  # seconds; only ever reached when something is broken
FAR_OFF = 10 * LONG


async def test_what_one_adds_another_reads(place: Place) -> None:
    written = [
        Revocation(Subject.USER, "ada", 1_700_000_000.123456, FAR),
        Revocation(Subject.SESSION, "s ' \"\\ ü 🙂", 1.0, FAR),
        Revocation(Subject.TOKEN, "0" * 64, 2.0, FAR),
    ]
    async with connected(place) as one, connected(place) as other:
        await one.add(written)
        assert list((await other.read(None, 0.0))[0]) == written


async def test_an_empty_store_has_nothing(place: Place) -> None:
    async with connected(place) as store:
        found, position = await store.read(None, 0.0)
        assert list(found) == []
        assert list((await store.read(position, 0.01))[0]) == []


async def test_reading_goes_on_from_a_position(place: Place) -> None:
    async with connected(place) as one, connected(place) as other:
        await one.add([entry("first")])
        _, position = await other.read(None, 0.0)
        await one.add([entry("second"), entry("third")])
        found, position = await other.read(position, 0.01)
        assert [one.id for one in found] == ["second", "third"]
        assert list((await other.read(position, 0.0))[0]) == []


async def test_many_writers_lose_nothing_to_a_reader(place: Place) -> None:
    """Positions become visible in order: a reader in between skips none."""
    seen: list[str] = []
    stop = asyncio.Event()

    async def follow() -> None:
        async with connected(place) as store:
            position = None
            while not stop.is_set() or position is None:
                found, position = await store.read(position, 0.0)
                seen.extend(one.id for one in found)
                await asyncio.sleep(0)
            found, _ = await store.read(position, 0.0)
            seen.extend(one.id for one in found)

    async def write(writer: int) -> None:
        async with connected(place) as store:
            for number in range(10):
                await store.add([entry(f"{writer}-{number}")])

    async with connected(place) as store:
        await store.read(None, 0.0)  # makes the table
    reader = asyncio.create_task(follow())
    await asyncio.gather(*map(write, range(8)))
    stop.set()
    await reader
    assert sorted(seen) == sorted(
        f"{writer}-{number}" for writer in range(8) for number in range(10)
    )


async def test_more_than_a_page_is_read_whole(place: Place) -> None:
    async with connected(place) as store:
        await store.add([entry(str(number)) for number in range(2_500)])
        found, _ = await store.read(None, 0.0)
        assert [one.id for one in found] == [str(number) for number in range(2_500)]


async def test_what_is_over_is_forgotten(place: Place) -> None:
    async with connected(place) as store:
        await store.add([entry("over", until=1.0), entry("in force")])
        await store.add([entry("new", moment=time.time())])
        found, _ = await store.read(None, 0.0)
        assert [one.id for one in found] == ["in force", "new"]


def by_hand(redis: RedisServer) -> Any:
    return Redis.from_url(redis.url)  # its answers' types say that each may be anything


async def test_what_is_unknown_is_forgotten_no_earlier(redis: RedisServer) -> None:
    """A process of the version before must not delete what later ones have revoked."""
    store = open_store(redis.url)
    async with by_hand(redis) as client:
        for until in (b"4000000000.0", b"1.0", b"nonsense"):
            fields = {b"subject": b"planet", b"id": b"earth", b"moment": b"1.0", b"until": until}
            await client.xadd("betterguard:revocations", fields)
        await store.add([entry()])
        left = await client.xrange("betterguard:revocations")
    await store.aclose()
    assert [fields[b"until"] for _, fields in left] == [b"4000000000.0", b"4000000000.0"]


async def test_an_empty_record_is_waited_for_and_not_asked_again_and_again(place: Place) -> None:
    async with connected(place) as store:
        _, position = await store.read(None, 0.0)
        assert position is not None


async def test_entries_that_are_deleted_in_time_are_not_missed(redis: RedisServer) -> None:
    store = open_store(redis.url)
    await store.add([entry(until=1.0)])
    _, position = await store.read(None, 0.0)
    async with by_hand(redis) as client:
        for name, _ in await client.xrange("betterguard:revocations"):
            await client.xdel("betterguard:revocations", name)
    assert await store.read(position, 0.01) == ([], position)
    await store.aclose()


@pytest.mark.parametrize("emptied", ["gone", "new"])
async def test_a_record_that_was_emptied_is_told(redis: RedisServer, emptied: str) -> None:
    store = open_store(redis.url)
    await store.add([entry()])
    _, position = await store.read(None, 0.0)
    async with by_hand(redis) as client:
        await client.flushall()
        if emptied == "new":
            await client.xadd("betterguard:revocations", {b"subject": b"user"}, id="5-5")
        for wait in (0.0, 0.01):
            with pytest.raises(StoreUnavailable, match="lost entries"):
                await store.read(position, wait)
        await client.set("betterguard:revocations", "another type")
        with pytest.raises(StoreUnavailable, match="ResponseError"):
            await store.read(position, 0.0)
    await store.aclose()


async def test_redis_wakes_a_reader_that_waits(redis: RedisServer) -> None:
    reader, writer = open_store(redis.url), open_store(redis.url)
    try:
        waiting = asyncio.create_task(reader.read(None, FAR_OFF))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await writer.add([entry()])
        found, _ = await asyncio.wait_for(waiting, LONG)
        assert list(found) == [entry()]
    finally:
        await reader.aclose()
        await writer.aclose()


async def test_a_redis_that_is_away_is_told_without_its_address(redis: RedisServer) -> None:
    store = open_store(redis.url)
    redis.kill()
    for ask in (store.add([entry()]), store.read(None, 0.0), store.read(None, 1.0)):
        with pytest.raises(StoreUnavailable) as caught:
            await ask
        assert str(redis.folder) not in f"{caught.value} {caught.value.__cause__}"
    redis.start()
    await store.add([entry()])
    assert list((await store.read(None, 0.0))[0]) == [entry()]
    await store.aclose()


async def test_an_answer_that_was_given_up_is_never_taken_for_the_next(redis: RedisServer) -> None:
    store = open_store(redis.url)
    await store.add([entry("ada")])
    _, position = await store.read(None, 0.0)
    with redis.paused():
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(store.read(None, 0.0), 0.05)
    assert await store.read(position, 0.0) == ([], position)
    await store.aclose()


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("redis://:hid:den#1@host:6379", id="redis-port"),
        pytest.param("redis://ada:hid/den@host:6379/0", id="redis-slash"),
        pytest.param("redis://:hidden]@[host:6379", id="redis-brackets"),
        pytest.param("rediss://host/0?socket_timeout=hidden", id="redis-option"),
        pytest.param("postgresql+asyncpg://ada:hid/den@host:hidden/db", id="postgresql-port"),
        pytest.param("postgresql+hidden", id="postgresql-no-address"),
    ],
)
async def test_an_address_that_cannot_be_read_is_not_quoted(address: str) -> None:
    with pytest.raises(ConfigurationError, match="percent-encoded") as caught:
        open_store(address)
    told = "".join(traceback.TracebackException.from_exception(caught.value).format())
    assert not any(part in told for part in ("hid:", "den#", "'hid", "den'", "hidden"))
    assert caught.value.__context__ is None
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    assert frames[-1].f_code.co_name == "open_store"
    assert "address" not in frames[-1].f_locals


async def test_a_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(ConfigurationError, match="not installed: asyncpg") as caught:
        open_store("postgresql+asyncpg://ada:hidden@host/db")
    assert "hidden" not in str(caught.value)


async def test_a_postgresql_that_is_away_is_told_without_its_address() -> None:
    store = open_store("postgresql+asyncpg://ada:hidden-password@127.0.0.1:9/nowhere")
    with pytest.raises(StoreUnavailable) as caught:
        await store.read(None, 0.0)
    assert "hidden-password" not in f"{caught.value} {caught.value.__cause__}"
    await store.aclose()


async def test_a_table_that_was_dropped_is_made_again(postgres: Postgres) -> None:
    database = postgres.new_database()
    store = open_store(postgres.url("asyncpg", database).render_as_string(hide_password=False))
    try:
        await store.add([entry()])
        postgres.server.psql(f'\\c "{database}"\nDROP TABLE betterguard_revocation')
        with pytest.raises(StoreUnavailable, match="42P01"):
            await store.read(None, 0.0)
        assert await store.read(None, 0.0) == ([], 0)
    finally:
        await store.aclose()


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
async def test_it_works_behind_a_pooler_in_transaction_mode(
    postgres: Postgres, driver: str
) -> None:
    database = postgres.new_database()
    with running_pgbouncer(postgres.url(driver, database)) as url:
        store, other = (open_store(url.render_as_string(hide_password=False)) for _ in range(2))
        for number in range(8):
            await store.add([entry(str(number))])
            found, _ = await other.read(None, 0.0)
            assert len(found) == number + 1
        await store.aclose()
        await other.aclose()
