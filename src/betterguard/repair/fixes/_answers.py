"""Answers of handlers and middleware: what they handle, what they tell, how they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.repair.lines import indent_of, start_of
from betterguard.repair.syntax import WIDTH, source, walk

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.repair.fix import Site
    from betterguard.repair.imports import Imports

INTERNAL = "Internal server error"
"""What a client may know of an error that nobody expected."""
CHALLENGE = 'headers={"WWW-Authenticate": "Bearer"}'
_RESPONSES = ("fastapi.responses", "starlette.responses")


def handled(site: Site) -> str:
    """Give the name of the exception where the place is in an exception handler."""
    function = site.function
    handlers = {id(handler.function.function) for handler in site.code.app.handlers}
    if function is None or id(function.function) not in handlers:
        return ""
    return function.params[1].name if function.params[1:] else ""


def told(content: Node) -> list[Node]:
    """Give the values of a dictionary, those of inner ones too; else the whole."""
    if content.type != "dictionary":
        return [content]
    pairs = [child for child in content.named_children if child.type == "pair"]
    values = [value for pair in pairs if (value := pair.child_by_field_name("value"))]
    return [text for value in values for text in told(value)]


def mentions(node: Node, name: str) -> bool:
    """Whether a name is read in a node."""
    return any(source(found) == name for found in walk(node, "identifier"))


def json_response(imports: Imports) -> str:
    """Give the expression for JSONResponse, from where the file has it already if it does."""
    known = (imports.bound(module, "JSONResponse") for module in _RESPONSES)
    return next(filter(None, known), None) or imports.use(_RESPONSES[0], "JSONResponse")


def answer(site: Site, statement: Node, called: str, arguments: list[str]) -> str:
    """Write ``return called(…)`` in a statement's place, on several lines where one is too long."""
    line = f"return {called}({', '.join(arguments)})"
    begin = statement.start_byte - start_of(site.text, statement.start_byte)
    if begin + len(line) <= WIDTH or any("\n" in text for text in arguments):
        return line
    indent = indent_of(site.text, statement.start_byte)
    inner = "".join(f"{indent}    {text},\n" for text in arguments)
    return f"return {called}(\n{inner}{indent})"
