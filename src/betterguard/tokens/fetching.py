"""One bounded request for a key set: a deadline for the whole, a cap on the body, no redirects."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import anyio.to_thread
import httpx2

from betterguard.addresses import is_loopback
from betterguard.errors import InvalidToken
from betterguard.tokens.jws import parse_json_object
from betterguard.tokens.keys import KeySet, read_key_set

if TYPE_CHECKING:
    import ssl

__all__ = ["FetchFailed", "fetch_key_set"]

MAX_BODY_BYTES = 256 * 1024
MAX_KEYS = 64
OK = 200
# Uncompressed, so that the cap on the body holds for what it takes in memory too.
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


class FetchFailed(Exception):
    """No usable key set came; the message says what came instead."""


class _Unawaited(ThreadPoolExecutor):
    """A thread for the look-up of a name, which nothing can interrupt: nobody waits for its end.

    The resolver of the system takes half a minute to give up, and an event loop, before it ends,
    waits for its threads.
    """

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the signature of the base class
        super().shutdown(wait=False, cancel_futures=cancel_futures)


async def fetch_key_set(url: str, *, deadline: float, tls: ssl.SSLContext) -> KeySet:
    """Fetch and read a key set within ``deadline`` seconds in all, or raise `FetchFailed`.

    On a thread with an event loop of its own: a server under load takes its turns late, and each
    would count against the deadline. One that is cancelled leaves the thread to its deadline.
    """

    def fetch() -> KeySet:
        return asyncio.run(_fetch(url, deadline, tls))

    # A limiter of its own, since routes that are not async may have taken all other threads.
    limiter = anyio.CapacityLimiter(1)
    return await anyio.to_thread.run_sync(fetch, abandon_on_cancel=True, limiter=limiter)


async def _fetch(url: str, deadline: float, tls: ssl.SSLContext) -> KeySet:
    asyncio.get_running_loop().set_default_executor(_Unawaited())
    try:
        async with asyncio.timeout(deadline):
            body = await _body(url, deadline, tls)
    except TimeoutError as err:
        msg = f"no complete answer within {deadline:g} s"
        raise FetchFailed(msg) from err
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as err:
        msg = f"{type(err).__name__}: {str(err)[:200]}"
        raise FetchFailed(msg) from err
    return _key_set(body)


async def _body(url: str, deadline: float, tls: ssl.SSLContext) -> bytes:
    # A client of its own for one request in minutes: nothing to close, no loop to be bound to.
    # A proxy from the environment is right for the Internet and wrong for this machine.
    # Connecting and the TLS handshake, each with this limit, end before the deadline: a handshake
    # that is cancelled from outside leaves its socket open.
    limits = httpx2.Timeout(deadline, connect=0.45 * deadline)
    client = httpx2.AsyncClient(
        verify=tls, timeout=limits, headers=HEADERS, trust_env=not is_loopback(url)
    )
    async with client, client.stream("GET", url, follow_redirects=False) as response:
        if response.status_code != OK:
            msg = f"status {response.status_code} instead of 200"
            raise FetchFailed(msg)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            msg = "a compressed answer, though none was asked for"
            raise FetchFailed(msg)
        return await _read(response)


async def _read(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            msg = f"an answer over {MAX_BODY_BYTES // 1024} KiB"
            raise FetchFailed(msg)
    return bytes(body)


def _key_set(body: bytes) -> KeySet:
    try:
        keys = parse_json_object(body).get("keys")
    except InvalidToken as err:
        msg = "an answer that is not a JSON object"
        raise FetchFailed(msg) from err
    if not isinstance(keys, tuple) or len(keys) > MAX_KEYS:
        msg = f'an answer without "keys", a list of at most {MAX_KEYS}'
        raise FetchFailed(msg)
    key_set = read_key_set(keys)
    if not key_set.keys:
        msg = f"no usable key among {len(keys)}"
        raise FetchFailed(msg)
    return key_set
