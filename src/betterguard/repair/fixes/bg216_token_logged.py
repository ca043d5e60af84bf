"""What must not be in a log is taken out of its line; the rest of the line stays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.repair.fix import ByHand, Fix, Site
from betterguard.repair.syntax import arguments, replaced, source, walk

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.repair.edits import Edit

_HIDDEN = "***"
_TELLING = re.compile(
    r"token|jwt|payload|claims|decoded|encode|secret|key|passw|header|credential|cookie|auth",
    re.IGNORECASE,
)


def fix(site: Site) -> Fix | ByHand:
    """Put stars in place of the values that tell, as far as their names say; else of all."""
    call = site.node("call")
    if call is None:
        return ByHand("the line is not where it was found")
    values = [value for node in arguments(call) for value in _values(node)]
    telling = [value for value in values if _TELLING.search(source(value))] or values
    if not telling:
        return ByHand("the value is in a text made elsewhere")
    edits = [edit for value in telling for edit in _hidden(value, telling)]
    return site.fix("take the values out of the log line", *edits)


def _values(node: Node) -> list[Node]:
    """Give what is not literal text: interpolations, and arguments of other kinds."""
    if node.type == "keyword_argument":
        return []
    if node.type in {"string", "concatenated_string"}:
        return list(walk(node, "interpolation"))
    if node.type in {"binary_operator", "parenthesized_expression"}:
        return [value for child in node.named_children for value in _values(child)]
    return [node]


def _hidden(value: Node, hidden: list[Node]) -> list[Edit]:
    if value.type != "interpolation":
        return [replaced(value, f'"{_HIDDEN}"')]
    return [replaced(value, _HIDDEN), *_plain(value.parent, hidden)]


def _plain(string: Node | None, hidden: list[Node]) -> list[Edit]:
    """Take the ``f`` away from a text that interpolates nothing any more."""
    if string is None or "{{" in source(string) or "}}" in source(string):
        return []
    start = string.children[0]
    bare = source(start).replace("f", "").replace("F", "")
    left = [node for node in walk(string, "interpolation") if node not in hidden]
    return [] if left or start.type != "string_start" else [replaced(start, bare)]
