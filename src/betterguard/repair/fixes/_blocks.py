"""Writing statements into a function: at its start, behind a statement, at a block's end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.repair.edits import Edit
from betterguard.repair.lines import end_of, indent_of
from betterguard.repair.syntax import around

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.audit.symbols import FunctionRef
    from betterguard.repair.fix import Site
    from betterguard.repair.imports import Imports


def definition(site: Site, function: FunctionRef) -> Node | None:
    """Give the node of a function of the site's file."""
    name = site.root(function.file.path).named_descendant_for_byte_range(
        function.function.pos, function.function.pos
    )
    return around(name, "function_definition")


def at_start(text: bytes, node: Node, lines: list[str]) -> Edit | None:
    """Write lines behind a function's docstring, before its first statement."""
    body = node.child_by_field_name("body")
    statements = [c for c in body.named_children if c.type != "comment"] if body is not None else []
    if not statements or statements[0].start_point[0] == node.start_point[0]:
        return None
    first = statements[0]
    is_text = first.type == "expression_statement" and first.named_children[0].type == "string"
    if is_text:
        return behind(text, first, lines)
    indent = indent_of(text, first.start_byte)
    body_text = "".join(f"{line}\n{indent}" for line in lines)
    return Edit(first.start_byte, first.start_byte, body_text)


def behind(text: bytes, statement: Node, lines: list[str]) -> Edit:
    """Write lines behind a statement, as deep as it stands."""
    indent = indent_of(text, statement.start_byte)
    end = end_of(text, statement.end_byte)
    return Edit(end, end, "".join(f"\n{indent}{line}" for line in lines))


def refusal(imports: Imports, status: int, detail: str) -> str:
    """Give the statement that refuses a request."""
    error = imports.use("fastapi", "HTTPException")
    return f'raise {error}(status_code={status}, detail="{detail}")'
