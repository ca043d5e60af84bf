"""A map of the application: every route, how it is authenticated, how its rows are filtered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from betterguard.audit.config import Config
from betterguard.audit.engine import index
from betterguard.audit.loading import gather, modules
from betterguard.audit.ownership import condition_names
from betterguard.audit.queries import restricts
from betterguard.audit.rules import _audience as audience
from betterguard.audit.rules.bg302_unfiltered_query import check as unfiltered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from betterguard.audit.application import Route
    from betterguard.audit.code import Code
    from betterguard.audit.queries import Query
    from betterguard.audit.symbols import FunctionRef

Place = tuple[str, int]
"""A file and an offset in it."""


@dataclass(frozen=True, slots=True)
class RouteEntry:
    """One route as people ask about it."""

    methods: tuple[str, ...]
    path: str
    handler: str
    file: str
    line: int
    mounted: bool
    authentication: str
    """``required``, ``credential not verified``, ``optional``, ``public``, or ``none``."""
    by: str
    """What authenticates: a dependency, a middleware, own code; empty when nothing does."""
    rows: tuple[str, ...]
    """``Task: user_id``, ``Task: unfiltered``, one for each table with an owner that is reached."""


def route_map(
    paths: Iterable[Path], config: Config | None = None, relative_to: Path | None = None
) -> list[RouteEntry]:
    """Every route of the project, sorted by path."""
    config = config or Config()
    inputs = gather(paths, config, relative_to)
    code = index(inputs, modules(inputs.sources), config)
    texts = {source.path: source.text for source in inputs.sources}
    leaks = frozenset((hit.path, hit.pos) for hit in unfiltered(code))
    entries = [_entry(code, route, texts[route.file.path], leaks) for route in code.app.routes]
    return sorted(entries, key=lambda entry: (entry.path, entry.methods, entry.file))


def _entry(code: Code, route: Route, text: bytes, leaks: frozenset[Place]) -> RouteEntry:
    gate, by = code.security.protection(route)
    shown = {"": "public" if audience.is_public(code, route) else "none"}
    return RouteEntry(
        route.methods,
        route.path,
        route.function.name,
        route.file.path,
        text.count(b"\n", 0, route.pos) + 1,
        bool(route.apps),
        {"scheme": "credential not verified"}.get(gate, shown.get(gate, gate)),
        by,
        tuple(sorted(set(_rows(code, route, gate, leaks)))),
    )


def _rows(code: Code, route: Route, gate: str, leaks: frozenset[Place]) -> Iterator[str]:
    for function in code.calls.reach(route.function):
        for query in code.queries.of(function):
            owner = query.model.owner
            if owner and not query.model.is_user:
                leaky = (function.file.path, query.call.pos) in leaks or gate != "required"
                yield f"{query.model.name}: {_filter(code, function, query, leaky=leaky)}"


def _filter(code: Code, function: FunctionRef, query: Query, *, leaky: bool) -> str:
    """By what the rows of a statement are narrowed to the caller's."""
    owner = query.model.owner
    if code.is_isolated:
        return f"{owner}, by betterguard"
    if restricts(query, owner):
        return owner
    own = code.ownership
    checked = own.is_checked(query) or own.verified_before(
        function, query.call.pos, owner, condition_names(query)
    )
    if checked:
        return f"{owner}, checked in code"
    return "unfiltered" if leaky else f"{owner}, checked on the way"
