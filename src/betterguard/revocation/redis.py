"""Revocations in a stream of Redis or Valkey: a process that waits is told within milliseconds."""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

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
        """Give the entries after a stream id; with ``wait`` as soon as there is one."""
        with _told():
            if wait and not await self._waited(after or "0", wait):
                return (), after
            return await self._all_after(after)

    async def aclose(self) -> None:
        """Close the connections."""
        with contextlib.suppress(RedisError, OSError):
            await self._client.aclose()

    async def _waited(self, after: str | int, wait: float) -> bool:
        milliseconds = math.ceil(wait * 1000)
        return bool(await self._client.xread({self._key: after}, count=1, block=milliseconds))

    async def _all_after(self, after: Position) -> tuple[list[Revocation], Position]:
        found: list[Revocation] = []
        while True:
            start = "-" if after is None else f"({after}"
            page = await self._client.xrange(self._key, min=start, count=PAGE)
            for position, fields in page:
                after = position.decode("ascii")
                found.extend(_read(fields))
            if len(page) < PAGE:
                return found, after

    async def _over(self) -> list[bytes]:
        now = self._clock()
        head = await self._client.xrange(self._key, count=FORGOTTEN_AT_ONCE)
        return [
            position for position, fields in head if all(one.until <= now for one in _read(fields))
        ]


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


def _read(fields: Mapping[bytes, bytes]) -> Iterator[Revocation]:
    texts = [fields.get(name, b"").decode("utf-8", "replace") for name in _NAMES]
    return stored(*texts)
