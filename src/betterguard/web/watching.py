"""Open WebSockets, each ended when the credential that opened it would open it no longer.

A handshake is checked once and a socket may stay open for days. One task a process looks at all
of them four times a second: expiry and revocations are comparisons and look-ups in dictionaries.
Another verifies all tokens anew when a key is withdrawn.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from fastapi import WebSocketDisconnect
from starlette.status import WS_1008_POLICY_VIOLATION, WS_1013_TRY_AGAIN_LATER
from starlette.websockets import WebSocketState

from betterguard.errors import (
    AuthError,
    ExpiredToken,
    KeysUnavailable,
    Reason,
    RevocationsUnavailable,
)
from betterguard.events import Event
from betterguard.web.answers import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from fastapi import WebSocket

    from betterguard.revocation import Revocations
    from betterguard.tokens import Claims
    from betterguard.web.refusals import RefusalLog

__all__ = ["Watches", "turn_away"]

logger = logging.getLogger("betterguard.web")

INTERVAL = 0.25  # seconds


@dataclass(eq=False)
class _Watched:
    claims: Claims
    token: str = field(repr=False)
    verify: Callable[[str], Awaitable[Claims]]
    limit: asyncio.Timeout
    refusal: AuthError | None = None

    def end(self, refusal: AuthError) -> None:
        self.refusal = refusal.with_traceback(None)  # the frames below hold the token
        self.limit.reschedule(asyncio.get_running_loop().time())


class Watches:
    """The open sockets of one guard. ``clock`` gives seconds since 1970, ``leeway`` is in seconds.

    ``epoch`` gives a number that changes whenever a key is gone. For one event loop at a time.
    """

    def __init__(
        self,
        revocations: Revocations | None,
        refusals: RefusalLog,
        *,
        epoch: Callable[[], int],
        leeway: float,
        clock: Callable[[], float],
    ) -> None:
        self._revocations = revocations
        self._refusals = refusals
        self._leeway = leeway
        self._clock = clock
        self._watched: set[_Watched] = set()
        self._task: asyncio.Task[None] | None = None
        self._epoch = epoch
        self._verified_in = epoch()
        self._verifying: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def over(
        self,
        socket: WebSocket,
        claims: Claims,
        token: str,
        verify: Callable[[str], Awaitable[Claims]],
    ) -> AsyncIterator[None]:
        """End the block and close the socket when the credential is good no longer.

        ``verify`` gave the claims of this token, and is asked again when a key is withdrawn.
        """
        watched = _Watched(claims, token, verify, asyncio.timeout(None))
        try:
            async with watched.limit:
                self._watched.add(watched)
                self._begin()
                try:
                    yield
                finally:
                    self._watched.discard(watched)
        except TimeoutError:
            if watched.refusal is None:
                raise  # the block's own
        if watched.refusal is not None:
            self._refusals.tell(watched.refusal)
            await _close(socket, watched.refusal)

    def _begin(self) -> None:
        if not _runs(self._task):
            self._task = asyncio.create_task(self._look(), name="betterguard watches")

    async def _look(self) -> None:
        while self._watched:
            await asyncio.sleep(INTERVAL)
            epoch = self._epoch()
            if epoch != self._verified_in and not _runs(self._verifying):
                self._verified_in = epoch
                # Apart, since it may wait for a fetch of the keys.
                self._verifying = asyncio.create_task(
                    self._verify_anew(), name="betterguard withdrawn key"
                )
            away = await self._unknown()
            for watched in tuple(self._watched):
                refusal = away or self._refusal(watched)
                if refusal is not None:
                    self._end(watched, refusal)

    async def _verify_anew(self) -> None:
        for watched in tuple(self._watched):
            try:
                await watched.verify(watched.token)
            except AuthError as refusal:
                self._end(watched, refusal)
            except Exception:
                logger.exception("verifying a token anew failed", extra=Event.KEY_SET_FAILED())
                self._end(watched, KeysUnavailable(Reason.KEY_SET_UNREACHABLE))
            await asyncio.sleep(0)  # many signatures: requests take their turns between them

    def _end(self, watched: _Watched, refusal: AuthError) -> None:
        if watched in self._watched:  # not left meanwhile
            self._watched.discard(watched)
            watched.end(refusal)

    async def _unknown(self) -> AuthError | None:
        """Give the refusal for all when what is revoked cannot be known, as requests get it."""
        if self._revocations is None or self._revocations.usable():
            return None
        try:
            await self._revocations.catch_up()
        except RevocationsUnavailable as away:
            return away
        except Exception:
            # The task must not end of it: open sockets would be watched by nobody.
            logger.exception("asking for the revocations failed", extra=Event.REVOCATIONS_AWAY())
            return RevocationsUnavailable(Reason.REVOCATIONS_UNREACHABLE)
        return None

    def _refusal(self, watched: _Watched) -> AuthError | None:
        claims = watched.claims
        if self._clock() - self._leeway >= claims.expires_at:
            return ExpiredToken(Reason.EXPIRED)
        if self._revocations is None:
            return None
        try:
            self._revocations.check(claims.user_id, claims.payload, watched.token)
        except AuthError as revoked:
            return revoked
        return None


def _runs(task: asyncio.Task[None] | None) -> bool:
    # A task of a loop that is no more never ends.
    if task is None or task.done():
        return False
    return task.get_loop() is asyncio.get_running_loop()


async def turn_away(socket: WebSocket, refusal: AuthError) -> NoReturn:
    """Refuse a handshake with the error's status; close a socket that is open already.

    Raises `Refusal`, or WebSocketDisconnect as if the other side had left.
    """
    if socket.application_state is WebSocketState.CONNECTING:
        raise Refusal(refusal)
    await _close(socket, refusal)
    raise WebSocketDisconnect(_code(refusal), refusal.detail)


async def _close(socket: WebSocket, refusal: AuthError) -> None:
    # The client may have left, or the route have closed the socket, at the same moment.
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await socket.close(_code(refusal), refusal.detail)


def _code(refusal: AuthError) -> int:
    """Give the closing code (RFC 6455 §7.4.1 and its registry) that stands for the status."""
    if refusal.retry_after is not None:
        return WS_1013_TRY_AGAIN_LATER
    return WS_1008_POLICY_VIOLATION
