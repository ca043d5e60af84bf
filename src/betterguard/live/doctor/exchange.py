"""One bounded HTTP request: a deadline for the whole, a cap on the body, no redirects."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import httpx2

from betterguard.addresses import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEADLINE", "Answer", "Unreachable", "ask", "tls_for"]

DEADLINE = 5.0
"""Seconds for one request in all."""
MAX_BODY_BYTES = 4 * 1024 * 1024
AGENT = {"User-Agent": "betterguard-doctor", "Accept-Encoding": "identity"}


class Unreachable(Exception):
    """No answer came; the message says what came instead."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; ``body`` is cut at four megabytes."""

    status: int
    headers: httpx2.Headers = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """Give a header's value, empty when there is none."""
        return self.headers.get(name, "")

    @property
    def is_success(self) -> bool:
        """Whether the status is one of 200 to 299 (an "ok status" of the Fetch standard)."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the range is what the property says

    @property
    def is_html(self) -> bool:
        """Whether a page came, as from a front end that answers every path."""
        return self.body.lstrip()[:1] == b"<" or "text/html" in self.header("content-type")


async def ask(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes = b"",
) -> Answer:
    """Send one request, or raise `Unreachable` when no whole answer comes in time."""
    try:
        async with asyncio.timeout(DEADLINE):
            return await _exchange(method, url, headers or {}, content)
    except TimeoutError as err:
        msg = f"no complete answer within {DEADLINE:g} s"
        raise Unreachable(msg) from err
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as err:
        msg = f"{type(err).__name__}: {str(err)[:200]}"
        raise Unreachable(msg) from err


def tls_for(url: str) -> ssl.SSLContext:
    """Give what a client trusts: this machine's authorities, or nobody where nothing is encrypted.

    Loading the authorities takes long, so it is done once and only when it is needed.
    """
    return _authorities() if url.startswith("https:") else _nobody()


@cache
def _authorities() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


@cache
def _nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def _exchange(method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
    # A proxy from the environment is right for the Internet and wrong for this machine.
    # Connecting ends before the deadline, so that no handshake is cancelled from outside.
    client = httpx2.AsyncClient(
        verify=tls_for(url),
        timeout=httpx2.Timeout(DEADLINE, connect=0.45 * DEADLINE),
        headers=AGENT,
        trust_env=not is_loopback(url),
    )
    async with (
        client,
        client.stream(
            method, url, headers=dict(headers), content=content or None, follow_redirects=False
        ) as response,
    ):
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                break
        return Answer(response.status_code, response.headers, bytes(body[:MAX_BODY_BYTES]))
