"""A key-set server on loopback that can be made to behave as badly as real ones do."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType
    from typing import TypeAlias

    Answer: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]

__all__ = [
    "KeySetServer",
    "answer",
    "broken_off",
    "gzip_bomb",
    "hang",
    "key_set",
    "oversized",
    "redirect",
    "trickle",
]


CHUNK = b" " * 65_536


class KeySetServer:
    """Serves ``answer`` to each request and counts them; use it as an async context manager.

    ``answer`` may be replaced while the server runs. ``url`` is the key set's address; ``port``
    0 is any free one.
    """

    def __init__(self, answer: Answer, *, port: int = 0) -> None:
        self.answer = answer
        self._port = port
        self.requests = 0
        self._arrived = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The address under which Better Auth would publish its keys."""
        if self._server is None:
            msg = "the server runs only inside `async with`"
            raise RuntimeError(msg)
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/api/auth/jwks"

    async def requested(self, times: int) -> None:
        """Wait until that many requests have come since the start."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self.requests >= times)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            async with self._arrived:
                self.requests += 1
                self._arrived.notify_all()
            await self.answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone, as it does when it has read enough
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


def answer(body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with a body of any kind."""
    shown = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    head = _head(status, {**shown, **(headers or {})})

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(head + body)
        await writer.drain()

    return send


def key_set(*jwks: Mapping[str, object]) -> Answer:
    """Answer with a key set, as Better Auth does."""
    return answer(json.dumps({"keys": jwks}).encode())


def redirect(target: str) -> Answer:
    """Send the client elsewhere."""
    return answer(b"", status=302, headers={"Location": target})


def gzip_bomb(body: bytes) -> Answer:
    """Answer with a compressed body although none was asked for."""
    return answer(body, headers={"Content-Encoding": "gzip"})


async def hang(writer: asyncio.StreamWriter) -> None:  # noqa: ARG001 - an answer's shape
    """Take the request and never answer."""
    await asyncio.Event().wait()


async def broken_off(writer: asyncio.StreamWriter) -> None:
    """End in the middle of the answer."""
    writer.write(_head(200, {"Content-Length": "1000"}) + b'{"keys":[')
    await writer.drain()


def oversized(size: int) -> Answer:
    """Answer with so many bytes."""

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(200, {"Content-Length": str(size)}))
        for _ in range(size // len(CHUNK)):
            writer.write(CHUNK)
            await writer.drain()

    return send


def trickle(interval: float) -> Answer:
    """Send one byte in each ``interval`` (seconds), for ever."""

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(200, {"Content-Length": "100000"}))
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(interval)

    return send


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Any", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
