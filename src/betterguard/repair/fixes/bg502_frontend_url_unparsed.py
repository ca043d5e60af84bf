"""FRONTEND_URL is split at its commas, and every address loses its last slash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.rules import _cors as cors
from betterguard.repair.fix import ByHand, Fix, Site
from betterguard.repair.fixes._cors import split
from betterguard.repair.syntax import at, replaced, source

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.audit.application import Middleware
    from betterguard.repair.edits import Edit


def fix(site: Site) -> Fix | ByHand:
    """Split the address where the middleware, or the list given to it, reads it."""
    node = site.node("call", "attribute")
    if node is None:
        return ByHand("the address is not where it was found")
    holder = node.parent
    text = split(source(node))
    if holder is not None and holder.type == "list":
        whole = len(holder.named_children) == 1
        edit = replaced(holder, text) if whole else replaced(node, f"*{text}")
        return site.fix("take FRONTEND_URL as a list of origins", edit)
    return _through_a_name(site, node)


def _through_a_name(site: Site, node: Node) -> Fix | ByHand:
    """``url = getenv(…)`` and ``allow_origins=[url]``: split where the list is made."""
    holder = node.parent
    if holder is None or holder.type != "assignment":
        return ByHand("the address reaches the middleware on a way of its own: split it there")
    name = source(holder.child_by_field_name("left"))
    for added in cors.middleware(site.code):
        found = _element(site, added, name)
        if found is not None and added.file.path == site.path:
            return site.fix("take FRONTEND_URL as a list of origins", _put(found, name))
    return ByHand("the address reaches the middleware on a way of its own: split it there")


def _element(site: Site, added: Middleware, name: str) -> Node | None:
    given = cors.option(added, "allow_origins")
    if given is None or given.kind != "list" or added.file.path != site.path:
        return None
    listed = at(site.root(), given.pos, "list")
    return next(
        (child for child in (listed.named_children if listed else ()) if source(child) == name),
        None,
    )


def _put(node: Node, name: str) -> Edit:
    """Put the split list in place of the element, or of the list that holds it alone."""
    holder = node.parent
    if holder is not None and len(holder.named_children) == 1:
        return replaced(holder, split(name))
    return replaced(node, f"*{split(name)}")
