"""How an application is put together: apps, routers, routes, middleware, mounts."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from betterguard.audit.dataflow import bindings
from betterguard.audit.symbols import ClassRef, External, File, FunctionRef, Value
from betterguard.audit.visit import (
    argument,
    expressions,
    keyword,
    method,
    names_in,
    positional,
    receiver,
    statements,
    subexpressions,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from betterguard.audit.calls import Calls, Dependency
    from betterguard.audit.facts import Expr, Stmt
    from betterguard.audit.project import Project
    from betterguard.audit.symbols import Target

VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "trace"})
ROUTE_DECORATORS = VERBS | {"api_route", "route", "websocket", "websocket_route"}
_ROUTER_CALLS = re.compile(r"(?:^|\.)(?:FastAPI|Starlette|\w*APIRouter|\w*Router)$")
_WIRING = frozenset(
    {
        "include_router",
        "mount",
        "add_middleware",
        "add_exception_handler",
        "add_api_route",
        "add_api_websocket_route",
        "add_route",
        "()",  # what another call gives back: ``app.middleware("http")(function)``
    }
)
"""Methods of applications and routers that are called rather than used as decorators."""
_APP_CALLS = re.compile(r"(?:^|\.)(?:FastAPI|Starlette)$")
_STAGE = re.compile(r"env|stage|debug|local|dev|test", re.IGNORECASE)
_ID = re.compile(r"\{(?:\w+_)?(?:id|uuid|guid|pk|slug|number)(?::\w+)?\}$", re.IGNORECASE)
_PARAM = re.compile(r"\{(\w+)(?::\w+)?\}")

Key = tuple[str, str]
"""A router: the file that it is made in and its name there."""


@dataclass(eq=False, slots=True)
class Router:
    """A ``FastAPI`` or ``APIRouter`` object."""

    key: Key
    file: File
    call: Expr
    is_app: bool
    prefix: str
    dependencies: tuple[Dependency, ...] = ()
    includes: list[Include] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Include:
    """One ``include_router`` or ``mount``: the child with what is added in front of it."""

    child: Key
    prefix: str
    dependencies: tuple[Dependency, ...]
    conditional: bool


@dataclass(eq=False, slots=True)
class Middleware:
    """One middleware of an app, in the order in which it was added."""

    app: Key
    file: File
    pos: int
    target: Target
    name: str
    call: Expr | None
    form: str
    """``function`` (``@app.middleware``), ``class`` (``add_middleware``) or ``argument``."""


@dataclass(eq=False, slots=True)
class Mount:
    """An application of another library that is mounted: the call that makes it, and its path."""

    app: Key
    file: File
    call: Expr
    path: str


@dataclass(eq=False, slots=True)
class Handler:
    """One exception handler: what it handles and the function."""

    file: File
    pos: int
    exception: str
    function: FunctionRef


@dataclass(eq=False, slots=True)
class Route:
    """One way into the application."""

    file: File
    function: FunctionRef
    pos: int
    methods: tuple[str, ...]
    path: str
    router: Key | None
    dependencies: tuple[Dependency, ...]
    apps: tuple[Key, ...]
    """The apps that it is reachable through; empty when its router is never mounted."""
    conditional: bool = False
    """Mounted only below an ``if`` on the stage or a debug setting."""

    @property
    def is_websocket(self) -> bool:
        """Whether it is a WebSocket."""
        return "WEBSOCKET" in self.methods

    @property
    def path_params(self) -> tuple[str, ...]:
        """The names of its path parameters."""
        return tuple(_PARAM.findall(self.path))


class Application:
    """The apps, routers, routes and middleware of a project."""

    def __init__(self, project: Project, calls: Calls) -> None:
        self.project = project
        self.calls = calls
        self.routers: dict[Key, Router] = {}
        self.middleware: list[Middleware] = []
        self.handlers: list[Handler] = []
        self.mounts: list[Mount] = []
        self._scopes = [
            (file, scope)
            for file in project.files.values()
            if file.facts.words
            & {"fastapi", "starlette", "Middleware", "middleware", "APIRouter", "include_router"}
            for scope in _scopes(project, file)
        ]
        self._collect_routers()
        self._collect_calls()
        self.routes = list(self._routes())

    @cached_property
    def collections(self) -> frozenset[str]:
        """Steps of paths that an id follows: things that the application keeps."""
        return frozenset(
            step.lower().replace("-", "_")
            for route in self.routes
            for step, following in pairwise(route.path.split("/"))
            if _ID.match(following)
        )

    # routers

    def _collect_routers(self) -> None:
        for file, scope in self._scopes:
            for stmt in scope.statements:
                if (
                    stmt.kind == "assign"
                    and (value := stmt.exprs[-1]).kind == "call"
                    and self._makes_router(file, value)
                ):
                    for target in stmt.exprs[:-1]:
                        self._add_router(file, scope, target.text, value)

    def _makes_router(self, file: File, call: Expr) -> bool:
        if call.base is not None:
            return False
        if _ROUTER_CALLS.search(call.text):
            return True
        target = self.project.resolve(file, call.text)
        if isinstance(target, ClassRef):
            bases = self.project.foreign_bases(target)
            return any(_ROUTER_CALLS.search(base) for base in bases)
        return isinstance(target, External) and bool(_ROUTER_CALLS.search(target.name))

    def _add_router(self, file: File, scope: Scope, name: str, call: Expr) -> None:
        key = scope.key(name)
        is_app = bool(
            _APP_CALLS.search(self.project.qualify(file, call.text)) or _APP_CALLS.search(call.text)
        )
        router = Router(key, file, call, is_app, _text(keyword(call, "prefix")))
        router.dependencies = self._listed(file, keyword(call, "dependencies"))
        self.routers[key] = router
        middlewares = keyword(call, "middleware")
        for part in subexpressions(middlewares) if middlewares is not None else ():
            if part.kind == "call" and part.text.endswith("Middleware") and positional(part):
                self._add_middleware(key, file, part, "argument")

    def _listed(self, file: File, expr: Expr | None) -> tuple[Dependency, ...]:
        return tuple(self.calls.depends(file, expr)) if expr is not None else ()

    def find(self, file: File, scope: Scope | None, name: str) -> Key | None:
        """Give the router that a name means."""
        if scope is not None and scope.key(name) in self.routers:
            return scope.key(name)
        if (file.path, name) in self.routers:
            return (file.path, name)
        target = self.project.resolve(file, name)
        if isinstance(target, Value) and (target.file.path, target.name) in self.routers:
            return (target.file.path, target.name)
        if isinstance(target, FunctionRef):
            return self._returned(target)
        return None

    def _returned(self, factory: FunctionRef) -> Key | None:
        for stmt in factory.statements:
            if stmt.kind == "return" and stmt.exprs and stmt.exprs[0].kind == "name":
                key = (factory.file.path, f"{factory.name}.{stmt.exprs[0].text}")
                if key in self.routers:
                    return key
        return None

    # calls on routers

    def _collect_calls(self) -> None:
        wired = {file for file, scope in self._scopes if scope.function is None and _is_wired(file)}
        for file, scope in self._scopes:
            for expr in scope.expressions if file in wired else ():
                if expr.kind == "call":
                    self._read_call(file, scope, expr)
            for function in scope.functions:
                for decorator in function.function.decorators:
                    self._read_decorator(file, scope, function, decorator)

    def _read_call(self, file: File, scope: Scope, call: Expr) -> None:
        name = method(call)
        owner = receiver(call)
        if name == "()" and call.base is not None and method(call.base) == "middleware":
            self._called_middleware(file, scope, call)
        if owner is None or owner.kind != "name":
            return
        if name in {"include_router", "mount"}:
            self._include(file, scope, owner.text, call)
        elif name == "add_middleware" and positional(call):
            key = self.find(file, scope, owner.text) or (file.path, owner.text)
            self._add_middleware(key, file, call, "class")
        elif name == "add_exception_handler" and len(call.parts) > 1:
            target = self.project.resolve(file, call.parts[1].text)
            if isinstance(target, FunctionRef):
                self.handlers.append(
                    Handler(file, target.function.pos, self._handled(file, call.parts[0]), target)
                )
        elif name in {"add_api_route", "add_api_websocket_route", "add_route"}:
            endpoint = argument(call, 1, "endpoint")
            if endpoint is not None and endpoint.kind == "name":
                function = (
                    self.calls.name(scope.function, endpoint.text)
                    if scope.function
                    else (self.project.resolve(file, endpoint.text))
                )
                if isinstance(function, FunctionRef):
                    scope.added.append((function, owner.text, call))

    def _called_middleware(self, file: File, scope: Scope, call: Expr) -> None:
        assert call.base is not None
        owner = receiver(call.base)
        if owner is None or not call.parts:
            return
        key = self.find(file, scope, owner.text) or (file.path, owner.text)
        target = self.project.resolve(file, call.parts[0].text)
        self.middleware.append(
            Middleware(key, file, call.pos, target, call.parts[0].text, call, "function")
        )

    def _add_middleware(self, key: Key, file: File, call: Expr, form: str) -> None:
        wanted = positional(call)[0]
        if wanted.kind == "name":
            target = self.project.resolve(file, wanted.text)
            self.middleware.append(Middleware(key, file, call.pos, target, wanted.text, call, form))

    def _handled(self, file: File, expr: Expr) -> str:
        return self.project.qualify(file, expr.text) if expr.kind == "name" else expr.text

    def _include(self, file: File, scope: Scope, parent: str, call: Expr) -> None:
        index = 1 if method(call) == "mount" else 0
        child = argument(call, index, "router" if not index else "app")
        key = self.find(file, scope, parent) or (file.path, parent)
        if child is None:
            return
        if index and child.kind == "call":
            self.mounts.append(Mount(key, file, child, _text(call.parts[0])))
        prefix = _text(call.parts[0]) if index else _text(keyword(call, "prefix"))
        dependencies = self._listed(file, keyword(call, "dependencies"))
        conditional = any(
            stmt.kind == "if"
            and stmt.pos <= call.pos < stmt.end
            and any(_STAGE.search(name) for name in names_in(stmt.exprs[0]))
            for stmt in scope.statements
            if stmt.exprs
        )
        for name in self._children(file, scope, child):
            if (found := self.find(file, scope, name)) is not None:
                parent_router = self.routers.setdefault(
                    key, Router(key, file, call, is_app=True, prefix="")
                )
                parent_router.includes.append(Include(found, prefix, dependencies, conditional))

    def _children(self, file: File, scope: Scope, child: Expr) -> Iterator[str]:
        """Give the name that is included; for a loop variable, every name that it stands for."""
        name = child.text
        if child.kind not in {"name", "call"}:
            return
        yield name
        head, _, rest = name.partition(".")
        for source in scope.bound(head):
            values: Iterable[Expr] = source.parts or (source,)
            if source.kind == "name":
                target = self.project.resolve(file, source.text)
                bound = target.expr if isinstance(target, Value) else None
                values = bound.parts if bound is not None else ()
            for value in values:
                for part in value.parts or (value,):
                    if part.kind == "name":
                        yield f"{part.text}.{rest}" if rest else part.text

    def _read_decorator(
        self, file: File, scope: Scope, function: FunctionRef, decorator: Expr
    ) -> None:
        if decorator.kind != "call":
            return
        owner = receiver(decorator)
        if owner is None:
            return
        name = method(decorator)
        if name == "middleware":
            key = self.find(file, scope, owner.text) or (file.path, owner.text)
            pos = decorator.pos
            self.middleware.append(
                Middleware(key, file, pos, function, function.name, None, "function")
            )
        elif name == "exception_handler" and decorator.parts:
            handled = self._handled(file, decorator.parts[0])
            self.handlers.append(Handler(file, function.function.pos, handled, function))
        elif name in ROUTE_DECORATORS:
            scope.added.append((function, owner.text, decorator))

    # routes

    def _routes(self) -> Iterator[Route]:
        parents = self._parents()
        for file, scope in self._scopes:
            for function, owner, call in scope.added:
                key = self.find(file, scope, owner)
                if key is None and not _looks_like_route(call, owner):
                    continue
                yield self._route(file, function, key, call, parents)

    def _parents(self) -> dict[Key, list[tuple[Router, Include]]]:
        found: dict[Key, list[tuple[Router, Include]]] = {}
        for router in self.routers.values():
            for include in router.includes:
                found.setdefault(include.child, []).append((router, include))
        return found

    def _route(
        self,
        file: File,
        function: FunctionRef,
        key: Key | None,
        call: Expr,
        parents: dict[Key, list[tuple[Router, Include]]],
    ) -> Route:
        own = tuple(self._listed(file, keyword(call, "dependencies")))
        path = _text(argument(call, 0, "path"))
        apps: set[Key] = set()
        dependencies = list(own)
        stack: list[tuple[Key, str]] = [(key, path)] if key is not None else []
        seen: set[Key] = set()
        conditional = False
        while stack:
            current, below = stack.pop(0)
            if current in seen:
                continue
            seen.add(current)
            router = self.routers[current]
            dependencies.extend(router.dependencies)
            whole = router.prefix + below
            if not apps:  # of several apps that include the router, the first names the path
                path = whole
            if router.is_app:
                apps.add(current)
            for parent, include in parents.get(current, ()):
                dependencies.extend(include.dependencies)
                conditional = conditional or include.conditional
                stack.append((parent.key, include.prefix + whole))
        return Route(
            file,
            function,
            function.function.pos,
            _methods(call),
            path or "/",
            key,
            tuple(dependencies),
            tuple(sorted(apps)),
            conditional,
        )


def _methods(call: Expr) -> tuple[str, ...]:
    name = method(call)
    if "websocket" in name:
        return ("WEBSOCKET",)
    if name in VERBS:
        return (name.upper(),)
    listed = keyword(call, "methods")
    return tuple(part.text.upper() for part in listed.parts) if listed is not None else ("GET",)


def _looks_like_route(call: Expr, owner: str) -> bool:
    """Whether a decorator of an unknown router makes a route: by its path and its name."""
    first = argument(call, 0, "path")
    known = owner.rsplit(".", 1)[-1].lower().endswith(("router", "app", "api"))
    return (
        known
        and first is not None
        and first.kind in {"str", "fstr", "name"}
        and (first.kind != "str" or first.text.startswith("/") or not first.text)
    )


def _text(expr: Expr | None) -> str:
    if expr is None:
        return ""
    if expr.kind == "str":
        return expr.text
    if expr.kind == "fstr":
        return expr.text.replace("{}", "")
    return ""


@dataclass(eq=False, slots=True)
class Scope:
    """A file's top level or one function of it, as a place where apps are put together."""

    file: File
    function: FunctionRef | None
    functions: list[FunctionRef]
    added: list[tuple[FunctionRef, str, Expr]] = field(default_factory=list)
    _statements: tuple[Stmt, ...] | None = None
    _expressions: tuple[Expr, ...] | None = None
    _bound: dict[str, list[Expr]] | None = None

    def key(self, name: str) -> Key:
        """Give where a name of this scope is kept."""
        prefix = f"{self.function.name}." if self.function is not None else ""
        return (self.file.path, prefix + name)

    @property
    def statements(self) -> tuple[Stmt, ...]:
        """All its statements."""
        if self._statements is None:
            body = self.function.body if self.function is not None else self.file.facts.body
            self._statements = tuple(statements(body, nested=False))
        return self._statements

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """All its expressions."""
        if self._expressions is None:
            self._expressions = tuple(expressions(self.statements))
        return self._expressions

    def bound(self, name: str) -> list[Expr]:
        """Give what a name is bound to here."""
        if self._bound is None:
            self._bound = dict(bindings(self.statements, self.expressions))
        return self._bound.get(name, [])


def _scopes(project: Project, file: File) -> Iterator[Scope]:
    refs = project.in_file(file)
    inner: defaultdict[int, list[FunctionRef]] = defaultdict(list)
    for ref in refs:
        inner[id(ref.outer)].append(ref)
    yield Scope(file, None, inner[id(None)])
    for ref in refs:
        yield Scope(file, ref, inner[id(ref)])


def _is_wired(file: File) -> bool:
    """Whether a file has any call by which routers, middleware and handlers are put together."""
    return not _WIRING.isdisjoint(file.methods)
