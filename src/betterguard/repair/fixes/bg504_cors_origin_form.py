"""An origin ends at its host; one text becomes a list of one."""

from __future__ import annotations

import re

from betterguard.audit.rules import _cors as cors
from betterguard.repair.fix import ByHand, Fix, Site
from betterguard.repair.fixes._cors import split
from betterguard.repair.syntax import replaced, source

_ORIGIN = re.compile(r"(https?://[^/\"']+)/[^\"']*")


def fix(site: Site) -> Fix | ByHand:
    """Cut a path off, wrap a text into a list; who is meant by a pattern only people know."""
    node = site.node("string", "call", "list")
    if node is None:
        return ByHand("the origin is not where it was found")
    whole = any(
        given.pos == site.hit.pos
        for added in cors.middleware(site.code)
        if (given := cors.option(added, "allow_origins")) is not None
    )
    if whole and node.type == "call":
        return site.fix("give a list of origins", replaced(node, split(source(node))))
    if whole and node.type == "string":
        return site.fix("give a list of origins", replaced(node, f"[{source(node)}]"))
    cut = _ORIGIN.sub(r"\1", source(node))
    if node.type != "string" or cut == source(node):
        return ByHand("name the origins of the front end: only you know them")
    return site.fix("cut the origin at its host", replaced(node, cut))
