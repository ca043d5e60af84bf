"""Middleware that refuses callers, and the routes that it stands before."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from betterguard.audit.gates import AUTH_NAMES
from betterguard.audit.refusals import UNAUTHORIZED
from betterguard.audit.visit import method, statements, subexpressions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from betterguard.audit.allowlist import AllowLists
    from betterguard.audit.application import Application, Key, Middleware, Route
    from betterguard.audit.calls import Calls
    from betterguard.audit.decoding import Decodings
    from betterguard.audit.facts import Expr, Stmt
    from betterguard.audit.refusals import Refusals
    from betterguard.audit.symbols import FunctionRef

MAX_CALLS = 5
"""Calls followed from a middleware to what refuses."""
MAX_PASSING = 3
"""Statements of a ``try`` that only hands a request on and perhaps times it."""
_CREDENTIAL = re.compile(r"authorization|bearer|cookie|token", re.IGNORECASE)
_EXTENDS = frozenset({"include_router", "mount"})
"""Calls that only add to an application that was made elsewhere."""

Span = tuple[int, int]
"""Where a stretch of a file begins and ends."""


class AuthMiddleware:
    """Tells which middleware of an application authenticates callers, and for which routes."""

    def __init__(
        self,
        app: Application,
        calls: Calls,
        decodings: Decodings,
        refusals: Refusals,
        allow_lists: AllowLists,
    ) -> None:
        self.app = app
        self.calls = calls
        self.decodings = decodings
        self.refusals = refusals
        self.allow_lists = allow_lists

    @cached_property
    def guards(self) -> tuple[Middleware, ...]:
        """The middleware that refuses callers."""
        return tuple(
            middleware
            for middleware in self.app.middleware
            if any(self._refuses(ref) for ref in self.calls.entry_points(middleware.target))
        )

    @cached_property
    def answering_401(self) -> tuple[Middleware, ...]:
        """The middleware that answers 401 at all, be it that it only translates an error."""
        return tuple(
            middleware
            for middleware in self.app.middleware
            if middleware in self.guards
            or any(
                self._answers_401(ref, _passes_on)
                for ref in self.calls.entry_points(middleware.target)
            )
        )

    def _refuses(self, function: FunctionRef, depth: int = 0) -> bool:
        """Whether it refuses callers: itself, or by what it runs and does not quietly catch.

        To turn the errors of the routes into 401s is not that, nor is to read who is calling
        where a failure changes nothing, as for a rate limit.
        """
        if depth > MAX_CALLS:
            return False
        if self._answers_401(function, _passes_on_unasked):
            return True
        quiet = [(s.pos, s.orelse[0].pos) for s in function.statements if _catches_quietly(s)]
        if any(
            decode.verified and not _within(decode.call, quiet)
            for decode in self.decodings.of(function)
        ):
            return True
        return any(
            self._refuses(ref, depth + 1)
            for call, target in self.calls.callees(function)
            if not _within(call, quiet)
            for ref in self.calls.entry_points(target)
            if ref.function is not function.function
        )

    def _answers_401(self, function: FunctionRef, passes_on: Callable[[Stmt], bool]) -> bool:
        """Whether it answers 401 itself, not only for errors of what a request is passed on to."""
        if self.refusals.of(function) != UNAUTHORIZED:
            return False
        translated = [
            (handler.pos, handler.end)
            for stmt in function.statements
            if stmt.kind == "try" and passes_on(stmt)
            for handler in stmt.orelse
            if handler.kind == "except"
        ]
        return any(
            self.refusals.refusal(function, stmt) == UNAUTHORIZED and not _within(stmt, translated)
            for stmt in function.statements
        )

    # routes

    def before(self, route: Route) -> Middleware | None:
        """Give a middleware that refuses callers before they come to a route.

        None for a WebSocket: ``@app.middleware`` and ``BaseHTTPMiddleware`` see HTTP alone, and
        middleware that is written against ASGI itself is not told apart from them.
        """
        if route.is_websocket:
            return None
        return next((guard for guard in self.guards if self._covers(guard, route)), None)

    def _covers(self, guard: Middleware, route: Route) -> bool:
        return self._serves(guard.app, route) and not self.allow_lists.passes(guard, route.path)

    def _serves(self, app: Key, route: Route) -> bool:
        """Whether a route may belong to an app: unless it is known to belong to others."""
        if not route.apps or app in route.apps or app not in self.app.routers:
            return True
        return app[0] in {key[0] for key in route.apps} or self._may_be(route.apps, app)

    def _may_be(self, apps: Iterable[Key], other: Key) -> bool:
        """``def extend(app): app.include_router(...)``: which app it is, its caller says."""
        folder = _top(other)
        return all(
            method(self.app.routers[key].call) in _EXTENDS and _top(key) == folder for key in apps
        )


def _within(part: Expr | Stmt, spans: Iterable[Span]) -> bool:
    return any(start <= part.pos < end for start, end in spans)


def _catches_quietly(stmt: Stmt) -> bool:
    """Whether a ``try`` goes on whatever fails in it: no handler raises anything."""
    handlers = [inner for inner in stmt.orelse if inner.kind == "except"]
    return (
        stmt.kind == "try"
        and bool(handlers)
        and not any(inner.kind == "raise" for inner in statements(handlers, nested=False))
    )


def _passes_on(stmt: Stmt) -> bool:
    """Whether a ``try`` only hands the request on: ``return await call_next(request)``."""
    return len(stmt.body) <= MAX_PASSING and any(
        part.kind == "call" and method(part) in {"call_next", "app"}
        for inner in stmt.body
        for expr in inner.exprs
        for part in subexpressions(expr)
    )


def _passes_on_unasked(stmt: Stmt) -> bool:
    """Whether a ``try`` hands the request on, and nothing in it asks who is calling."""
    if _passes_on(stmt):
        return True
    inner = statements(stmt.body, nested=False)
    parts = [part for each in inner for expr in each.exprs for part in subexpressions(expr)]
    return (
        any(_is_call_next(part) for part in parts)
        and not any(_asks_who(part) for part in parts)
        and not any(each.kind == "raise" for each in inner)
    )


def _is_call_next(part: Expr) -> bool:
    return part.kind in {"call", "name"} and method(part) == "call_next"


def _asks_who(part: Expr) -> bool:
    if part.kind == "str":
        return bool(_CREDENTIAL.search(part.text))
    return part.kind in {"call", "name"} and bool(AUTH_NAMES.search(part.text))


def _top(key: Key) -> str:
    """Give the topmost folder of the file that a router is made in."""
    first, slash, _ = key[0].partition("/")
    return first if slash else ""
