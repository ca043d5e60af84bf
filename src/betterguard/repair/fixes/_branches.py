"""Take away a branch that lets people in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix
from betterguard.repair.lines import start_of
from betterguard.repair.syntax import removed

if TYPE_CHECKING:
    from betterguard.repair.fix import Site


def without_branch(site: Site) -> Fix | ByHand:
    """Remove the ``if``, its comment above with it; what follows it then refuses or verifies."""
    node = site.node("if_statement", "elif_clause")
    if node is None or node.type == "elif_clause":
        return ByHand("the branch is one of several: take it out")
    if node.child_by_field_name("alternative") is not None:
        return ByHand("the branch has an else: keep that and take the rest out")
    edit = removed(site.text, node)
    start = edit.start
    before = node.prev_sibling
    if edit.text == "" and before is not None and before.type == "comment":
        alone = start_of(site.text, before.start_byte)
        adjacent = before.end_point[0] + 1 == node.start_point[0]
        if adjacent and not site.text[alone : before.start_byte].strip():
            start = alone
    return site.fix("take the branch out", Edit(start, edit.end, edit.text))
