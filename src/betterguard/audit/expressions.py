"""Expressions of a syntax tree as fact records.

Every expression of a project goes through here, so a node is asked for as little as possible:
each question to tree-sitter makes a Python object.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from betterguard.audit.facts import Expr
from betterguard.audit.grammar import MEANT, SIGNS, by_number, kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Node

COMMENT = kinds("comment")
_DOTTED = kinds("identifier", "attribute")
_ARGUMENT_LIST = kinds("argument_list")
_KEYWORD_ARGUMENT = kinds("keyword_argument")
_DICTIONARY_SPLAT = kinds("dictionary_splat")
_PAIR = kinds("pair")
_CONTENT = kinds("string_content")
_INTERPOLATION = kinds("interpolation")
_CLAUSES = kinds("for_in_clause", "if_clause", "pair")
_SEQUENCES = by_number({"list": "list", "list_pattern": "list", "set": "set"})

MAX_DEPTH = 60
"""Expressions nested deeper say nothing that a rule needs; the bound keeps recursion safe."""
MAX_ELEMENTS = 400
"""Of longer literals and bodies of generated code only the first elements are kept."""

_NO_ARGUMENTS = len("()")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "\n": ""}
_OPENING = re.compile(r"""(\w*)(\'{3}|"{3}|'|")""")
_MAX_CODE_POINT = 0x10FFFF


def unescape(text: str) -> str:
    """Turn the escapes of a string literal into the characters that they stand for."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    digits = found[1] or found[2] or found[3]
    if digits is None:
        return _PLAIN_ESCAPES.get(found[4], "")
    code = int(digits, 16)
    return chr(code) if code <= _MAX_CODE_POINT else "\ufffd"


class Expressions:
    """Holds a file's text; every method turns a node into a record."""

    def __init__(self, source: bytes) -> None:
        self._plain = source.decode("latin-1")
        """One character a byte, so that a node's offsets hold."""

    def text(self, node: Node) -> str:
        """Give a node's text."""
        text = self._plain[node.start_byte : node.end_byte]
        return text if text.isascii() else _utf8(text)

    def expr(self, node: Node, depth: int) -> Expr:
        """Give the record of an expression."""
        if depth > MAX_DEPTH:
            return Expr("other", "deep", node.start_byte, node.end_byte)
        make = self._exprs.get(node.kind_id)
        if make is not None:
            return make(self, node, depth + 1)
        parts = self.children(node, depth + 1)
        return Expr("other", node.type, node.start_byte, node.end_byte, None, parts)

    def children(self, node: Node, depth: int) -> tuple[Expr, ...]:
        """Give all that a node is made of."""
        if depth > MAX_DEPTH or node.child_count > MAX_ELEMENTS:
            return tuple([self.expr(child, depth) for child in named(node)])
        found: list[Expr] = []
        exprs, below = self._exprs, depth + 1
        for child in node.named_children:
            kind = child.kind_id
            make = exprs.get(kind)
            if make is not None:
                found.append(make(self, child, below))
            elif kind not in COMMENT:
                found.append(self.expr(child, depth))
        return tuple(found)

    def _operands(self, node: Node, depth: int) -> tuple[list[str], tuple[Expr, ...]]:
        """Give the signs between the parts of a node, and the parts."""
        signs: list[str] = []
        parts: list[Expr] = []
        exprs, below = self._made_at(depth), depth + 1
        for child in node.children:
            kind = child.kind_id
            make = exprs.get(kind)
            if make is not None:
                parts.append(make(self, child, below))
            elif kind in SIGNS:
                signs.append(SIGNS[kind])
            elif kind not in COMMENT:
                parts.append(self.expr(child, depth))
        return signs, tuple(parts)

    def _made_at(self, depth: int) -> dict[int, Callable[[Expressions, Node, int], Expr]]:
        """Give what makes expressions of nodes; nothing does where they are too deep."""
        return self._exprs if depth <= MAX_DEPTH else {}

    def _name(self, node: Node, _depth: int) -> Expr:
        start, end = node.start_byte, node.end_byte
        text = self._plain[start:end]
        if not text.isascii():
            text = _utf8(text)
        return Expr("name", text, start, end)

    def _attribute(self, node: Node, depth: int) -> Expr:
        start, end = node.start_byte, node.end_byte
        text = self._plain[start:end]
        if not text.isascii():
            text = _utf8(text)
        if text.replace(".", "_").isidentifier():
            return Expr("name", text, start, end)
        children = node.children
        base = self.expr(children[0], depth)
        name = self.text(children[-1])
        if base.kind == "name":
            return Expr("name", f"{base.text}.{name}", start, end)
        return Expr("attr", name, start, end, base)

    def _call(self, node: Node, depth: int) -> Expr:
        children = node.children
        callee = children[0]
        start = node.start_byte
        text = self._plain[start : callee.end_byte]
        base = None
        if not (
            text.isascii() and text.replace(".", "_").isidentifier() and callee.kind_id in _DOTTED
        ):
            text, base = self._callee(callee, depth)
        parts, names = self.arguments(children[-1], depth)
        return Expr("call", text, start, node.end_byte, base, parts, names)

    def _callee(self, node: Node, depth: int) -> tuple[str, Expr | None]:
        callee = self.expr(node, depth)
        if callee.kind == "name":
            return callee.text, callee.base
        return (f".{callee.text}", callee.base) if callee.kind == "attr" else ("()", callee)

    def arguments(self, node: Node, depth: int) -> tuple[tuple[Expr, ...], tuple[str, ...]]:
        """Give positional arguments and behind them those by keyword, and the names of these."""
        if node.kind_id not in _ARGUMENT_LIST:
            return (self.expr(node, depth),), ()
        if node.end_byte - node.start_byte == _NO_ARGUMENTS:
            return (), ()
        parts: list[Expr] = []
        names: list[str] = []
        values: list[Expr] = []
        exprs, below = self._made_at(depth), depth + 1
        for child in listed(node):
            kind = child.kind_id
            if kind in _KEYWORD_ARGUMENT:
                sides = child.children
                names.append(self.text(sides[0]))
                values.append(self.expr(sides[-1], depth))
            elif kind in _DICTIONARY_SPLAT:
                names.append("**")
                values.append(self.expr(child.children[-1], depth))
            elif (make := exprs.get(kind)) is not None:
                parts.append(make(self, child, below))
            elif kind not in COMMENT:
                parts.append(self.expr(child, depth))
        if not names:
            return tuple(parts), ()
        return (*parts, *values), tuple(names)

    def _subscript(self, node: Node, depth: int) -> Expr:
        value, *index = named(node)
        parts = tuple([self.expr(child, depth) for child in index])
        base = self.expr(value, depth)
        return Expr("sub", "", node.start_byte, node.end_byte, base, parts)

    def _generic(self, node: Node, depth: int) -> Expr:
        value, *index = named(node)
        inner = [child for part in index for child in named(part)]
        parts = tuple([self.expr(child, depth) for child in inner])
        base = self.expr(value, depth)
        return Expr("sub", "", node.start_byte, node.end_byte, base, parts)

    def _string(self, node: Node, depth: int) -> Expr:
        start, end = node.start_byte, node.end_byte
        whole = self._plain[start:end]
        if not whole.isascii():
            whole = _utf8(whole)
        kind, quote = "str", whole[:1]
        if quote in {'"', "'"} and whole[1:2] != quote:
            text = unescape(whole[1:].removesuffix(quote))
            return Expr(kind, text, start, end)
        opening = _OPENING.match(whole)
        prefix, quote = opening.groups() if opening is not None else ("", "")
        prefix = prefix.lower()
        if "f" in prefix or "t" in prefix:
            return self._formatted(node, depth)
        text = whole[len(prefix) + len(quote) :].removesuffix(quote)
        if "r" not in prefix:
            text = unescape(text)
        if "b" in prefix:
            kind = "bytes"
        return Expr(kind, text, start, end)

    def _formatted(self, node: Node, depth: int) -> Expr:
        literal: list[str] = []
        parts: list[Expr] = []
        for child in listed(node):
            kind = child.kind_id
            if kind in _CONTENT:
                literal.append(unescape(self.text(child)))
            elif kind in _INTERPOLATION and (inner := child.named_children):
                literal.append("{}")
                parts.append(self.expr(inner[0], depth))
        text = "".join(literal)
        return Expr("fstr", text, node.start_byte, node.end_byte, None, tuple(parts))

    def _concatenated(self, node: Node, depth: int) -> Expr:
        pieces = [self.expr(child, depth) for child in named(node)]
        text = "".join([piece.text for piece in pieces])
        parts = tuple([part for piece in pieces for part in piece.parts])
        kind = "fstr" if any(piece.kind == "fstr" for piece in pieces) else "str"
        return Expr(kind, text, node.start_byte, node.end_byte, None, parts)

    def _number(self, node: Node, _depth: int) -> Expr:
        start, end = node.start_byte, node.end_byte
        return Expr("num", self._plain[start:end], start, end)

    def _constant(self, node: Node, _depth: int) -> Expr:
        start, end = node.start_byte, node.end_byte
        return Expr("const", self._plain[start:end], start, end)

    def _sequence(self, node: Node, depth: int) -> Expr:
        kind = _SEQUENCES.get(node.kind_id, "tuple")
        parts = self.children(node, depth)
        return Expr(kind, "", node.start_byte, node.end_byte, None, parts)

    def _dictionary(self, node: Node, depth: int) -> Expr:
        names: list[str] = []
        values: list[Expr] = []
        for child in listed(node):
            kind = child.kind_id
            if kind in _PAIR:
                sides = child.children
                key = self.expr(sides[0], depth)
                names.append(key.text if key.kind == "str" else "")
                values.append(self.expr(sides[-1], depth))
            elif kind in _DICTIONARY_SPLAT:
                names.append("**")
                values.append(self.expr(child.children[-1], depth))
        start, end = node.start_byte, node.end_byte
        return Expr("dict", "", start, end, None, tuple(values), tuple(names))

    def _slice(self, node: Node, depth: int) -> Expr:
        parts = self.children(node, depth)
        return Expr("other", "slice", node.start_byte, node.end_byte, None, parts)

    def _comparison(self, node: Node, depth: int) -> Expr:
        signs, parts = self._operands(node, depth)
        return Expr("cmp", " ".join(signs), node.start_byte, node.end_byte, None, parts)

    def _boolean(self, node: Node, depth: int) -> Expr:
        signs, operands = self._operands(node, depth)
        operator = signs[0] if signs else "or"
        parts: list[Expr] = []
        for part in operands:
            same = part.kind == "bool" and part.text == operator
            parts.extend(part.parts if same else (part,))
        start, end = node.start_byte, node.end_byte
        return Expr("bool", operator, start, end, None, tuple(parts))

    def _not(self, node: Node, depth: int) -> Expr:
        parts = self.children(node, depth)
        return Expr("not", "", node.start_byte, node.end_byte, None, parts)

    def _binary(self, node: Node, depth: int) -> Expr:
        signs, parts = self._operands(node, depth)
        operator = signs[0] if signs else ""
        return Expr("bin", operator, node.start_byte, node.end_byte, None, parts)

    def _lambda(self, node: Node, depth: int) -> Expr:
        body = self.expr(node.children[-1], depth)
        return Expr("lambda", "", node.start_byte, node.end_byte, None, (body,))

    def _conditional(self, node: Node, depth: int) -> Expr:
        parts = self.children(node, depth)
        return Expr("if", "", node.start_byte, node.end_byte, None, parts)

    def _walrus(self, node: Node, depth: int) -> Expr:
        name, *rest = named(node)
        parts = tuple([self.expr(child, depth) for child in rest])
        start, end = node.start_byte, node.end_byte
        return Expr("walrus", self.text(name), start, end, None, parts)

    def _inner(self, node: Node, depth: int) -> Expr:
        for child in node.children:
            if child.kind_id in MEANT:
                return self.expr(child, depth)
        return Expr("other", node.type, node.start_byte, node.end_byte)

    def _star(self, node: Node, depth: int) -> Expr:
        parts = self.children(node, depth)
        return Expr("star", "", node.start_byte, node.end_byte, None, parts)

    def _comprehension(self, node: Node, depth: int) -> Expr:
        parts: list[Expr] = []
        for child in named(node):
            if child.kind_id in _CLAUSES:
                parts.extend(self.children(child, depth))
            else:
                parts.append(self.expr(child, depth))
        return Expr("comp", "", node.start_byte, node.end_byte, None, tuple(parts))

    _exprs: ClassVar[dict[int, Callable[[Expressions, Node, int], Expr]]] = by_number(
        {
            "identifier": _name,
            "dotted_name": _name,
            "attribute": _attribute,
            "call": _call,
            "subscript": _subscript,
            "generic_type": _generic,
            "string": _string,
            "concatenated_string": _concatenated,
            "integer": _number,
            "float": _number,
            "true": _constant,
            "false": _constant,
            "none": _constant,
            "ellipsis": _constant,
            "list": _sequence,
            "tuple": _sequence,
            "expression_list": _sequence,
            "pattern_list": _sequence,
            "tuple_pattern": _sequence,
            "list_pattern": _sequence,
            "set": _sequence,
            "dictionary": _dictionary,
            "comparison_operator": _comparison,
            "boolean_operator": _boolean,
            "not_operator": _not,
            "binary_operator": _binary,
            "slice": _slice,
            "lambda": _lambda,
            "conditional_expression": _conditional,
            "named_expression": _walrus,
            "await": _inner,
            "parenthesized_expression": _inner,
            "type": _inner,
            "list_splat": _star,
            "dictionary_splat": _star,
            "list_splat_pattern": _star,
            "list_comprehension": _comprehension,
            "set_comprehension": _comprehension,
            "generator_expression": _comprehension,
            "dictionary_comprehension": _comprehension,
        }
    )


def _utf8(text: str) -> str:
    """Read what was taken for one character a byte."""
    return text.encode("latin-1").decode(errors="replace")


def named(node: Node, limit: int = MAX_ELEMENTS) -> list[Node]:
    """Give the named children, without comments; only the first ones of a huge literal."""
    return [child for child in listed(node, limit) if child.kind_id not in COMMENT]


def listed(node: Node, limit: int = MAX_ELEMENTS) -> list[Node]:
    """Give the named children; only the first ones of a huge literal, and those of comments not."""
    return node.named_children if node.child_count <= limit * 3 else _first_named(node, limit)


def _first_named(node: Node, limit: int) -> list[Node]:
    cursor = node.walk()
    found: list[Node] = []
    more = cursor.goto_first_child()
    while more and len(found) < limit:
        if cursor.node is not None and cursor.node.kind_id in MEANT:
            found.append(cursor.node)
        more = cursor.goto_next_sibling()
    return found
