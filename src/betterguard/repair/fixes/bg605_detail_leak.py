"""The text of an internal error in an answer becomes a fixed sentence; debug is off by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.repair.fix import ByHand, Fix, Site
from betterguard.repair.fixes._answers import INTERNAL, told
from betterguard.repair.syntax import argument, around, replaced, source, walk

if TYPE_CHECKING:
    from tree_sitter import Node

_SENTENCES = {
    "400": "The request could not be processed",
    "401": "Invalid authentication token",
    "403": "Forbidden",
    "404": "Not found",
    "429": "Too many requests",
    "502": "An upstream service failed",
    "503": "The service is not available",
}


def fix(site: Site) -> Fix | ByHand:
    """Answer with a sentence that tells nothing; what logs say is left alone."""
    setting = site.node("expression_statement", "true")
    if setting is not None:
        return _off(site, setting)
    call = site.node("call")
    detail = _detail(call) if call is not None else None
    if call is None or detail is None:
        return ByHand("the text is put together elsewhere")
    caught = _caught(call)
    leaks = [node for node in told(detail) if _tells(node, caught)]
    if not leaks:
        return ByHand("the text is put together elsewhere")
    sentence = f'"{_sentence(call)}"'
    edits = [replaced(node, sentence) for node in leaks]
    return site.fix("tell the client nothing of the error's text", *edits)


def _off(site: Site, node: Node) -> Fix | ByHand:
    flags = list(walk(node, "true"))
    if len(flags) != 1:
        return ByHand("the setting has no plain default")
    return site.fix("switch debug on only where a setting says so", replaced(flags[0], "False"))


def _detail(call: Node) -> Node | None:
    name = source(call.child_by_field_name("function")).rsplit(".", 1)[-1]
    if name.endswith("HTTPException"):
        return argument(call, 1, "detail")
    return argument(call, 0, "content")


def _tells(node: Node, caught: str) -> bool:
    """Whether the error itself is written out, more than one field of it."""
    return any(
        source(found) == caught and (found.parent is None or found.parent.type != "attribute")
        for found in walk(node, "identifier")
    )


def _caught(node: Node) -> str:
    clause = around(node, "except_clause")
    pattern = next(walk(clause, "as_pattern_target"), None) if clause is not None else None
    return source(pattern)


def _sentence(call: Node) -> str:
    status = argument(call, 0, "status_code")
    name = source(call.child_by_field_name("function")).rsplit(".", 1)[-1]
    if not name.endswith("HTTPException"):
        status = next((n for n in (argument(call, 1, "status_code"),) if n), None)
    shown = source(status)
    return next((text for code, text in _SENTENCES.items() if code in shown), INTERNAL)
