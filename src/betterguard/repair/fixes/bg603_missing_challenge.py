"""A 401 gets its ``WWW-Authenticate`` header; a handler passes the exception's headers on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.repair.fix import ByHand, Fix, Site
from betterguard.repair.fixes._answers import CHALLENGE, handled
from betterguard.repair.syntax import appended, argument

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.repair.edits import Edit


def fix(site: Site) -> Fix | ByHand:
    """Add the header; in a handler pass on those that the exception has, in every answer."""
    call = site.node("call")
    if call is None or argument(call, -1, "headers") is not None:
        return ByHand("the answer is made elsewhere, or has headers of its own: add it to them")
    caught = handled(site)
    if not caught:
        return site.fix("tell the client how to authenticate", *_added(site, call, CHALLENGE))
    text = f'headers=getattr({caught}, "headers", None)'
    edits = [edit for answer in _answers(site) for edit in _added(site, answer, text)]
    return site.fix("pass the exception's headers on", *edits)


def _added(site: Site, call: Node, text: str) -> list[Edit]:
    listed = call.child_by_field_name("arguments")
    return appended(site.text, listed, text) if listed is not None else []


def _answers(site: Site) -> list[Node]:
    """Give the calls of the handler that make an answer without headers."""
    calls = site.function.calls if site.function is not None else ()
    found = [site.node_of(call) for call in calls if call.text.endswith("Response")]
    return [call for call in found if argument(call, -1, "headers") is None]
