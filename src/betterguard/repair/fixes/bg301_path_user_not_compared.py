"""The user in the path is compared with the caller before anything else happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.rules import _ownership as owners
from betterguard.repair.fix import ByHand, Fix, Safety
from betterguard.repair.fixes._blocks import at_start, definition, refusal
from betterguard.repair.fixes._caller import caller

if TYPE_CHECKING:
    from betterguard.audit.application import Route
    from betterguard.repair.fix import Site
    from betterguard.repair.imports import Imports


def fix(site: Site) -> Fix | ByHand:
    """Refuse with 403 when the path names another user."""
    route = next(
        (r for r in site.code.app.routes if r.pos == site.hit.pos and r.file is site.file), None
    )
    if route is None:
        return ByHand("the route is not where it was found")
    known = caller(site, route.function)
    if known is None:
        return ByHand("no parameter of the route tells who is calling")
    name = _path_name(site, route)
    node = definition(site, route.function)
    imports = site.imports()
    condition = _condition(route, name, known.expression, known.kind)
    refusing = _refusing(route, imports)
    if not refusing:
        return ByHand("no parameter of the route is the WebSocket: close it with 1008")
    lines = [f"if {condition}:", *(f"    {line}" for line in refusing)]
    edit = at_start(site.text, node, lines) if node is not None else None
    if edit is None:
        return ByHand("the handler has its statements on one line")
    summary = f"refuse with 403 when {name} is not the caller"
    return site.fix(summary, edit, imports=imports, safety=Safety.UNSAFE)


def _refusing(route: Route, imports: Imports) -> list[str]:
    """Give the statements that refuse: an answer, or a WebSocket that closes before it opens."""
    if not route.is_websocket:
        return [refusal(imports, 403, "Forbidden")]
    for param in route.function.params:
        if param.annotation is not None and param.annotation.text.endswith("WebSocket"):
            return [f"await {param.name}.close(code=1008)", "return"]
    return []


def _path_name(site: Site, route: Route) -> str:
    named = [name for name in owners.path_owners(route) if f"{{{name}}}" in site.hit.message]
    return named[0]


def _condition(route: Route, name: str, caller_id: str, kind: str) -> str:
    param = next((p for p in route.function.params if p.name == name), None)
    note = (
        param.annotation.text.rsplit(".", 1)[-1] if param is not None and param.annotation else ""
    )
    if kind and note == kind:
        return f"{name} != {caller_id}"
    return f"str({name}) != str({caller_id})"
