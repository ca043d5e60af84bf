"""A contender's application with a probe beside it: how late is the event loop?

``GET /probe`` gives, in milliseconds, how late a task woke up that sleeps ten milliseconds at a
time: the median, the 99th percentile and the worst since it was last asked.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

from bench.contender import app as contender
from bench.figures import percentile

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

__all__ = ["app"]

NAP = 0.01
HEADERS = [(b"content-type", b"application/json")]


class Probed:
    """The contender, and the probe, which costs its requests one comparison."""

    def __init__(self) -> None:
        self._late: list[float] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the probe, or let the contender answer."""
        if scope["type"] != "http" or scope["path"] != "/probe":
            await contender(scope, receive, send)
            return
        if self._task is None:
            self._task = asyncio.create_task(self._watch())
        late, self._late = sorted(self._late) or [0.0], []
        lag = {"p50": percentile(late, 50), "p99": percentile(late, 99), "worst": late[-1]}
        body = json.dumps({name: round(value * 1000, 2) for name, value in lag.items()}).encode()
        length = (b"content-length", str(len(body)).encode())
        start = {"type": "http.response.start", "status": 200, "headers": [*HEADERS, length]}
        await send(start)
        await send({"type": "http.response.body", "body": body})

    async def _watch(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(NAP)
            self._late.append(time.perf_counter() - before - NAP)


app = Probed()
