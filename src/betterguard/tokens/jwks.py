"""Keys over HTTP: when to fetch Better Auth's key set, when to wait, when to go on with the last.

A request that has a usable key never waits for a fetch. Everything else is bounded: one fetch
at a time, one for an unknown key id in 30 seconds, back-off after a failure (short for those
without their key, long for those who have one), the last good set for a day.
"""

from __future__ import annotations

import asyncio
import logging
import math
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2

from betterguard.addresses import AddressRefused, key_set_fault, parse_address
from betterguard.errors import ConfigurationError, InvalidToken, KeysUnavailable, Reason
from betterguard.events import Event
from betterguard.tokens.fetching import FetchFailed, fetch_key_set
from betterguard.tokens.jwk import ASYMMETRIC_ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from betterguard.tokens.jwk import VerificationKey
    from betterguard.tokens.jws import Header
    from betterguard.tokens.keys import KeySet

__all__ = ["FetchPolicy", "KeySetState", "RemoteKeySet"]

DEFAULT_DEADLINE = 4.0

logger = logging.getLogger("betterguard.tokens")


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """How often, how long, how stale: all in seconds."""

    lifetime: float = 600.0
    """After this a refresh begins in the background."""
    cooldown: float = 30.0
    """At most one fetch in this time is caused by unknown key ids, and one by bad signatures."""
    first_back_off: float = 5.0
    longest_back_off: float = 60.0
    """After failures, before the next refresh while a set serves: nobody waits for that."""
    first_retry: float = 1.0
    longest_retry: float = 5.0
    """After failures, before the next fetch for a request that has no key for its token."""
    stale_for: float = 86_400.0
    """So long the last good set serves while fetches fail."""


@dataclass(frozen=True, slots=True)
class KeySetState:
    """What is known of a remote key set, for health checks: seconds, and no secrets."""

    url: str
    usable: bool
    keys: tuple[tuple[str | None, str], ...]
    """Key id and algorithm of each usable key."""
    age: float | None
    """Since the last good fetch."""
    last_error: str | None
    next_try: float | None
    """Until a failed fetch may be tried again."""


class RemoteKeySet:
    """Better Auth's ``/api/auth/jwks``, fetched and kept.

    ``url`` is https, or http on loopback; ``allow_http`` admits http elsewhere (a private
    network). ``deadline`` bounds one fetch, in seconds. ``clock`` is monotonic, in seconds.
    Raises `ConfigurationError` on a bad address. For one event loop at a time.
    """

    algorithms = ASYMMETRIC_ALGORITHMS

    def __init__(
        self,
        url: str,
        *,
        allow_http: bool = False,
        deadline: float = DEFAULT_DEADLINE,
        policy: FetchPolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = _checked(url, allow_http=allow_http)
        self._deadline = deadline
        self._policy = policy or FetchPolicy()
        self._clock = clock
        # Loading the machine's certificates takes long, and plain http has no use for them.
        encrypted = self._url.startswith("https:")
        self._tls = httpx2.create_ssl_context() if encrypted else _trusting_nobody()
        self._set: KeySet | None = None
        self._epoch = 0
        self._fetched_at = -math.inf
        self._failures = 0
        self._last_error: str | None = None
        self._refresh_at = -math.inf
        self._retry_at = -math.inf
        # One for each cause: who sends bad signatures must not keep a new key from being found.
        self._doubt_at = {Reason.KEY_UNKNOWN: -math.inf, Reason.SIGNATURE_MISMATCH: -math.inf}
        self._task: asyncio.Task[None] | None = None

    def epoch(self) -> int:
        """Give a number that changes when a key is gone; begin a refresh that is due."""
        if self._clock() >= self._refresh_at and self._usable() is not None:
            self.begin_refresh()
        return self._epoch

    def keys_at_hand(self, header: Header) -> Sequence[VerificationKey]:
        """Give the key that the header selects, none where a fetch may bring it."""
        usable = self._usable()
        key = None if usable is None else usable.find(header)
        return () if key is None else (key,)

    async def keys_for(self, header: Header) -> Sequence[VerificationKey]:
        """Give the key that the header selects.

        Waits for a fetch only when no key is usable. Raises `InvalidToken` for a key id that
        the server does not publish, `KeysUnavailable` when it cannot be asked.
        """
        asked_at = self._clock()
        if self._usable() is None:
            await self._fetch_unless_backing_off()
        key = self._find(header)
        if key is None and self._fetched_at < asked_at:
            await self._look_again(Reason.KEY_UNKNOWN)
            key = self._find(header)
        if key is not None:
            return (key,)
        if self._failures:
            raise self._unavailable()
        raise InvalidToken(Reason.KEY_UNKNOWN)

    async def keys_after_mismatch(self, header: Header) -> Sequence[VerificationKey]:
        """Give the key once more if it changed under its id (as after a database reset)."""
        before = self._set
        await self._look_again(Reason.SIGNATURE_MISMATCH)
        key = self._find(header)
        if key is None or (before is not None and key in before.keys):
            return ()
        return (key,)

    def usable(self) -> bool:
        """Tell whether there is any key; if not, begin a fetch that is due."""
        if self._usable() is not None:
            return True
        if self._clock() >= self._retry_at:
            self.begin_refresh()
        return False

    def state(self) -> KeySetState:
        """Tell what is known now: for health checks and diagnosis."""
        now = self._clock()
        usable = self._usable()
        next_try = self._retry_at if usable is None else self._refresh_at
        return KeySetState(
            url=self._url,
            usable=usable is not None,
            keys=tuple((key.kid, key.alg) for key in usable.keys) if usable else (),
            age=None if self._set is None else now - self._fetched_at,
            last_error=self._last_error,
            next_try=max(0.0, next_try - now) if self._failures else None,
        )

    def begin_refresh(self) -> asyncio.Task[None]:
        """Begin a fetch, or join the one under way."""
        if self._task is None or not self._under_way():
            self._task = asyncio.create_task(self._refresh(), name="betterguard key set")
        return self._task

    async def aclose(self) -> None:
        """End a fetch that is under way."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    def _usable(self) -> KeySet | None:
        if self._set is not None and self._clock() - self._fetched_at > self._policy.stale_for:
            logger.error(
                "the last good key set is too old to serve any longer",
                extra=Event.KEY_SET_TOO_OLD(),
            )
            self._set = None
            self._epoch += 1
        return self._set

    def _find(self, header: Header) -> VerificationKey | None:
        usable = self._usable()
        if usable is None:
            raise self._unavailable()
        return usable.find(header)

    async def _fetch_unless_backing_off(self) -> None:
        if self._clock() >= self._retry_at:
            await self._fetched()

    async def _look_again(self, doubt: Reason) -> None:
        """Fetch because of a doubt, at most once in a cooldown and never within a back-off."""
        now = self._clock()
        if not self._under_way():
            if now < self._next_look(doubt):
                return
            self._doubt_at[doubt] = now + self._policy.cooldown
        await self._fetched()

    def _next_look(self, doubt: Reason) -> float:
        if not self._failures:
            return self._doubt_at[doubt]
        if doubt is Reason.KEY_UNKNOWN:
            # A fetch that failed has not answered the question, and used up no cooldown.
            return self._retry_at
        return max(self._doubt_at[doubt], self._refresh_at)

    async def _fetched(self) -> None:
        # `wait` neither cancels the fetch with one that waits for it, nor the other way round.
        await asyncio.wait([self.begin_refresh()])

    def _under_way(self) -> bool:
        # A task of a loop that is no more never ends.
        task, loop = self._task, asyncio.get_running_loop()
        return task is not None and not task.done() and task.get_loop() is loop

    async def _refresh(self) -> None:
        try:
            fetched = await fetch_key_set(self._url, deadline=self._deadline, tls=self._tls)
        except FetchFailed as failure:
            self._failed(str(failure))
        except Exception as surprise:
            logger.exception("the key set client failed", extra=Event.KEY_SET_FAILED())
            self._failed(type(surprise).__name__)
        else:
            self._replace(fetched)

    def _replace(self, fetched: KeySet) -> None:
        if self._set is not None and not set(self._set.keys) <= set(fetched.keys):
            self._epoch += 1
        if self._set is None or set(self._set.keys) != set(fetched.keys):
            ids = [key.kid for key in fetched.keys]
            logger.info(
                "the key set has %d keys now", len(ids), extra=Event.KEY_SET_CHANGED(key_ids=ids)
            )
        self._set = fetched
        self._fetched_at = self._clock()
        self._refresh_at = self._fetched_at + self._policy.lifetime
        self._failures = 0
        self._last_error = None

    def _failed(self, error: str) -> None:
        policy, now, growth = self._policy, self._clock(), 2 ** min(self._failures, 16)
        retry = min(policy.first_retry * growth, policy.longest_retry)
        back_off = min(policy.first_back_off * growth, policy.longest_back_off)
        self._failures += 1
        self._last_error = error
        self._retry_at = now + retry
        self._refresh_at = now + back_off
        served, wait = "serving the last good one", back_off
        if self._set is None:
            served, wait = "no keys are known", retry
        logger.warning(
            "the key set could not be fetched from %s (%s); %s, next try in %.0f s",
            *(self._url, error, served, wait),
            extra=Event.KEY_SET_FAILED(error=error, next_try=wait),
        )

    def _unavailable(self) -> KeysUnavailable:
        wait = max(1, math.ceil(self._retry_at - self._clock())) if self._failures else 1
        hint = f"the key set at {self._url} cannot be had: {self._last_error or 'not fetched yet'}"
        return KeysUnavailable(Reason.KEY_SET_UNREACHABLE, hint, retry_after=wait)


def _trusting_nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _checked(url: str, *, allow_http: bool) -> str:
    try:
        address = parse_address(url)
    except AddressRefused as refused:
        raise ConfigurationError([f"the key set's address {refused}"]) from refused
    fault = key_set_fault(address, allow_http=allow_http)
    if fault is not None:
        raise ConfigurationError([f"the key set's address {fault}"])
    return str(address)
