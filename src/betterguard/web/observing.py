"""What someone who watches a guard is told: outcomes, times, refusals."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from betterguard.errors import AuthError, Reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from betterguard.tokens import Claims
    from betterguard.web.guard import BetterGuard

__all__ = ["ANONYMOUS", "ISOLATION_REASONS", "UNSAFE_STATEMENT", "VERIFIED", "Observer", "observed"]

C = TypeVar("C", bound="Claims | None")
P = TypeVar("P")

VERIFIED = "verified"
ANONYMOUS = "anonymous"
UNSAFE_STATEMENT = "unsafe_statement"
ISOLATION_REASONS = frozenset(
    {
        Reason.OTHER_USER,
        Reason.USER_MISSING,
        Reason.OWNER_SET,
        Reason.FOREIGN_OWNER,
        Reason.FOREIGN_PARENT,
        Reason.FOREIGN_OBJECT,
    }
)


class Observer(Protocol):
    """Someone who watches; each method is called in the request path and must return at once."""

    def watch(self, guard: BetterGuard[Any]) -> None:
        """Begin to watch: the guard's state may be asked for from now on."""
        ...

    def verified(self, outcome: str, seconds: float) -> None:
        """Take note of one credential: `VERIFIED`, `ANONYMOUS` or a `Reason`, and its time."""
        ...

    def kept_apart(self, reason: str) -> None:
        """Take note that the isolation refused something: a `Reason` or `UNSAFE_STATEMENT`."""
        ...


def observed(
    authenticate: Callable[[P], Awaitable[C]], observer: Observer | None
) -> Callable[[P], Awaitable[C]]:
    """Let an observer, if there is one, see how each authentication ends and how long it takes."""
    if observer is None:
        return authenticate

    async def authenticate_observed(presented: P) -> C:
        began = time.perf_counter()
        try:
            claims = await authenticate(presented)
        except AuthError as error:
            observer.verified(error.reason, time.perf_counter() - began)
            raise
        outcome = ANONYMOUS if claims is None else VERIFIED
        observer.verified(outcome, time.perf_counter() - began)
        return claims

    return authenticate_observed
