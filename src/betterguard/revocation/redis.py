"""Revocations in a stream of Redis or Valkey: a process that waits is told within milliseconds."""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from betterguard.revocation.record import stored
from betterguard.revocation.store import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from betterguard.revocation.record import Revocation
    from betterguard.revocation.store import Position

__all__ = ["RedisStore"]

DEFAULT_KEY = "betterguard:revocations"
PAGE = 1_000
FORGOTTEN_AT_ONCE = 100
CONNECT_SECONDS = 1.0
BEFORE_ALL = "0-0"
_NAMES = (b"subject", b"id", b"moment", b"until")


class RedisStore:
    """A stream at one key (Redis 5 or newer, or Valkey), whose ids are the positions.

    ``url`` is ``redis://``, ``rediss://`` or ``unix://`` as redis-py takes it. The server must
    not evict the key: use ``maxmemory-policy noeviction``, or a server of its own. ``clock``
    gives seconds since 1970.
    """

    def __init__(
        self, url: str, *, key: str = DEFAULT_KEY, clock: Callable[[], float] = time.time
    ) -> None:
        self._key = key
        self._clock = clock
        # One retry: a connection that was kept may have been closed by a restart. No time limit
        # of a read, since one that waits for news is silent: the caller sets the limit.
        self._client: Any = Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 1),
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=None,
        )

    async def add(self, revocations: Sequence[Revocation]) -> None:
        """Append entries in one transaction, and delete some of the oldest that are over."""
        with _told():
            over = await self._over()
            async with self._client.pipeline(transaction=True) as pipeline:
                for revocation in revocations:
                    pipeline.xadd(self._key, _fields(revocation))
                if over:
                    pipeline.xdel(self._key, *over)
                await pipeline.execute()

    async def read(self, after: Position, wait: float) -> tuple[Sequence[Revocation], Position]:
        """Give the entries after a stream id; with ``wait`` as soon as there is one.

        Raises `StoreUnavailable` when the stream has lost entries since then: it was emptied, or
        another server took over that had not got all of them.
        """
        start = BEFORE_ALL if after is None else str(after)
        with _told():
            if wait:
                await self._waited(start, wait)
            await self._check_nothing_lost(start)
            return await self._all_after(start)

    async def aclose(self) -> None:
        """Close the connections."""
        with contextlib.suppress(RedisError, OSError):
            await self._client.aclose()

    async def _waited(self, after: str, wait: float) -> None:
        milliseconds = math.ceil(wait * 1000)
        await self._client.xread({self._key: after}, count=1, block=milliseconds)

    async def _check_nothing_lost(self, after: str) -> None:
        if after == BEFORE_ALL:
            return
        last = await self._last()
        if _numbers(last) < _numbers(after):
            msg = "its record has lost entries"
            raise StoreUnavailable(msg)

    async def _last(self) -> str:
        """Give the highest id that the stream has ever had: that entry may have been deleted."""
        try:
            stream = await self._client.xinfo_stream(self._key)
        except ResponseError:
            if await self._client.exists(self._key):
                raise
            return BEFORE_ALL
        last: bytes = stream["last-generated-id"]
        return last.decode("ascii")

    async def _all_after(self, after: str) -> tuple[list[Revocation], Position]:
        found: list[Revocation] = []
        while True:
            page = await self._client.xrange(self._key, min=f"({after}", count=PAGE)
            for position, fields in page:
                after = position.decode("ascii")
                found.extend(_read(fields))
            if len(page) < PAGE:
                return found, after

    async def _over(self) -> list[bytes]:
        now = self._clock()
        head = await self._client.xrange(self._key, count=FORGOTTEN_AT_ONCE)
        return [position for position, fields in head if _until(fields) <= now]


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Name the kind of a failure and nothing of the address, which may hold a password."""
    try:
        yield
    except (RedisError, OSError) as failure:
        kind = type(failure).__name__
    else:
        return
    raise StoreUnavailable(kind)


def _fields(revocation: Revocation) -> dict[str, str]:
    return {
        "subject": revocation.subject.value,
        "id": revocation.id,
        "moment": repr(revocation.moment),
        "until": repr(revocation.until),
    }


def _numbers(position: str) -> tuple[int, ...]:
    return tuple(map(int, position.split("-")))


def _until(fields: Mapping[bytes, bytes]) -> float:
    """Give when an entry is over, which one of a later version has, too; else it is over."""
    try:
        return float(fields.get(b"until", b""))
    except ValueError:
        return -math.inf


def _read(fields: Mapping[bytes, bytes]) -> Iterator[Revocation]:
    texts = [fields.get(name, b"").decode("utf-8", "replace") for name in _NAMES]
    return stored(*texts)
