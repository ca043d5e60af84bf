"""The moment itself is stored, not a text that spells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.rules.bg410_text_into_timestamp import stored
from betterguard.repair.fix import ByHand, Fix, Safety
from betterguard.repair.syntax import arguments, replaced, source, walk

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.audit.symbols import FunctionRef
    from betterguard.repair.fix import Site

_TYPES = ("call", "conditional_expression", "binary_operator")
_ZULU = frozenset({'"Z"', "'Z'", '"+00:00"', "'+00:00'"})
_EXPOSED = ("BG402", "BG403")


def fix(site: Site) -> Fix | ByHand:
    """Take the ``isoformat()`` away where nothing else reads the text."""
    function, node = site.function, site.node(*_TYPES)
    if function is None or node is None:
        return ByHand("the value is not where it was found")
    name = _bound_to(function, site.hit.pos)
    if name and _is_read_as_text(site, function, name):
        return ByHand(f"{name} is also read as text: store the datetime, and format it there")
    call = next((c for c in walk(node, "call") if _moment(c) is not None), None)
    moment = _moment(call) if call is not None else None
    if call is None or moment is None:
        return ByHand("hand the datetime over as it is, before it is formatted")
    written = call
    if node.type == "binary_operator":
        if node.child_by_field_name("left") != call or not _is_zulu(node):
            return ByHand("hand the datetime over as it is, before it is formatted")
        written = node
    is_mapped = any(
        pos == site.hit.pos or (name and text == name)
        for _, value, _ in site.code.queries.writes(function)
        for pos, text in [(value.pos, value.text)]
    )
    return site.fix(
        "store the moment instead of a text",
        replaced(written, source(moment)),
        safety=Safety.SAFE if is_mapped else Safety.UNSAFE,
        exposes=_EXPOSED,
    )


def _moment(call: Node) -> Node | None:
    """Give what ``isoformat()`` is called on."""
    function = call.child_by_field_name("function")
    if function is None or function.type != "attribute" or arguments(call):
        return None
    if source(function.child_by_field_name("attribute")) != "isoformat":
        return None
    return function.child_by_field_name("object")


def _is_zulu(node: Node) -> bool:
    return source(node.child_by_field_name("right")) in _ZULU


def _bound_to(function: FunctionRef, pos: int) -> str:
    """Give the variable that takes the text; empty where it is stored at once."""
    return next(
        (
            name
            for name, values in function.assigned.items()
            if "." not in name and any(value.pos == pos for value in values)
        ),
        "",
    )


def _is_read_as_text(site: Site, function: FunctionRef, name: str) -> bool:
    """Whether something other than what is stored reads the variable."""
    expected = {value.pos for _, value in stored(site.code, function) if value.text == name}
    written = {
        target.pos
        for stmt in function.statements
        if stmt.kind == "assign"
        for target in stmt.exprs[:-1]
    }
    return any(
        expr.pos not in expected | written
        for expr in function.expressions
        if expr.kind in {"name", "call"} and expr.text.split(".", 1)[0] == name
    )
