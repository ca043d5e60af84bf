"""A number of seconds for a date column becomes the moment itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.repair.fix import ByHand, Fix, Site
from betterguard.repair.fixes import _time as moments
from betterguard.repair.syntax import replaced, source, walk

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.repair.imports import Imports

_SECONDS = frozenset({"time.time", "time"})


def fix(site: Site) -> Fix | ByHand:
    """Write the moment in place of ``int(time.time())``, with what is added as a timedelta."""
    node = site.node("binary_operator", "call", "lambda", "attribute", "identifier")
    if node is None:
        return ByHand("the value is not where it was found")
    if "time_ns" in source(node):
        return ByHand("nanoseconds are counted: say what the column should hold")
    columns = moments.columns_at(site, node.start_byte)
    aware = all(moments.keeps_zone(site.code, model, column) for model, column in columns)
    imports = site.imports()
    text = _moment(site, node, moments.now(imports, aware=aware), imports)
    if text is None:
        return ByHand("the number is worked out elsewhere: give the moment there")
    return site.fix("store the moment instead of a number", replaced(node, text), imports=imports)


def _moment(site: Site, node: Node, now: str, imports: Imports) -> str | None:
    if node.type == "lambda":
        body = node.child_by_field_name("body")
        inner = _moment(site, body, now, imports) if body is not None else None
        return f"lambda: {inner}" if inner is not None else None
    if node.type == "binary_operator":
        return _shifted(site, node, now, imports)
    if node.type == "call":
        return now if any(_is_epoch(site, call) for call in walk(node, "call")) else None
    return f"lambda: {now}" if _qualified(site, node) in _SECONDS else None


def _shifted(site: Site, node: Node, now: str, imports: Imports) -> str | None:
    """``int(time.time()) + 3600``: the number of seconds becomes a timedelta."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    operator = source(node.child_by_field_name("operator"))
    if left is None or right is None or operator not in {"+", "-"}:
        return None
    if _moment(site, left, now, imports) is None:
        return None
    return f"{now} {operator} {imports.use('datetime', 'timedelta')}(seconds={source(right)})"


def _is_epoch(site: Site, call: Node) -> bool:
    function = call.child_by_field_name("function")
    if function is None:
        return False
    name = source(function).rsplit(".", 1)[-1]
    return name == "timestamp" or _qualified(site, function) in _SECONDS


def _qualified(site: Site, node: Node) -> str:
    return site.code.project.qualify(site.file, source(node))
