"""What an application is made of: apps, routers, routes, middleware, mounts, error handlers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from betterguard.audit.calls import Dependency
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import File, FunctionRef, Target

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


@dataclass(frozen=True, eq=False)
class Application:
    """The apps, routers, routes and middleware of a project."""

    routers: Mapping[Key, Router]
    routes: Sequence[Route]
    middleware: Sequence[Middleware]
    handlers: Sequence[Handler]
    mounts: Sequence[Mount]

    @cached_property
    def collections(self) -> frozenset[str]:
        """Steps of paths that an id follows: things that the application keeps."""
        return frozenset(
            step.lower().replace("-", "_")
            for route in self.routes
            for step, following in pairwise(route.path.split("/"))
            if _ID.match(following)
        )
