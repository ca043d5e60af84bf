"""Attacks on WebSockets: a handshake without a credential, and with forged ones."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import fastapi.routing
import httpx2
from starlette.routing import WebSocketRoute

from betterguard.live.attack.calls import filled, with_headers
from betterguard.live.attack.evidence import NO_ANSWER, Answer, Call, Exchange
from betterguard.live.attack.naming import is_user, last_segment, parameters_of
from betterguard.live.attack.result import Verdict
from betterguard.live.attack.sending import address_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from betterguard.live.attack.arena import Arena
    from betterguard.live.attack.credentials import Credential
    from betterguard.live.attack.objects import Objects
    from betterguard.live.attack.people import Person

__all__ = ["in_process", "over_http", "socket_paths", "websockets"]

OPEN = 101
REFUSED = 403
PATIENCE = 0.4
"""Seconds within which an application that accepts and then closes has closed."""
CLOSE_FRAME = 8
NOT_HERE = frozenset(
    {
        *("doubled-credential", "malformed-credential", "scheme-case"),
        *("changed-text", "oversize-token"),
    }
)
"""Credentials that are about a header's form, or that servers drop without an answer."""

if TYPE_CHECKING:
    Handshake = Callable[[Call], Awaitable[Exchange]]


def socket_paths(app: Any) -> list[str]:
    """Give the paths of the WebSocket routes of a Starlette or FastAPI application."""
    # Since FastAPI 0.140 or so, included routers are resolved late and asked for like this.
    contexts = getattr(fastapi.routing, "iter_route_contexts", iter)
    return [
        str(one.path)
        for one in contexts(getattr(app, "routes", ()))
        if isinstance(getattr(one, "original_route", one), WebSocketRoute)
    ]


async def websockets(
    arena: Arena,
    objects: Objects,
    paths: Iterable[str],
    handshake: Handshake,
    credentials: Sequence[Credential],
) -> None:
    """Try each WebSocket without a credential, with forged ones, and under Alice's path as Bob."""

    async def admitted(call: Call) -> Exchange:
        await arena.sender.admit()
        return await handshake(with_headers(call, arena.sender.headers))

    for path in paths:
        name = f"WS {path}"
        cell = arena.result.cell(name, "websocket")
        exercise = arena.result.exercise(name)
        own = _filled(path, arena, objects, arena.alice)
        if own is None:
            exercise.reason = "no operation makes what its path names"
            cell.untried(exercise.reason)
            continue
        statuses = await _statuses(admitted, own, arena.alice)
        exercise.done = OPEN in statuses
        exercise.reason = "" if exercise.done else "not opened with a valid token either"
        if not exercise.done and NO_ANSWER in statuses:
            exercise.reason = "no answer to a handshake with a valid token"
            cell.untried(exercise.reason)
            continue
        for variant, call in _closed_calls(own, credentials):
            exchange = await admitted(call)
            if exchange.answer.status == OPEN:
                cell.opened(f"{variant}: opened", exchange)
                break  # more proof adds nothing
            if exercise.done:
                cell.held(silent=exchange.answer.silent)
        closed = cell.verdict is not Verdict.OPEN
        if exercise.done and closed and own != _filled(path, arena, objects, arena.bob):
            await _as_bob(arena, name, admitted, own)
        cell.untried(exercise.reason)


async def _statuses(handshake: Handshake, path: str, person: Person) -> list[int]:
    """Try each way of carrying a valid token, as long as there are answers."""
    statuses: list[int] = []
    for _, call in _carrying(path, person.token):
        statuses.append((await handshake(call)).answer.status)
        if statuses[-1] == NO_ANSWER:
            break
    return statuses


def _closed_calls(path: str, credentials: Sequence[Credential]) -> Iterable[tuple[str, Call]]:
    yield "no credential", Call("WS", path)
    first: dict[str, Credential] = {}
    for credential in credentials:
        if credential.headers and credential.headers[0][1].startswith("Bearer "):
            first.setdefault(credential.attack, credential)
    for attack, credential in first.items():
        if attack not in NOT_HERE:
            token = credential.headers[0][1].removeprefix("Bearer ")
            for way, call in _carrying(path, token):
                yield f"{attack} by {way}", call


async def _as_bob(arena: Arena, name: str, handshake: Handshake, path: str) -> None:
    cell = arena.result.cell(name, "path-user")
    for way, call in _carrying(path, arena.bob.token):
        exchange = await handshake(call)
        if exchange.answer.status == OPEN:
            cell.opened(f"by {way}: opened with another's token", exchange)
        else:
            cell.held(silent=exchange.answer.silent)


def _carrying(path: str, token: str) -> list[tuple[str, Call]]:
    """Give the three ways in which a token comes with a handshake."""
    calls = [
        ("header", Call("WS", path, (), (("Authorization", f"Bearer {token}"),))),
        ("query", Call("WS", path, (("token", token),))),
    ]
    if token.isascii() and not set(token) & set(' ,;"'):
        protocols = (("Sec-WebSocket-Protocol", f"bearer, {token}"),)
        calls.append(("subprotocol", Call("WS", path, (), protocols)))
    return calls


def _filled(path: str, arena: Arena, objects: Objects, person: Person) -> str | None:
    values: dict[str, str | int] = {}
    for name, before in parameters_of(path):
        if is_user(name, last_segment(before)):
            values[name] = person.user_id
            continue
        made = objects.find(arena.kinds.of_parameter(name, before), person)
        if made is None:
            return None
        values[name] = made.id
    return filled(path, values)


def in_process(app: Any, timeout: float) -> Handshake:
    """Make handshakes with an application in this process; it has ``timeout`` seconds for each."""

    async def shake(call: Call) -> Exchange:
        to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        await to_app.put({"type": "websocket.connect"})
        running = asyncio.create_task(app(_scope(call), to_app.get, from_app.put))
        try:
            status = await _status(running, from_app, timeout)
        finally:
            await to_app.put({"type": "websocket.disconnect", "code": 1000})
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        return Exchange(call, Answer(status))

    return shake


async def _status(
    running: asyncio.Task[None], from_app: asyncio.Queue[dict[str, Any]], patience: float
) -> int:
    """Tell an accepted socket that stays open from all others."""
    accepted = False
    while True:
        message = asyncio.create_task(from_app.get())
        await asyncio.wait(
            {message, running},
            timeout=PATIENCE if accepted else patience,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not message.done():
            message.cancel()
            if running.done():
                return REFUSED
            return OPEN if accepted else NO_ANSWER
        kind = message.result()["type"]
        if kind == "websocket.send":
            return OPEN
        if kind != "websocket.accept":
            return REFUSED
        accepted = True


def _scope(call: Call) -> dict[str, Any]:
    headers = [(name.lower().encode(), value.encode()) for name, value in call.headers]
    offered = [value for name, value in call.headers if name == "Sec-WebSocket-Protocol"]
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": call.path,
        "raw_path": call.path.encode(),
        "root_path": "",
        "query_string": urlencode(call.query, quote_via=quote).encode(),
        "headers": [(b"host", b"testserver"), *headers],
        "client": ("127.0.0.1", 123),
        "server": ("testserver", 80),
        "subprotocols": [part.strip() for one in offered for part in one.split(",")],
        "state": {},
    }


def over_http(client: httpx2.AsyncClient, timeout: float) -> Handshake:
    """Make handshakes over HTTP/1.1 (RFC 6455 §4.1), far enough to see whether they stay open.

    The server has ``timeout`` seconds for each.
    """

    async def shake(call: Call) -> Exchange:
        headers = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", base64.b64encode(secrets.token_bytes(16)).decode()),
            *call.headers,
        ]
        try:
            async with (
                asyncio.timeout(timeout),
                client.stream("GET", address_of(client, call), headers=headers) as response,
            ):
                status = response.status_code
                if status == OPEN and await _closes(response):
                    status = REFUSED
        except (TimeoutError, httpx2.TimeoutException):
            status = NO_ANSWER
        except httpx2.HTTPError:
            status = REFUSED  # a server may just close what it does not take
        return Exchange(call, Answer(status))

    return shake


async def _closes(response: httpx2.Response) -> bool:
    """Tell whether the first frame is a close."""
    stream = response.extensions["network_stream"]
    with contextlib.suppress(httpx2.TimeoutException, TimeoutError):
        async with asyncio.timeout(PATIENCE):
            frame = await stream.read(2, timeout=PATIENCE * 2)
            return not frame or frame[0] & 0x0F == CLOSE_FRAME
    return False
