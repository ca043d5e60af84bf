"""What is refused, how soon others know, and what holds while the store is away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import time
from typing import TYPE_CHECKING, Any, NoReturn

import psutil
import pytest

from betterguard.errors import RevocationsUnavailable, RevokedToken
from betterguard.revocation import (
    MemoryStore,
    RevocationPolicy,
    Revocations,
    StoreUnavailable,
    Subject,
    open_store,
    replica,
    token_digest,
)
from tests.servers.pgbouncer import running_pgbouncer
from tests.servers.redis import running_redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from betterguard.revocation import Revocation, RevocationStore
    from betterguard.revocation.store import Position
    from tests.revocation.conftest import Place
    from tests.servers.postgres import Postgres
    from tests.servers.redis import RedisServer

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000.7
TOKEN = "header.payload.signature"
LAG = 1.0  # seconds: what the documentation promises
LONG = 120.0  # seconds; only ever reached when something is broken
DEADLINE = replica.DEADLINE  # an application's own, and not the patient one of all tests


class Clock:
    """Seconds that a test moves on."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def policy(**changes: Any) -> RevocationPolicy:
    return RevocationPolicy(
        **({"lifetime": 900.0, "leeway": 5.0, "max_staleness": 300.0} | changes)
    )


def in_memory(**options: Any) -> Revocations:
    return Revocations(MemoryStore(), policy(), clock=lambda: NOW, **options)


def is_refused(
    revocations: Revocations, user_id: str = "ada", payload: Mapping[str, Any] | None = None
) -> bool:
    try:
        revocations.check(user_id, payload or {"iat": int(NOW)}, TOKEN)
    except RevokedToken:
        return True
    return False


@pytest.mark.parametrize(
    ("iat", "refused"),
    [
        pytest.param(1_799_999_999, True, id="before"),
        pytest.param(1_800_000_000, True, id="the-same-second"),
        pytest.param(1_800_000_001, False, id="the-next-second"),
        pytest.param(None, True, id="unknown"),
    ],
)
async def test_a_users_tokens_are_refused_up_to_the_second_of_the_moment(
    iat: int | None, *, refused: bool
) -> None:
    revocations = in_memory()
    await revocations.revoke(Subject.USER, "ada", at=NOW)
    payload = {} if iat is None else {"iat": iat}
    assert is_refused(revocations, "ada", payload or {"sub": "ada"}) is refused
    assert not is_refused(revocations, "bob", payload or {"sub": "bob"})


async def test_a_moment_that_is_a_whole_second_refuses_that_second_too() -> None:
    revocations = in_memory()
    await revocations.revoke(Subject.USER, "ada", at=float(int(NOW)))
    assert is_refused(revocations, "ada", {"iat": int(NOW)})
    assert not is_refused(revocations, "ada", {"iat": int(NOW) + 1})


@pytest.mark.parametrize(("ahead", "refused"), [(5, True), (6, False)])
async def test_without_a_moment_the_issuers_clock_may_be_ahead_by_the_leeway(
    ahead: int, *, refused: bool
) -> None:
    revocations = in_memory()
    await revocations.revoke(Subject.USER, "ada")
    assert is_refused(revocations, "ada", {"iat": int(NOW) + ahead}) is refused


async def test_an_earlier_moment_takes_nothing_back() -> None:
    revocations = in_memory()
    await revocations.revoke(Subject.USER, "ada", at=NOW)
    await revocations.revoke(Subject.USER, "ada", at=NOW - 100)
    assert is_refused(revocations)


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(float("nan"), id="nan"),
        pytest.param(float("inf"), id="infinite"),
        pytest.param(NOW * 1000, id="milliseconds"),
        pytest.param(NOW + 61, id="yet-to-come"),
        pytest.param(-1.0, id="negative"),
    ],
)
async def test_a_moment_that_is_none(moment: float) -> None:
    revocations = in_memory()
    with pytest.raises(ValueError, match="in seconds since 1970"):
        await revocations.revoke(Subject.USER, "ada", at=moment)
    assert revocations.state().entries == 0


@pytest.mark.parametrize("name", [42, "a\0b"], ids=["number", "nul"])
async def test_what_a_database_cannot_keep_does_not_take_the_store_away(
    postgres: Postgres, name: Any
) -> None:
    url = postgres.url("asyncpg", postgres.new_database()).render_as_string(hide_password=False)
    async with following(open_store(url)) as revocations:
        await until(revocations.usable)
        with pytest.raises(ValueError, match="printable characters"):
            await revocations.revoke(Subject.USER, name)
        await revocations.catch_up()
        assert not revocations.state().away


async def test_a_session_is_refused_whenever_its_tokens_were_issued() -> None:
    revocations = in_memory()
    await revocations.revoke(Subject.SESSION, "s1")
    assert is_refused(revocations, "ada", {"iat": NOW + 100, "sid": "s1"})
    for other in (
        {"sid": "s2"},
        {"sid": ("s1",)},
        {"sid": {"s1": 1}},
        {"sid": None},
        {"jti": "s1"},
    ):
        assert not is_refused(revocations, "ada", {"iat": NOW, **other})


@pytest.mark.parametrize("name", ["j1", token_digest(TOKEN)])
async def test_one_token_is_refused_by_its_jti_or_its_digest(name: str) -> None:
    revocations = in_memory()
    await revocations.revoke(Subject.TOKEN, name)
    assert is_refused(revocations, "ada", {"iat": NOW, "jti": "j1"})
    revocations.check("ada", {"iat": NOW, "jti": "j2"}, "another.token.signature")


async def test_what_can_matter_no_longer_is_forgotten() -> None:
    clock, monotonic = Clock(NOW), Clock(0.0)
    revocations = Revocations(MemoryStore(clock), policy(), clock=clock, monotonic=monotonic)
    await revocations.revoke(Subject.USER, "ada", at=NOW)
    await revocations.revoke(Subject.SESSION, "s1", at=NOW)
    for seconds, left in ((904.0, 2), (905.0, 1), (1_804.0, 1), (1_805.0, 0)):
        clock.now = NOW + seconds
        monotonic.now += 100.0
        await revocations.catch_up()
        assert revocations.state().entries == left


async def test_an_unknown_record_is_no_empty_one() -> None:
    assert not in_memory().usable()
    assert not Revocations(MemoryStore(), policy(max_staleness=float("inf"))).usable()


async def test_a_copy_that_nothing_keeps_up_to_date_serves_a_moment() -> None:
    """Without the lifespan requests ask the store: else they would learn of nothing for minutes."""
    monotonic = Clock(0.0)
    revocations = in_memory(monotonic=monotonic)
    await revocations.catch_up()
    monotonic.now += replica.HEARTBEAT
    assert revocations.usable()
    monotonic.now += 0.01
    assert not revocations.usable()
    revocations.begin()
    assert revocations.usable()
    await revocations.aclose()
    assert not revocations.usable()


@contextlib.asynccontextmanager
async def following(store: RevocationStore, **options: Any) -> AsyncIterator[Revocations]:
    revocations = Revocations(store, policy(), clock=lambda: NOW, **options)
    revocations.begin()
    try:
        yield revocations
    finally:
        await revocations.aclose()


async def until(condition: Callable[..., bool]) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, "it never came true"
        await asyncio.sleep(0.002)


class Followed:
    """A store that notes of each question how long it may wait."""

    def __init__(self, store: RevocationStore) -> None:
        self.store = store
        self.waits: list[float] = []
        self.add = store.add
        self.aclose = store.aclose

    async def read(self, after: Position, wait: float) -> tuple[Sequence[Revocation], Position]:
        self.waits.append(wait)
        return await self.store.read(after, wait)


async def test_another_process_refuses_within_the_promised_lag(place: Place) -> None:
    """The first question after it tells: no clock decides that, since a machine may stand still."""
    store = Followed(place.connect())
    async with following(place.connect()) as one, following(store) as other:
        await until(lambda: one.usable() and other.usable())
        for number in range(5):
            await one.revoke(Subject.USER, f"ada-{number}")
            assert is_refused(one, f"ada-{number}")
            asked = len(store.waits)  # the last of them may have come before
            await until(lambda asked=asked: len(store.waits) >= asked + 2)
            assert is_refused(other, f"ada-{number}")
        assert 2 * max(store.waits) < LAG


async def test_a_process_that_starts_later_knows_all(place: Place) -> None:
    async with following(place.connect()) as one:
        await one.revoke(Subject.USER, "ada")
        async with following(place.connect()) as later:
            await until(later.usable)
            assert is_refused(later)


async def test_catching_up_knows_at_once(place: Place) -> None:
    one, other = (Revocations(place.connect(), policy(), clock=lambda: NOW) for _ in range(2))
    async with contextlib.aclosing(one), contextlib.aclosing(other):
        for name in ("ada", "bob"):
            await one.revoke(Subject.USER, name)
            await other.catch_up()
            assert is_refused(other, name)


async def test_the_copy_serves_a_bounded_time_while_the_store_is_away(redis: RedisServer) -> None:
    monotonic = Clock(0.0)
    async with following(open_store(redis.url), monotonic=monotonic) as revocations:
        await until(revocations.usable)
        await revocations.revoke(Subject.USER, "ada")
        redis.kill()
        await until(lambda: revocations.state().away)
        monotonic.now = 300.0
        assert revocations.usable()
        assert is_refused(revocations)
        monotonic.now = 300.1
        assert not revocations.usable()
        with pytest.raises(RevocationsUnavailable):
            await revocations.catch_up()
        redis.start()
        await until(revocations.usable)


async def test_a_store_that_comes_back_empty_gets_everything_back(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "betterguard.revocation")
    async with following(open_store(redis.url)) as one:
        await until(one.usable)
        await one.revoke(Subject.USER, "ada")
        redis.kill()
        with pytest.raises(RevocationsUnavailable):
            await one.revoke(Subject.USER, "bob")
        assert is_refused(one, "bob")
        redis.start()
        await until(lambda: "writing them back" in caplog.text)
        async with following(open_store(redis.url)) as later:
            await until(lambda: is_refused(later, "ada") and is_refused(later, "bob"))


async def test_a_server_that_takes_over_without_the_entries_gets_them(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """No connection fails that is not made anew at once, as behind an address that moves."""
    caplog.set_level(logging.WARNING, "betterguard.revocation")
    with running_redis(redis.program) as other:
        async with following(open_store(redis.url)) as one:
            await until(one.usable)
            await one.revoke(Subject.USER, "ada")
            await one.catch_up()
            redis.replace_by(other)
            await until(lambda: "writing them back" in caplog.text)
            async with following(open_store(redis.url)) as later:
                await until(lambda: is_refused(later, "ada"))


class Slow(MemoryStore):
    """A store that adds only when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.free = asyncio.Event()

    async def add(self, revocations: Sequence[Revocation]) -> None:
        self.asked.set()
        await self.free.wait()
        await super().add(revocations)


async def test_what_is_revoked_by_a_caller_who_is_cancelled_is_written_later() -> None:
    store = Slow()
    async with following(store) as revocations:
        await until(revocations.usable)
        revoking = asyncio.create_task(revocations.revoke(Subject.USER, "ada"))
        await asyncio.wait_for(store.asked.wait(), LONG)
        revoking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await revoking
        assert is_refused(revocations)
        store.free.set()
        async with following(store) as later:
            await until(lambda: is_refused(later))


async def test_requests_do_not_ask_a_store_that_is_away() -> None:
    class Away(MemoryStore):
        asked = 0

        async def read(self, after: Position, wait: float) -> NoReturn:  # noqa: ARG002 - the protocol's shape
            self.asked += 1
            raise StoreUnavailable

    store = Away()
    async with following(store) as revocations:
        await until(lambda: revocations.state().away)
        asked = store.asked
        for _ in range(50):  # in one turn of the loop: nobody else asks meanwhile
            with pytest.raises(RevocationsUnavailable):
                await revocations.catch_up()
        assert store.asked == asked


async def test_a_surprise_of_the_store_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    class Surprising(MemoryStore):
        asked = 0

        async def read(self, after: Position, wait: float) -> NoReturn:
            self.asked += 1
            raise TypeError(after, wait)

    store = Surprising()
    async with following(store) as revocations:
        await until(lambda: store.asked == 3)
        assert not revocations.usable()
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    with pytest.raises(RevocationsUnavailable):
        await Revocations(store, policy()).catch_up()


@pytest.fixture
def in_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Give a store up as soon as an application does, until the patch is undone."""
    assert DEADLINE <= LAG
    with monkeypatch.context() as patch:
        patch.setattr(replica, "DEADLINE", DEADLINE)
        yield patch


async def gives_up(revocations: Revocations, log: pytest.LogCaptureFixture) -> None:
    """Ask in both ways while nothing answers, and see by the log that time was what decided."""
    log.clear()
    async with asyncio.timeout(LONG):
        for ask in (revocations.catch_up(), revocations.revoke(Subject.USER, "ada")):
            with pytest.raises(RevocationsUnavailable):
                await ask
        await until(lambda: revocations.state().away)
    (told,) = log.messages
    assert re.search(r"is away \(no answer in 1(\.25)? s\)", told)


async def test_a_store_that_hangs_is_given_up_in_time(
    redis: RedisServer, in_time: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "betterguard.revocation")
    async with following(open_store(redis.url)) as revocations:
        await until(revocations.usable)
        with redis.paused():
            await gives_up(revocations, caplog)
        in_time.undo()
        await until(lambda: not revocations.state().away)
        await revocations.catch_up()


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
async def test_a_database_that_says_nothing_is_given_up_in_time(
    postgres: Postgres,
    driver: str,
    in_time: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "betterguard.revocation")
    with running_pgbouncer(postgres.url(driver, postgres.new_database())) as url:
        async with following(open_store(url.render_as_string(hide_password=False))) as revocations:
            await until(revocations.usable)
            with silent_pgbouncer():
                await gives_up(revocations, caplog)
            in_time.undo()
            await until(lambda: not revocations.state().away)
            await revocations.catch_up()


class Clinging(MemoryStore):
    """A store that does not let go of a question before it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = asyncio.Event()
        self.given_up = asyncio.Event()

    async def read(self, after: Position, wait: float) -> tuple[Sequence[Revocation], Position]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up.set()
            await self.let_go.wait()
            raise
        return await super().read(after, wait)


async def test_nobody_waits_for_a_store_to_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    # psycopg takes ten seconds for that when the line is cut.
    monkeypatch.setattr(replica, "DEADLINE", 0.01)
    store = Clinging()
    revocations = Revocations(store, policy())
    with pytest.raises(RevocationsUnavailable):
        await asyncio.wait_for(revocations.catch_up(), LONG)
    await asyncio.wait_for(store.given_up.wait(), LONG)
    store.let_go.set()


@contextlib.contextmanager
def silent_pgbouncer() -> Iterator[None]:
    """Let it hang, with its connections open."""
    children = psutil.Process().children()
    process = next(child for child in children if child.name() == "pgbouncer")
    process.suspend()
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)  # until then it may still answer
    try:
        yield
    finally:
        process.resume()


async def test_an_outage_is_told_once_and_so_is_its_end(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "betterguard.revocation")
    async with following(open_store(redis.url)) as revocations:
        await until(revocations.usable)
        redis.kill()
        await until(lambda: revocations.age() > 2 * LAG)
        redis.start()
        await until(lambda: not revocations.state().away)
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "the store of revocations is away (ConnectionError); what is known serves for 300 s",
        "the store of revocations is back",
    ]
