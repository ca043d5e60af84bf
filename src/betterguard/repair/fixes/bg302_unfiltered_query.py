"""A statement over users' rows gets the condition that they are the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.queries import STARTS
from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix, Safety
from betterguard.repair.fixes._blocks import behind, refusal
from betterguard.repair.fixes._caller import caller
from betterguard.repair.syntax import appended, arguments, at, source, statement_of, walk

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.audit.queries import Query
    from betterguard.repair.fix import Site
    from betterguard.repair.fixes._caller import Caller
    from betterguard.repair.imports import Imports

_FILTERS = {"where": "where", "filter": "filter"}


def fix(site: Site) -> Fix | ByHand:
    """Filter by the owner, or compare the owner of the row that was found by its key."""
    function = site.function
    if function is None:
        return ByHand("the statement runs at import")
    query = next((q for q in site.code.queries.of(function) if q.call.pos == site.hit.pos), None)
    if query is None:
        return ByHand("write the owner into the SQL text, bound to the caller's id")
    known = caller(site, function)
    if known is None:
        return ByHand(f"hand the caller's id to {function.name}, and filter by it")
    return _owned(site, query, known)


def _owned(site: Site, query: Query, known: Caller) -> Fix | ByHand:
    imports = site.imports()
    owner = query.model.owner
    value = known.as_column(query.model.columns.get(owner), imports)
    node = at(site.root(), query.call.pos, "call")
    if node is None:
        return ByHand("the statement is not where it was found")
    if query.verb == "get":
        return _compared(site, query, node, value, imports)
    edits = _filtered(site, node, owner, value)
    if edits is None:
        return ByHand("the statement is put together elsewhere")
    summary = f"ask for rows of {query.model.name} whose {owner} is the caller"
    return site.fix(summary, *edits, imports=imports, safety=Safety.UNSAFE)


def _filtered(site: Site, node: Node, owner: str, value: str) -> list[Edit] | None:
    """Add to the ``where`` that follows ``select(Task)`` at once, or write one."""
    start = next((call for call in walk(node, "call") if _method(call) in STARTS), None)
    if start is None or not arguments(start):
        return None
    model = source(arguments(start)[0]).split(".", 1)[0].split("(")[-1]
    condition = f"{model}.{owner} == {value}"
    follower = start.parent.parent if start.parent is not None else None
    if follower is not None and follower.type == "call" and _method(follower) in _FILTERS:
        listed = follower.child_by_field_name("arguments")
        return appended(site.text, listed, condition) if listed is not None else None
    word = "filter" if _method(start) == "query" else "where"
    return [Edit(start.end_byte, start.end_byte, f".{word}({condition})")]


def _method(call: Node) -> str:
    return source(call.child_by_field_name("function")).rsplit(".", 1)[-1]


def _compared(site: Site, query: Query, node: Node, value: str, imports: Imports) -> Fix | ByHand:
    """``row = session.get(…)``: a foreign row is answered as a missing one."""
    statement = statement_of(node)
    owner, model = query.model.owner, query.model.name
    lines = [
        f"if {{row}} is None or {{row}}.{owner} != {value}:",
        f"    {refusal(imports, 404, f'{model} not found')}",
    ]
    summary = f"answer a {model} of another user as one that is missing"
    inner = statement.named_children[0]
    if inner.type == "assignment" and source(inner.child_by_field_name("left")).isidentifier():
        row = source(inner.child_by_field_name("left"))
        edits = [behind(site.text, statement, [line.format(row=row) for line in lines])]
    elif statement.type == "return_statement":
        edits = [
            Edit(statement.start_byte, inner.start_byte, "found = "),
            behind(
                site.text,
                statement,
                [*(line.format(row="found") for line in lines), "return found"],
            ),
        ]
    else:
        return ByHand("give the row a name, and compare its owner with the caller")
    return site.fix(summary, *edits, imports=imports, safety=Safety.UNSAFE)
