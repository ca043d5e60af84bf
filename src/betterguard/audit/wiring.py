"""Calls and decorators that put applications together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from betterguard.audit.application import Handler, Include, Middleware, Mount, Router
from betterguard.audit.symbols import FunctionRef
from betterguard.audit.visit import (
    argument,
    keyword,
    literal,
    method,
    names_in,
    positional,
    receiver,
    subexpressions,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from betterguard.audit.application import Key
    from betterguard.audit.calls import Calls
    from betterguard.audit.facts import Expr
    from betterguard.audit.project import Project
    from betterguard.audit.routers import Routers
    from betterguard.audit.scopes import Scope
    from betterguard.audit.symbols import File

VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "trace"})
_ROUTE_DECORATORS = VERBS | {"api_route", "route", "websocket", "websocket_route"}
_ADDING_ROUTES = frozenset({"add_api_route", "add_api_websocket_route", "add_route"})
_ADDING_ROUTERS = frozenset({"include_router", "mount"})
_WIRING = (
    _ADDING_ROUTES
    | _ADDING_ROUTERS
    | {
        "add_middleware",
        "add_exception_handler",
        "()",  # what another call gives back: ``app.middleware("http")(function)``
    }
)
"""Methods of applications and routers that are called rather than used as decorators."""
_STAGE = re.compile(r"env|stage|debug|local|dev|test", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Registration:
    """A function that a decorator or a call makes a route of what is called ``router``."""

    scope: Scope
    function: FunctionRef
    router: str
    call: Expr


class Wiring:
    """Reads how the applications of a project are put together, in the order of the code."""

    def __init__(
        self, project: Project, calls: Calls, scopes: Sequence[Scope], routers: Routers
    ) -> None:
        self.project = project
        self.calls = calls
        self.routers = routers
        self.middleware: list[Middleware] = []
        self.handlers: list[Handler] = []
        self.mounts: list[Mount] = []
        self.registrations: list[Registration] = []
        for router in routers.made:
            self._read_arguments(router)
        wired = {scope.file for scope in scopes if scope.function is None and _is_wired(scope.file)}
        for scope in scopes:
            if scope.file in wired:
                self._read_calls(scope)
            self._read_decorators(scope)

    def _read_arguments(self, router: Router) -> None:
        """``FastAPI(middleware=[Middleware(CORSMiddleware, …)])``."""
        given = keyword(router.call, "middleware")
        for part in subexpressions(given) if given is not None else ():
            if part.kind == "call" and part.text.endswith("Middleware") and positional(part):
                self._add_middleware(router.key, router.file, part, "argument")

    # calls

    def _read_calls(self, scope: Scope) -> None:
        for expr in scope.expressions:
            if expr.kind == "call":
                self._read_call(scope, expr)

    def _read_call(self, scope: Scope, call: Expr) -> None:
        name, owner = method(call), receiver(call)
        if name == "()" and call.base is not None and method(call.base) == "middleware":
            self._called_middleware(scope, call.base, call)
        if owner is None or owner.kind != "name":
            return
        if name in _ADDING_ROUTERS:
            self._include(scope, owner.text, call)
        elif name == "add_middleware" and positional(call):
            key = self.routers.key(scope, owner.text)
            self._add_middleware(key, scope.file, call, "class")
        elif name == "add_exception_handler" and len(call.parts) > 1:
            target = self.project.resolve(scope.file, call.parts[1].text)
            if isinstance(target, FunctionRef):
                self._add_handler(scope, call.parts[0], target)
        elif name in _ADDING_ROUTES:
            endpoint = argument(call, 1, "endpoint")
            if endpoint is not None and endpoint.kind == "name":
                self._add_endpoint(scope, endpoint.text, owner.text, call)

    def _called_middleware(self, scope: Scope, maker: Expr, call: Expr) -> None:
        """``app.middleware("http")(function)``."""
        owner = receiver(maker)
        if owner is None or not call.parts:
            return
        key, name = self.routers.key(scope, owner.text), call.parts[0].text
        target = self.project.resolve(scope.file, name)
        self.middleware.append(
            Middleware(key, scope.file, call.pos, target, name, call, "function")
        )

    def _add_middleware(self, key: Key, file: File, call: Expr, form: str) -> None:
        wanted = positional(call)[0]
        if wanted.kind == "name":
            target = self.project.resolve(file, wanted.text)
            self.middleware.append(Middleware(key, file, call.pos, target, wanted.text, call, form))

    def _add_handler(self, scope: Scope, error: Expr, function: FunctionRef) -> None:
        handled = (
            self.project.qualify(scope.file, error.text) if error.kind == "name" else error.text
        )
        self.handlers.append(Handler(scope.file, function.function.pos, handled, function))

    def _add_endpoint(self, scope: Scope, name: str, router: str, call: Expr) -> None:
        target = (
            self.calls.name(scope.function, name)
            if scope.function is not None
            else self.project.resolve(scope.file, name)
        )
        if isinstance(target, FunctionRef):
            self.registrations.append(Registration(scope, target, router, call))

    # routers within routers

    def _include(self, scope: Scope, parent: str, call: Expr) -> None:
        is_mount = method(call) == "mount"
        child = argument(call, 1, "app") if is_mount else argument(call, 0, "router")
        if child is None:
            return
        key = self.routers.key(scope, parent)
        prefix = literal(call.parts[0] if is_mount else keyword(call, "prefix"))
        if is_mount and child.kind == "call":
            self.mounts.append(Mount(key, scope.file, child, prefix))
        dependencies = self.calls.listed(scope.file, call)
        conditional = _depends_on_stage(scope, call)
        for name in self._children(scope, child):
            found = self.routers.find(scope, name)
            if found is not None:
                including = self.routers.by_key.setdefault(
                    key, Router(key, scope.file, call, is_app=True, prefix="")
                )
                including.includes.append(Include(found, prefix, dependencies, conditional))

    def _children(self, scope: Scope, child: Expr) -> Iterator[str]:
        """Give the name that is included; for a loop variable, every name that it stands for."""
        if child.kind not in {"name", "call"}:
            return
        yield child.text
        head, _, rest = child.text.partition(".")
        for source in scope.bindings.get(head, ()):
            for value in self._looped(scope.file, source):
                for part in value.parts or (value,):
                    if part.kind == "name":
                        yield f"{part.text}.{rest}" if rest else part.text

    def _looped(self, file: File, source: Expr) -> tuple[Expr, ...]:
        """Give what a loop goes through, also where a module's variable holds it."""
        if source.kind != "name":
            return source.parts or (source,)
        bound = self.project.binding(file, source, None)
        return bound.parts if bound is not None else ()

    # decorators

    def _read_decorators(self, scope: Scope) -> None:
        for function in scope.functions:
            for decorator in function.function.decorators:
                if decorator.kind == "call":
                    self._read_decorator(scope, function, decorator)

    def _read_decorator(self, scope: Scope, function: FunctionRef, decorator: Expr) -> None:
        owner = receiver(decorator)
        if owner is None:
            return
        name = method(decorator)
        if name == "middleware":
            key = self.routers.key(scope, owner.text)
            self.middleware.append(
                Middleware(
                    key, scope.file, decorator.pos, function, function.name, None, "function"
                )
            )
        elif name == "exception_handler" and decorator.parts:
            self._add_handler(scope, decorator.parts[0], function)
        elif name in _ROUTE_DECORATORS:
            self.registrations.append(Registration(scope, function, owner.text, decorator))


def _is_wired(file: File) -> bool:
    """Whether a file has any call by which routers, middleware and handlers are put together."""
    return not _WIRING.isdisjoint(file.methods)


def _depends_on_stage(scope: Scope, call: Expr) -> bool:
    """Whether a call stands below an ``if`` on the stage or a debug setting."""
    return any(
        stmt.kind == "if"
        and stmt.exprs
        and stmt.pos <= call.pos < stmt.end
        and any(_STAGE.search(name) for name in names_in(stmt.exprs[0]))
        for stmt in scope.statements
    )
