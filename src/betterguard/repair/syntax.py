"""Finding one's way in a file's syntax tree, and small edits that its shape asks for."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tree_sitter import Parser

from betterguard.audit.grammar import PYTHON
from betterguard.repair.edits import Edit
from betterguard.repair.lines import end_of, indent_of, next_after, start_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

WIDTH = 100
"""Characters of a line that fixes write, where it is simple to keep to them."""


def parse(text: bytes) -> Node:
    """Give the root of a text's syntax tree."""
    return Parser(PYTHON).parse(text).root_node


def at(root: Node, pos: int, *types: str) -> Node | None:
    """Give the outermost node of one of the types that begins at a position."""
    found: Node | None = None
    node = root.named_descendant_for_byte_range(pos, pos + 1)
    while node is not None and node.start_byte == pos:
        if node.type in types:
            found = node
        node = node.parent
    return found


def around(node: Node | None, *types: str) -> Node | None:
    """Give the node or the nearest one around it that is of one of the types."""
    while node is not None and node.type not in types:
        node = node.parent
    return node


def walk(node: Node, *types: str) -> Iterator[Node]:
    """Give every node of the types below a node, itself included, in order."""
    if node.type in types:
        yield node
    for child in node.named_children:
        yield from walk(child, *types)


def source(node: Node | None) -> str:
    """Give what a node is written as."""
    return (node.text or b"").decode(errors="replace") if node is not None else ""


def replaced(node: Node, text: str) -> Edit:
    """Put a text in place of a node."""
    return Edit(node.start_byte, node.end_byte, text)


def arguments(call: Node) -> list[Node]:
    """Give the arguments of a call, without comments."""
    listed = call.child_by_field_name("arguments")
    return (
        [child for child in listed.named_children if child.type != "comment"]
        if listed is not None
        else []
    )


def argument(call: Node, index: int, name: str) -> Node | None:
    """Give the value of an argument by position or name."""
    for node in arguments(call):
        if node.type == "keyword_argument" and source(node.child_by_field_name("name")) == name:
            return node.child_by_field_name("value")
    plain = [node for node in arguments(call) if node.type != "keyword_argument"]
    return plain[index] if 0 <= index < len(plain) else None


def appended(text: bytes, holder: Node, item: str) -> list[Edit]:
    """Add an item behind the last one of an argument list, a parameter list or a literal.

    It gets a line of its own where the last one has one, or where the line would be too long.
    """
    items = [child for child in holder.named_children if child.type != "comment"]
    close = holder.children[-1]
    if not items:
        return [Edit(close.start_byte, close.start_byte, item)]
    last = items[-1]
    comma = next(
        (c for c in holder.children if c.type == "," and c.start_byte >= last.end_byte), None
    )
    own_line = (
        close.start_point[0] > last.end_point[0]
        and not text[start_of(text, last.start_byte) : last.start_byte].strip()
    )
    if not own_line and comma is None and _is_too_long(text, holder, item):
        return _broken(text, holder, items, item)
    if not own_line:
        glue = " " if comma is not None else ", "
        end = comma.end_byte if comma is not None else last.end_byte
        return [Edit(end, end, glue + item)]
    indent = indent_of(text, last.start_byte)
    end = next_after(text, comma.start_byte if comma is not None else last.end_byte)
    line = f"{indent}{item}{',' if comma is not None else ''}\n"
    first = [] if comma is not None else [Edit(last.end_byte, last.end_byte, ",")]
    return [*first, Edit(end, end, line)]


def inserted(text: bytes, holder: Node, before: Node, item: str) -> list[Edit]:
    """Add an item in front of another one of a list, in the manner of `appended`."""
    items = [child for child in holder.named_children if child.type != "comment"]
    at = before.start_byte
    if not text[start_of(text, at) : at].strip():
        return [Edit(at, at, f"{item},\n{indent_of(text, at)}")]
    if not _is_too_long(text, holder, item):
        return [Edit(at, at, f"{item}, ")]
    indent = indent_of(text, holder.start_byte)
    inner = f"\n{indent}    "
    close = holder.children[-1].start_byte
    held = text[items[0].start_byte : items[-1].end_byte].decode(errors="replace")
    fits = len(inner) - 1 + len(f"{held}, {item}") <= WIDTH
    glue = ", " if fits else f",{inner}"
    ends = [holder.children[0].end_byte, *(one.end_byte for one in items)]
    edits = [
        Edit(
            end,
            one.start_byte,
            (glue if index else inner) + (f"{item}{glue}" if one == before else ""),
        )
        for index, (end, one) in enumerate(zip(ends, items, strict=False))
    ]
    return [*edits, Edit(ends[-1], close, f"\n{indent}" if fits else f",\n{indent}")]


def _is_too_long(text: bytes, holder: Node, item: str) -> bool:
    """Whether a line that is none yet would be too long, and may be broken there."""
    if holder.start_point[0] != holder.end_point[0] or around(holder, "string", "comment"):
        return False
    start = start_of(text, holder.start_byte)
    end = min(end_of(text, holder.end_byte), max(statement_of(holder).end_byte, holder.end_byte))
    length = len(text[start:end].decode(errors="replace"))
    return length <= WIDTH < length + len(item) + len(", ")


def _broken(text: bytes, holder: Node, items: list[Node], item: str) -> list[Edit]:
    """Write the items between the brackets on a line of their own; on one each if that is long."""
    indent = indent_of(text, holder.start_byte)
    inner = f"\n{indent}    "
    held = text[items[0].start_byte : items[-1].end_byte].decode(errors="replace")
    opened = Edit(holder.children[0].end_byte, items[0].start_byte, inner)
    end, close = items[-1].end_byte, holder.children[-1].start_byte
    if len(inner) - 1 + len(f"{held}, {item}") <= WIDTH:
        return [opened, Edit(end, close, f", {item}\n{indent}")]
    gaps = [Edit(first.end_byte, then.start_byte, f",{inner}") for first, then in pairwise(items)]
    return [opened, *gaps, Edit(end, close, f",{inner}{item},\n{indent}")]


def statement_of(node: Node) -> Node:
    """Give the statement that a node belongs to."""
    while node.parent is not None and node.parent.type not in {"block", "module"}:
        node = node.parent
    return node


def removed(text: bytes, statement: Node) -> Edit:
    """Take a statement away with its lines; ``pass`` stays where a block would be empty."""
    block = statement.parent
    siblings = [c for c in block.named_children if c.type != "comment"] if block is not None else []
    start, end = start_of(text, statement.start_byte), next_after(text, statement.end_byte)
    shares = text[start : statement.start_byte].strip() or text[
        statement.end_byte : end
    ].strip().startswith(b";")
    if shares or (len(siblings) == 1 and block is not None and block.type == "block"):
        return replaced(statement, "pass")
    return Edit(start, end, "")
