"""What must not be in a log is taken out of its line; the rest of the line stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.repair.fix import ByHand, Fix, Site
from betterguard.repair.syntax import arguments, replaced, walk

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.repair.edits import Edit

_HIDDEN = "***"


def fix(site: Site) -> Fix | ByHand:
    """Put stars in place of each value that the line interpolates."""
    call = site.node("call")
    if call is None:
        return ByHand("the line is not where it was found")
    edits = [edit for node in arguments(call) for edit in _hidden(node)]
    if not edits:
        return ByHand("the value is in a text made elsewhere")
    return site.fix("take the values out of the log line", *edits)


def _hidden(node: Node) -> list[Edit]:
    if node.type == "keyword_argument":
        return []
    if node.type in {"string", "concatenated_string"}:
        return [replaced(found, _HIDDEN) for found in walk(node, "interpolation")]
    if node.type in {"binary_operator", "parenthesized_expression"}:
        return [edit for child in node.named_children for edit in _hidden(child)]
    return [replaced(node, f'"{_HIDDEN}"')]
