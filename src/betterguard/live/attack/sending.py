"""Sends requests one by one: so many in all, so many a second, each within its time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx2

from betterguard.errors import ConfigurationError
from betterguard.live.attack.evidence import NO_ANSWER, Answer, Call, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Limits", "Sender", "Stopped", "address_of"]

ANSWER_BYTES = 2 * 1024 * 1024
WAIT_AFTER_429 = 5.0
TRIES_AFTER_429 = 3
TOO_MANY = 429
_NO_ANSWER = (
    httpx2.HTTPError,
    httpx2.InvalidURL,
    TimeoutError,
    UnicodeError,  # a document's value that no header or address can hold
    AssertionError,  # an application in the process that ended without an answer
)
REFUSED_ALTOGETHER = 3
"""Calls in a row that were put off however long they waited: the API does not want any more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be asked: requests in all, requests a second (None: no limit), seconds each."""

    requests: int = 5000
    rate: float | None = None
    timeout: float = 10.0


class Stopped(Exception):
    """No more requests are sent; the message says why, and what to do about it."""


class Sender:
    """Sends calls to one origin and counts them.

    ``spent`` is how many were sent, ``unanswered`` how many of them got no answer.
    ``headers`` go with every request. ``told`` is called after each with the count.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        limits: Limits,
        headers: tuple[tuple[str, str], ...] = (),
        told: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._limits = limits
        self._headers = headers
        self._told = told
        self._next = 0.0
        self._put_off = 0
        self._allowed = limits.requests
        self.spent = 0
        self.unanswered = 0

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What goes with every request."""
        return self._headers

    @property
    def timeout(self) -> float:
        """Seconds for each request."""
        return self._limits.timeout

    def allow_more(self) -> None:
        """Allow as many requests again as at the start, to clean up with."""
        self._allowed = self.spent + self._limits.requests
        self._put_off = 0

    async def send(self, call: Call) -> Exchange:
        """Send a call; waits and repeats when the application asks for patience (429).

        Raises `Stopped` instead when no request is left, or when patience is asked for without
        end. What answers nothing has the status 599, and so has what answers 429 to the last:
        a limiter says neither yes nor no.
        """
        answer = await self._once(call)
        for _ in range(TRIES_AFTER_429):
            if answer.status != TOO_MANY:
                break
            await asyncio.sleep(_patience(answer))
            answer = await self._once(call)
        if answer.status == TOO_MANY:
            answer = self._limited()
        else:
            self._put_off = 0
        return Exchange(call, answer)

    def _limited(self) -> Answer:
        self._put_off += 1
        if self._put_off >= REFUSED_ALTOGETHER:
            msg = "stopped: the API answers 429 to everything; set a --rate that it allows"
            raise Stopped(msg)
        self.unanswered += 1
        return Answer(NO_ANSWER, (), f"no answer: 429 even after {TRIES_AFTER_429} waits")

    async def admit(self) -> None:
        """Count a request that is about to be sent, when its turn has come; raises `Stopped`."""
        if self.spent >= self._allowed:
            msg = f"stopped after {self.spent} requests: raise --max-requests to go on"
            raise Stopped(msg)
        await self._pace()
        self.spent += 1
        self._told(self.spent)

    async def _once(self, call: Call) -> Answer:
        await self.admit()
        try:
            async with asyncio.timeout(self._limits.timeout):
                try:
                    return await self._answer(call)
                except (httpx2.ReadError, httpx2.RemoteProtocolError):
                    # The server had just closed an idle connection.
                    return await self._answer(call)
        except _NO_ANSWER as err:
            self.unanswered += 1
            return Answer(NO_ANSWER, (), f"no answer: {type(err).__name__}")

    async def _pace(self) -> None:
        if self._limits.rate is None:
            return
        now = time.monotonic()
        await asyncio.sleep(max(0.0, self._next - now))
        self._next = max(self._next, now) + 1 / self._limits.rate

    async def _answer(self, call: Call) -> Answer:
        url = address_of(self._client, call)
        headers = [
            (name.encode("ascii"), value.encode("utf-8"))
            for name, value in (*self._headers, *call.headers)
        ]
        request = self._client.build_request(
            call.method, url, headers=headers, content=call.body or None
        )
        response = await self._client.send(request, stream=True)
        try:
            return Answer(
                response.status_code,
                tuple(response.headers.multi_items()),
                await _text(response),
            )
        finally:
            await response.aclose()


def address_of(client: httpx2.AsyncClient, call: Call) -> str:
    """Give where a call goes; `ConfigurationError` for a path that would change the host.

    It is whole, since a path that begins with two slashes would be taken for a host.
    """
    if not call.path.startswith("/"):
        msg = f"the path {call.path!a} does not begin with a slash"
        raise ConfigurationError([msg])
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in call.query)
    return str(client.base_url).rstrip("/") + call.path + (f"?{query}" if query else "")


async def _text(response: httpx2.Response) -> str:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > ANSWER_BYTES:
            break
    return body.decode("utf-8", "replace")


def _patience(answer: Answer) -> float:
    headers = {name.lower(): value for name, value in answer.headers}
    asked = headers.get("retry-after", headers.get("x-retry-after", "1"))
    return min(float(asked) if asked.isdecimal() else 1.0, WAIT_AFTER_429)
