"""Take away a branch that lets people in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix
from betterguard.repair.lines import indent_of, start_of
from betterguard.repair.syntax import removed

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.repair.fix import Site


def without_branch(site: Site) -> Fix | ByHand:
    """Remove the ``if``, its comment above with it; what follows it then refuses or verifies."""
    node = site.node("if_statement", "elif_clause")
    if node is None or node.type == "elif_clause":
        return ByHand("the branch is one of several: take it out")
    if node.child_by_field_name("alternative") is not None:
        return ByHand("the branch has an else: keep that and take the rest out")
    edit = removed(site.text, node)
    start = edit.start if edit.text else _above_comments(site.text, edit.start, node)
    return site.fix("take the branch out", Edit(start, edit.end, edit.text))


def _above_comments(text: bytes, start: int, node: Node) -> int:
    """Give the start of the comment right above the branch, which is about it."""
    indent = indent_of(text, node.start_byte).encode()
    while start:
        above = start_of(text, start - 1)
        line = text[above:start]
        if not line.startswith(indent + b"#"):
            break
        start = above
    return start
