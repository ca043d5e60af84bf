"""CORS is added behind the middleware that refuses callers, so that it stands around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.rules import _cors as cors
from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix
from betterguard.repair.lines import next_after, start_of
from betterguard.repair.syntax import around, at, statement_of

if TYPE_CHECKING:
    from betterguard.audit.application import Middleware
    from betterguard.repair.fix import Site


def fix(site: Site) -> Fix | ByHand:
    """Move the statement that adds CORS."""
    added = next(
        (m for m in cors.middleware(site.code) if m.file is site.file and m.pos == site.hit.pos),
        None,
    )
    if added is None or added.form != "class":
        return ByHand("let OPTIONS pass: a preflight carries no token")
    call = at(site.root(), added.pos, "call")
    guards = [
        g for g in site.code.auth_middleware.guards if g.file is site.file and g.pos > added.pos
    ]
    if call is None or not guards:
        return ByHand("the order is decided elsewhere")
    statement = statement_of(call)
    end = max(_end(site, guard) for guard in guards)
    if statement.parent is None or statement.parent.type != "module" or end < 0:
        return ByHand("the middleware is added in a function: add CORS last")
    start, stop = (
        start_of(site.text, statement.start_byte),
        next_after(site.text, statement.end_byte),
    )
    moved = site.text[start:stop].decode().rstrip("\r\n")
    edits = [Edit(start, stop, ""), Edit(end, end, f"\n{moved}\n")]
    return site.fix("add CORS last, so that it stands around the others", *edits)


def _end(site: Site, guard: Middleware) -> int:
    """Give the end of the statement that adds a middleware, -1 where it is none of the module's."""
    node = site.root().named_descendant_for_byte_range(guard.pos, guard.pos)
    outer = around(node, "decorated_definition") or (
        statement_of(node) if node is not None else None
    )
    if outer is None or outer.parent is None or outer.parent.type != "module":
        return -1
    return next_after(site.text, outer.end_byte)
