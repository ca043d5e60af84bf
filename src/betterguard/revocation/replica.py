"""Each process's copy of all revocations in force, and how fresh that copy is.

A request looks into dictionaries and waits for nothing. A task follows the store: it is told of
a change at once where the store can tell, and hears from it four times a second where not, so
that the age of the copy is known. When the store is away the copy goes on serving for a bounded
time; what it knows and the store has lost is written back.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from betterguard.errors import Reason, RevocationsUnavailable, RevokedToken
from betterguard.events import Event
from betterguard.limits import MAX_LEEWAY
from betterguard.revocation.record import Revocation, Subject, nameable, token_digest
from betterguard.revocation.store import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence

    from betterguard.revocation.store import Position, RevocationStore

__all__ = ["RevocationPolicy", "RevocationState", "Revocations"]

logger = logging.getLogger("betterguard.revocation")

T = TypeVar("T")

# Seconds.
HEARTBEAT = 0.25
DEADLINE = 1.0
RETRY = 0.25
SECONDS_BETWEEN_SWEEPS = 60.0
BEFORE_ALL = 0.0


@dataclass(frozen=True, slots=True)
class RevocationPolicy:
    """How far clocks and copies may be off, and how long tokens live: all in seconds."""

    lifetime: float
    """The longest that a token lives."""
    leeway: float
    """So much may the clock that issues tokens be ahead of the one that revokes them."""
    max_staleness: float
    """So long the copy serves while the store is away."""

    def revocation(self, subject: Subject, id_: str, moment: float) -> Revocation:
        """Make the entry for something revoked at a moment, kept as long as it can matter."""
        # A session's cached cookie, which lives no longer than a token may, can still be
        # exchanged for a token that lives as long again.
        lives = 2 if subject is Subject.SESSION else 1
        return Revocation(subject, id_, moment, moment + lives * self.lifetime + self.leeway)


@dataclass(frozen=True, slots=True)
class RevocationState:
    """What is known of the revocations, for health checks: counts and seconds, no names."""

    usable: bool
    entries: int
    age: float | None
    """Since the store was last heard of; None before the first time."""
    away: bool


class Revocations:
    """All revocations in force, as far as this process knows them.

    ``clock`` gives seconds since 1970, ``monotonic`` seconds that never go back. For one event
    loop.
    """

    def __init__(
        self,
        store: RevocationStore,
        policy: RevocationPolicy,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._monotonic = monotonic
        self._in_force: dict[Subject, dict[str, Revocation]] = {kind: {} for kind in Subject}
        self._users = self._in_force[Subject.USER]
        self._sessions = self._in_force[Subject.SESSION]
        self._tokens = self._in_force[Subject.TOKEN]
        self._position: Position = None
        self._doubts = 0  # how often it became uncertain whether the store has all that is here
        self._known_at = -math.inf
        self._away = False
        self._swept_at = monotonic()
        self._task: asyncio.Task[None] | None = None

    def age(self) -> float:
        """Give how many seconds ago the store was last heard of; infinite before the first time."""
        return self._monotonic() - self._known_at

    def usable(self) -> bool:
        """Tell whether the copy is recent enough to serve.

        One that nothing keeps up to date, since the lifespan does not run, is so for a moment.
        """
        age = self.age()
        if age > HEARTBEAT and not self._kept_up():
            return False
        # Nothing is known before the first answer, however long the copy may serve.
        return math.inf > age <= self._policy.max_staleness

    def state(self) -> RevocationState:
        """Tell what is known now: for health checks and diagnosis."""
        age = self.age()
        return RevocationState(
            usable=self.usable(),
            entries=sum(map(len, self._in_force.values())),
            age=age if math.isfinite(age) else None,
            away=self._away,
        )

    def check(self, user_id: str, payload: Mapping[str, Any], token: str) -> None:
        """Raise `RevokedToken` for a verified token that has been revoked.

        A token without ``iat`` counts as issued before every revocation of its user.
        """
        revoked = self._users.get(user_id)
        if revoked is not None and payload.get("iat", BEFORE_ALL) <= revoked.moment:
            raise RevokedToken(Reason.USER_REVOKED)
        if self._sessions and _named(payload, "sid", self._sessions):
            raise RevokedToken(Reason.SESSION_REVOKED)
        if self._tokens and (
            _named(payload, "jti", self._tokens) or token_digest(token) in self._tokens
        ):
            raise RevokedToken(Reason.TOKEN_REVOKED)

    async def revoke(self, subject: Subject, id_: str, at: float | None = None) -> None:
        """Revoke here at once, and for all processes.

        ``at`` is the moment by the clock that issues tokens, in seconds since 1970. Without it
        the moment is now by this machine's clock and the leeway later, so that a clock which is
        ahead by no more than that saves no token. Raises `RevocationsUnavailable` when the store
        is away: then it holds in this process, which writes it to the store when that is back.
        So it does when the caller is cancelled meanwhile. Raises ValueError for an id that is
        not `nameable` and for a moment that is yet to come, as one in milliseconds is.
        """
        now = self._clock()
        moment = now + self._policy.leeway if at is None else at
        if not 0 <= moment <= now + MAX_LEEWAY:
            msg = "the moment of a revocation is now or past, in seconds since 1970"
            raise ValueError(msg)
        revocation = self._policy.revocation(subject, nameable(id_), moment)
        self._apply([revocation])
        try:
            await _within(DEADLINE, self._store.add([revocation]))
        except StoreUnavailable as failure:
            self._lost(failure)
            raise _unavailable(failure) from None
        except BaseException:
            self._doubt()
            raise

    async def catch_up(self) -> None:
        """Learn now what every process has revoked until now.

        Raises `RevocationsUnavailable` when the store is away.
        """
        if self._away and self._following():
            # The task asks again and again; a request more would not help.
            raise RevocationsUnavailable(Reason.REVOCATIONS_UNREACHABLE)
        try:
            await self._read(0.0)
        except StoreUnavailable as failure:
            self._lost(failure)
            raise _unavailable(failure) from None
        except Exception as surprise:  # noqa: BLE001 - it is told, and the answer is not a bug's
            self._surprised(surprise)
            raise RevocationsUnavailable(Reason.REVOCATIONS_UNREACHABLE) from None

    def begin(self) -> None:
        """Begin to follow the store in the background."""
        if not self._following():
            self._task = asyncio.create_task(self._follow(), name="betterguard revocations")

    async def aclose(self) -> None:
        """End the task and close the store's connections."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])
        await self._store.aclose()

    def _kept_up(self) -> bool:
        task = self._task  # asked from other threads, too: not the loop that runs here
        return task is not None and not task.done() and task.get_loop().is_running()

    def _following(self) -> bool:
        # A task of a loop that is no more never ends.
        task = self._task
        return (
            task is not None and not task.done() and task.get_loop() is asyncio.get_running_loop()
        )

    async def _follow(self) -> None:
        while True:
            try:
                await self._read(0.0 if self._position is None else HEARTBEAT)
            except StoreUnavailable as failure:
                self._lost(failure)
                await asyncio.sleep(RETRY)
            except Exception as surprise:  # noqa: BLE001 - it is told, and it may pass
                self._surprised(surprise)
                await asyncio.sleep(RETRY)

    async def _read(self, wait: float) -> None:
        before, doubts = self._position, self._doubts
        found, position = await _within(wait + DEADLINE, self._ask(before, wait))
        self._apply(found)
        if self._away:
            logger.warning(
                "the store of revocations is back",
                extra=Event.REVOCATIONS_BACK(seconds=self._monotonic() - self._known_at),
            )
        self._away = False
        if doubts == self._doubts:  # else all is to be read
            self._position = position
        self._known_at = self._monotonic()
        self._sweep()

    async def _ask(self, after: Position, wait: float) -> tuple[Sequence[Revocation], Position]:
        found, position = await self._store.read(after, wait)
        if after is None:
            await self._write_back(found)
        return found, position

    async def _write_back(self, found: Iterable[Revocation]) -> None:
        """Give a store that has lost entries those that this process still knows."""
        there = {(entry.subject, entry.id, entry.moment) for entry in found}
        now = self._clock()
        lost = [
            entry
            for entries in self._in_force.values()
            for entry in entries.values()
            if entry.until > now and (entry.subject, entry.id, entry.moment) not in there
        ]
        if lost:
            logger.warning(
                "%d revocations were not in the store: writing them back",
                len(lost),
                extra=Event.REVOCATIONS_RESTORED(revocations=len(lost)),
            )
            await self._store.add(lost)

    def _surprised(self, surprise: Exception) -> None:
        if not self._away:
            logger.error(
                "asking the store of revocations failed",
                exc_info=surprise,
                extra=Event.REVOCATIONS_AWAY(),
            )
        self._lost(StoreUnavailable(type(surprise).__name__))

    def _lost(self, failure: StoreUnavailable) -> None:
        if not self._away:
            logger.warning(
                "the store of revocations is away (%s); what is known serves for %.0f s",
                *(failure, self._policy.max_staleness),
                extra=Event.REVOCATIONS_AWAY(error=str(failure)),
            )
        self._away = True
        self._doubt()

    def _doubt(self) -> None:
        """Read all again, and write back what is missing: the store may have come back empty."""
        self._doubts += 1
        self._position = None

    def _apply(self, entries: Sequence[Revocation]) -> None:
        for entry in entries:
            known = self._in_force[entry.subject]
            earlier = known.get(entry.id)
            if earlier is None or earlier.moment <= entry.moment:
                known[entry.id] = entry

    def _sweep(self) -> None:
        if self._monotonic() - self._swept_at < SECONDS_BETWEEN_SWEEPS:
            return
        self._swept_at = self._monotonic()
        now = self._clock()
        for known in self._in_force.values():
            for name in [name for name, entry in known.items() if entry.until <= now]:
                del known[name]


def _named(payload: Mapping[str, Any], claim: str, revoked: Mapping[str, Revocation]) -> bool:
    value = payload.get(claim)
    return isinstance(value, str) and value in revoked


async def _within(seconds: float, asked: Coroutine[Any, Any, T]) -> T:
    """Give the store's answer, or raise `StoreUnavailable` when there is none in time.

    Nobody waits for the store to let go of a question that is cancelled: psycopg takes ten
    seconds for that when the line is cut.
    """
    task = asyncio.create_task(asked)
    try:
        await asyncio.wait([task], timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(_over)
    if task.done():
        return task.result()
    msg = f"no answer in {seconds:g} s"
    raise StoreUnavailable(msg)


def _over(task: asyncio.Task[Any]) -> None:
    """Take note of how an abandoned question ended, of which asyncio would complain else."""
    if not task.cancelled():
        task.exception()


def _unavailable(failure: StoreUnavailable) -> RevocationsUnavailable:
    return RevocationsUnavailable(Reason.REVOCATIONS_UNREACHABLE, f"the store is away: {failure}")
