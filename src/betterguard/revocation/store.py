"""Where revocations are kept for all processes: an append-only record, read by position."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from betterguard.errors import BetterGuardError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from betterguard.revocation.record import Revocation

__all__ = ["MemoryStore", "Position", "RevocationStore", "StoreUnavailable"]

Position = str | int | None


class StoreUnavailable(BetterGuardError):
    """The store cannot be asked now. The message names the kind of fault, never an address."""


class RevocationStore(Protocol):
    """A record that many processes append to and follow.

    What one process has added, every later ``read`` of another gives. Both methods raise
    `StoreUnavailable`, and nothing else, when the store is away. For one event loop.
    """

    async def add(self, revocations: Sequence[Revocation]) -> None:
        """Append entries; when this returns they are there for everyone."""
        ...

    async def read(self, after: Position, wait: float) -> tuple[Sequence[Revocation], Position]:
        """Give all entries after a position (None: all there are), and the position reached.

        ``wait`` is in seconds: with more than zero, the answer comes at the latest after that
        time, and earlier if the store can tell that there is something new.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class MemoryStore:
    """The record of one process: for development, tests, and applications that have no other."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._entries: deque[Revocation] = deque()
        self._forgotten = 0

    async def add(self, revocations: Sequence[Revocation]) -> None:
        """Append entries, and forget those in front that are over."""
        now = self._clock()
        while self._entries and self._entries[0].until <= now:
            self._entries.popleft()
            self._forgotten += 1
        self._entries.extend(revocations)

    async def read(self, after: Position, wait: float) -> tuple[Sequence[Revocation], Position]:
        """Give the entries after a position, which is how many have been seen."""
        if wait:
            await asyncio.sleep(wait)
        seen = max(0, after - self._forgotten) if isinstance(after, int) else 0
        return list(islice(self._entries, seen, None)), self._forgotten + len(self._entries)

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""
