"""What a client says of itself is no identity: a verified token says who is calling, or nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.repair.fix import ByHand, Fix, Safety
from betterguard.repair.fixes._guarding import identified
from betterguard.repair.syntax import replaced

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.repair.fix import Site

_CHALLENGE = 'headers={"WWW-Authenticate": "Bearer"}'


def fix(site: Site) -> Fix | ByHand:
    """Refuse where a client's word is the last resort; where it is the only one, ask the guard."""
    statement = _last_resort(site)
    if statement is None:
        return identified(site)
    imports = site.imports()
    error = imports.use("fastapi", "HTTPException")
    refusal = f'raise {error}(status_code=401, detail="Not authenticated", {_CHALLENGE})'
    return site.fix(
        "refuse instead of taking the client's word",
        replaced(statement, refusal),
        imports=imports,
        safety=Safety.UNSAFE,
    )


def _last_resort(site: Site) -> Node | None:
    """Give the ``return`` of what the client says, in a function that gives something else, too."""
    node = site.node("call", "subscript")
    statement = node.parent if node is not None else None
    if site.function is None or statement is None or statement.type != "return_statement":
        return None
    others = [
        stmt
        for stmt in site.function.statements
        if stmt.kind == "return"
        and stmt.pos != statement.start_byte
        and stmt.exprs
        and stmt.exprs[0].kind != "const"
    ]
    return statement if others else None
