"""How a route is reached: under which path, through which apps, after which dependencies."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from betterguard.audit.application import Route
from betterguard.audit.visit import argument, keyword, literal, method
from betterguard.audit.wiring import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from betterguard.audit.application import Include, Key, Router
    from betterguard.audit.calls import Calls, Dependency
    from betterguard.audit.facts import Expr
    from betterguard.audit.routers import Routers
    from betterguard.audit.wiring import Registration


@dataclass(slots=True)
class _Way:
    """What is known of the way to a route, from its own decorator upwards."""

    path: str
    dependencies: list[Dependency]
    apps: set[Key] = field(default_factory=set)
    conditional: bool = False


class Mounting:
    """Follows routes from the routers that they are registered with up to the apps."""

    def __init__(self, calls: Calls, routers: Routers) -> None:
        self.calls = calls
        self.routers = routers
        self._parents: defaultdict[Key, list[tuple[Router, Include]]] = defaultdict(list)
        for router in routers.by_key.values():
            for include in router.includes:
                self._parents[include.child].append((router, include))

    def routes(self, registrations: Iterable[Registration]) -> Iterator[Route]:
        """Give the routes that registrations make; a decorator of another library makes none."""
        for registration in registrations:
            key = self.routers.find(registration.scope, registration.router)
            if key is not None or _looks_like_route(registration):
                yield self._route(registration, key)

    def _route(self, registration: Registration, key: Key | None) -> Route:
        file, function, call = registration.scope.file, registration.function, registration.call
        way = _Way(literal(argument(call, 0, "path")), list(self.calls.listed(file, call)))
        if key is not None:
            self._follow(way, key)
        return Route(
            file,
            function,
            function.function.pos,
            _methods(call),
            way.path or "/",
            key,
            tuple(way.dependencies),
            tuple(sorted(way.apps)),
            way.conditional,
        )

    def _follow(self, way: _Way, start: Key) -> None:
        """Go up from a router through all that include it, nearest first."""
        ahead = deque([(start, way.path)])
        seen: set[Key] = set()
        while ahead:
            key, below = ahead.popleft()
            if key in seen:
                continue
            seen.add(key)
            router = self.routers.by_key[key]
            path = router.prefix + below
            if not way.apps:  # of several apps that include the router, the first names the path
                way.path = path
            if router.is_app:
                way.apps.add(key)
            way.dependencies.extend(router.dependencies)
            for parent, include in self._parents.get(key, ()):
                way.dependencies.extend(include.dependencies)
                way.conditional = way.conditional or include.conditional
                ahead.append((parent.key, include.prefix + path))


def _methods(call: Expr) -> tuple[str, ...]:
    name = method(call)
    if "websocket" in name:
        return ("WEBSOCKET",)
    if name in VERBS:
        return (name.upper(),)
    listed = keyword(call, "methods")
    return tuple(part.text.upper() for part in listed.parts) if listed is not None else ("GET",)


def _looks_like_route(registration: Registration) -> bool:
    """Whether a decorator of an unknown router makes a route: by its name and its path."""
    name = registration.router.rsplit(".", 1)[-1].lower()
    path = argument(registration.call, 0, "path")
    if path is None or not name.endswith(("router", "app", "api")):
        return False
    if path.kind == "str":
        return path.text.startswith("/") or not path.text
    return path.kind in {"fstr", "name"}
