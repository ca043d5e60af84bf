"""The log of refusals: one line says what was wrong and which setting to change, never the token.

A flood of bad tokens must not become a flood of lines, so each reason is told at most once in
ten seconds, with the number of those left out.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from betterguard.errors import Reason, UnsafeStatement
from betterguard.events import Event
from betterguard.web.observing import ISOLATION_REASONS, UNSAFE_STATEMENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from betterguard.errors import AuthError
    from betterguard.web.observing import Observer

__all__ = ["Hush", "RefusalLog"]

logger = logging.getLogger("betterguard.web")

SECONDS_BETWEEN_LINES = 10.0
LONGEST_REASON = 100
_REASONS = frozenset(Reason)


class Hush:
    """Lets one line of a kind through in ten seconds, and counts the others.

    The kinds are remembered, so there must be few.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quiet_until: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def left_out(self, kind: str) -> int | None:
        """Give how many lines were left out before this one, None when it is left out, too."""
        now = self._clock()
        if now < self._quiet_until.get(kind, 0.0):
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return None
        self._quiet_until[kind] = now + SECONDS_BETWEEN_LINES
        return self._left_out.pop(kind, 0)


class RefusalLog:
    """Tells refusals to the logger ``betterguard.web``: warnings when a setting is to change."""

    def __init__(
        self, observer: Observer | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._observer = observer
        self._hush = Hush(clock)

    def tell(self, error: AuthError) -> None:
        """Log one refusal, unless its reason was told a moment ago."""
        if self._observer is not None and error.reason in ISOLATION_REASONS:
            self._observer.kept_apart(error.reason)
        # What an application writes in a reason's place may be another text for each request.
        known = error.reason in _REASONS
        left_out = self._hush.left_out(error.reason if known else error.code)
        if left_out is None:
            return
        reason = error.reason if known else ascii(error.reason[:LONGEST_REASON])[1:-1]
        logger.log(
            # Tokens expire every day; any other hint tells of a setting or a clock.
            logging.WARNING if error.hint and error.reason != Reason.EXPIRED else logging.INFO,
            "refused with %d: %s%s%s",
            error.status,
            reason,
            f": {error.hint}" if error.hint else "",
            f" ({left_out} more since the last such line)" if left_out else "",
            extra=Event.REQUEST_REFUSED(
                status=error.status, reason=reason, hint=error.hint, left_out=left_out
            ),
        )

    def tell_failure(self, request_id: str, error: Exception) -> None:
        """Log what a route let escape, with its traceback."""
        # A statement that the isolation refused is the program's fault, and worth its own alert.
        unsafe = isinstance(error, UnsafeStatement)
        if unsafe and self._observer is not None:
            self._observer.kept_apart(UNSAFE_STATEMENT)
        event = Event.STATEMENT_REFUSED if unsafe else Event.REQUEST_FAILED
        logger.error(
            "request %s failed", request_id, exc_info=error, extra=event(request_id=request_id)
        )
