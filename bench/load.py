"""A load generator for one route: keep-alive connections that each wait for their answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, cast

import uvloop

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["requests_per_second"]

OK = b"HTTP/1.1 200"
HEADERS_END = b"\r\n\r\n"


def requests_per_second(
    port: int, requests: Iterator[bytes], *, seconds: float, connections: int = 16
) -> float:
    """Send requests for so many seconds and give how many a second were answered with 200.

    Raises RuntimeError on any other answer: a refused request would be measured as a fast one.
    """
    return uvloop.run(_run(port, requests, seconds, connections))


async def _run(port: int, requests: Iterator[bytes], seconds: float, connections: int) -> float:
    loop = asyncio.get_running_loop()
    clients = [_Client(requests, loop.create_future()) for _ in range(connections)]
    began = time.perf_counter()
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc] # mypy cannot infer the lambda
    for client in clients:
        loop.call_later(seconds, client.stop)
    await asyncio.gather(*(client.stopped for client in clients))
    return sum(client.answered for client in clients) / (time.perf_counter() - began)


class _Client(asyncio.Protocol):
    """One connection: a request, its whole answer, the next request."""

    def __init__(self, requests: Iterator[bytes], stopped: asyncio.Future[None]) -> None:
        self.requests = requests
        self.stopped = stopped
        self.answered = 0
        self.buffer = b""
        self.running = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, body = self.buffer.partition(HEADERS_END)
        if not separator or len(body) < _length(head):
            return
        self.buffer = b""
        if not head.startswith(OK):
            msg = f"answered with {head[:40]!r}"
            self.stopped.set_exception(RuntimeError(msg))
            self.transport.close()
            return
        self.answered += 1
        if self.running:
            self.transport.write(next(self.requests))
        elif not self.stopped.done():
            self.stopped.set_result(None)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.stopped.done():
            self.stopped.set_exception(exc or ConnectionError("the server hung up"))

    def stop(self) -> None:
        """Send nothing after the answer that is awaited."""
        self.running = False


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0
