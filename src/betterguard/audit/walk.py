"""One walk over a file's syntax tree makes its fact records."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from tree_sitter import Parser

from betterguard.audit.facts import (
    Class,
    Expr,
    Function,
    Import,
    Module,
    Param,
    Stmt,
    Suppression,
)
from betterguard.audit.grammar import PYTHON, by_number, field, kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tree_sitter import Node

_expr: Callable[[tuple[object, ...]], Expr] = partial(tuple.__new__, Expr)
"""Makes a record of all its seven values in half the time of its constructor."""

_COMMENT = kinds("comment")
_IDENTIFIER = kinds("identifier")
_ARGUMENT_LIST = kinds("argument_list")
_KEYWORD_ARGUMENT = kinds("keyword_argument")
_DICTIONARY_SPLAT = kinds("dictionary_splat")
_PAIR = kinds("pair")
_ASSIGNMENT = kinds("assignment")
_AUGMENTED = kinds("augmented_assignment")
_STRING = kinds("string")
_CONTENT = kinds("string_content")
_INTERPOLATION = kinds("interpolation")
_BRANCHES = kinds("elif_clause", "else_clause")
_ELSE = kinds("else_clause")
_BLOCK = kinds("block")
_DECORATOR = kinds("decorator")
_CLASS = kinds("class_definition")
_WILDCARD = kinds("wildcard_import")
_IMPORTED = kinds("dotted_name", "aliased_import")
_CLAUSES = kinds("for_in_clause", "if_clause", "pair")

_LEFT, _RIGHT, _TYPE, _NAME, _VALUE, _ALIAS = map(
    field, ("left", "right", "type", "name", "value", "alias")
)
_BODY, _CONDITION, _CONSEQUENCE, _ALTERNATIVE = map(
    field, ("body", "condition", "consequence", "alternative")
)
_PARAMETERS, _RETURN_TYPE, _SUPERCLASSES, _MODULE_NAME = map(
    field, ("parameters", "return_type", "superclasses", "module_name")
)
_DEFINITION, _SUBJECT = map(field, ("definition", "subject"))

MAX_DEPTH = 60
"""Expressions nested deeper say nothing that a rule needs; the bound keeps recursion safe."""
MAX_BLOCKS = 100
"""Python itself refuses more nested blocks."""
MAX_ELEMENTS = 400
"""Of longer literals and bodies of generated code only the first elements are kept."""
MAX_STATEMENTS = 20_000

_NOQA = re.compile(r"#\s*noqa:\s*(BG\d+(?:[\s,]+BG\d+)*)\s*(?:[-–—:(#]*\s*)(.*)", re.IGNORECASE)  # noqa: RUF001  people type dashes
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "\n": ""}
_OPENING = re.compile(r"""(\w*)(\'{3}|"{3}|'|")""")
_ESCAPED = re.compile(rb"\\[uUN]")
TRIGGERS = tuple(
    (word, word.encode())
    for word in (
        "utcnow",
        "datetime",
        "jwt",
        "jose",
        "fastapi",
        "starlette",
        "sqlmodel",
        "sqlalchemy",
        "print",
        "log",
        "stdout",
        "password",
        "middleware",
        "Middleware",
        "secret",
        "SECRET",
        "BETTER_AUTH",
        "better_auth",
        "betterguard",
        "401",
        "403",
        "status",
        "headers",
        "APIRouter",
        "include_router",
        "email",
        "b64decode",
        "Bearer",
        "text(",
        "INSERT INTO",
        "insert into",
        "CREATE TABLE",
        "create table",
    )
)
"""Words whose absence tells a rule that a file cannot concern it."""
_MAX_CODE_POINT = 0x10FFFF


def read_module(path: str, source: bytes) -> Module:
    """Parse one file's text (UTF-8, no byte order mark) and walk it once."""
    tree = Parser(PYTHON).parse(source)
    walker = _Walker(source)
    root = tree.root_node
    body = walker.block(root, 0)
    return Module(
        path,
        body,
        tuple(walker.imports),
        tuple(_suppressions(root, source)) if b"noqa" in source else (),
        _first_error(root) if root.has_error else -1,
        source.count(b"\n") + 1,
        frozenset([word for word, raw in TRIGGERS if raw in source]),
        source.isascii() and not _ESCAPED.search(source),
    )


def _first_error(node: Node) -> int:
    while True:
        for child in node.children:
            if child.is_error or child.is_missing:
                return child.start_byte
            if child.has_error:
                node = child
                break
        else:
            return node.start_byte


def _suppressions(root: Node, source: bytes) -> Iterable[Suppression]:
    stack = [root]
    while stack:
        node = stack.pop()
        if node.type == "comment":
            text = source[node.start_byte : node.end_byte].decode(errors="replace")
            if found := _NOQA.search(text):
                codes = tuple(code.upper() for code in re.split(r"[\s,]+", found[1]))
                yield Suppression(node.start_point[0] + 1, codes, found[2].strip(" )"))
        elif b"noqa" in source[node.start_byte : node.end_byte]:
            stack.extend(node.children)


def unescape(text: str) -> str:
    """Turn the escapes of a string literal into the characters that they stand for."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    digits = found[1] or found[2] or found[3]
    if digits is None:
        return _PLAIN_ESCAPES.get(found[4], "")
    code = int(digits, 16)
    return chr(code) if code <= _MAX_CODE_POINT else "\ufffd"


class _Walker:
    """Holds the text and the imports met; every method turns a node into a record."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.plain = source.decode("ascii") if source.isascii() else None
        self.imports: list[Import] = []

    def text(self, node: Node) -> str:
        if self.plain is not None:
            return self.plain[node.start_byte : node.end_byte]
        return self.source[node.start_byte : node.end_byte].decode(errors="replace")

    def expr(self, node: Node, depth: int) -> Expr:
        make = self._exprs.get(node.kind_id)
        if depth > MAX_DEPTH:
            return Expr("other", "deep", node.start_byte, node.end_byte)
        if make is not None:
            return make(self, node, depth + 1)
        return Expr(
            "other",
            node.type,
            node.start_byte,
            node.end_byte,
            None,
            self._children(node, depth + 1),
        )

    def _children(self, node: Node, depth: int) -> tuple[Expr, ...]:
        if depth > MAX_DEPTH or node.child_count > MAX_ELEMENTS:
            return tuple([self.expr(child, depth) for child in _named(node)])
        found: list[Expr] = []
        for child in node.named_children:
            kind = child.kind_id
            make = self._exprs.get(kind)
            if make is not None:
                found.append(make(self, child, depth + 1))
            elif kind not in _COMMENT:
                found.append(self.expr(child, depth))
        return tuple(found)

    def _name(self, node: Node, _depth: int) -> Expr:
        start, end = node.byte_range
        plain = self.plain
        text = plain[start:end] if plain is not None else self.text(node)
        return _expr(("name", text, start, end, None, (), ()))

    def _attribute(self, node: Node, depth: int) -> Expr:
        text = self.text(node)
        if text.replace(".", "_").isidentifier():
            return _expr(("name", text, node.start_byte, node.end_byte, None, (), ()))
        base = self.expr(node.children[0], depth)
        name = self.text(node.children[-1])
        if base.kind == "name":
            return Expr("name", f"{base.text}.{name}", node.start_byte, node.end_byte)
        return Expr("attr", name, node.start_byte, node.end_byte, base)

    def _call(self, node: Node, depth: int) -> Expr:
        children = node.children
        callee = self.expr(children[0], depth)
        parts, keywords = self._arguments(children[-1], depth)
        text, base = callee.text, callee.base
        if callee.kind == "attr":
            text = "." + text
        elif callee.kind != "name":
            text, base = "()", callee
        names: tuple[str, ...] = ()
        if keywords:
            names = tuple([name for name, _ in keywords])
            parts += [value for _, value in keywords]
        start, end = node.byte_range
        return _expr(("call", text, start, end, base, tuple(parts), names))

    def _arguments(self, node: Node, depth: int) -> tuple[list[Expr], list[tuple[str, Expr]]]:
        if node.kind_id not in _ARGUMENT_LIST:
            return [self.expr(node, depth)], []
        positional: list[Expr] = []
        keywords: list[tuple[str, Expr]] = []
        for child in _named(node):
            kind = child.kind_id
            if kind in _KEYWORD_ARGUMENT:
                sides = child.children
                keywords.append((self.text(sides[0]), self.expr(sides[-1], depth)))
            elif kind in _DICTIONARY_SPLAT:
                keywords.append(("**", self.expr(child.children[-1], depth)))
            else:
                positional.append(self.expr(child, depth))
        return positional, keywords

    def _subscript(self, node: Node, depth: int) -> Expr:
        value, *index = _named(node)
        parts = tuple([self.expr(child, depth) for child in index])
        base = self.expr(value, depth)
        return Expr("sub", "", node.start_byte, node.end_byte, base, parts)

    def _generic(self, node: Node, depth: int) -> Expr:
        value, *index = _named(node)
        inner = [child for part in index for child in _named(part)]
        parts = tuple([self.expr(child, depth) for child in inner])
        base = self.expr(value, depth)
        return Expr("sub", "", node.start_byte, node.end_byte, base, parts)

    def _string(self, node: Node, depth: int) -> Expr:
        whole = self.text(node)
        opening = _OPENING.match(whole)
        prefix, quote = opening.groups() if opening is not None else ("", "")
        prefix = prefix.lower()
        if "f" in prefix or "t" in prefix:
            return self._formatted(node, depth)
        text = whole[len(prefix) + len(quote) :].removesuffix(quote)
        if "r" not in prefix:
            text = unescape(text)
        kind = "bytes" if "b" in prefix else "str"
        return _expr((kind, text, node.start_byte, node.end_byte, None, (), ()))

    def _formatted(self, node: Node, depth: int) -> Expr:
        literal: list[str] = []
        parts: list[Expr] = []
        for child in _named(node):
            kind = child.kind_id
            if kind in _CONTENT:
                literal.append(unescape(self.text(child)))
            elif kind in _INTERPOLATION and child.named_children:
                literal.append("{}")
                parts.append(self.expr(child.named_children[0], depth))
        return Expr("fstr", "".join(literal), node.start_byte, node.end_byte, None, tuple(parts))

    def _concatenated(self, node: Node, depth: int) -> Expr:
        pieces = [self.expr(child, depth) for child in _named(node)]
        text = "".join([piece.text for piece in pieces])
        parts = tuple([part for piece in pieces for part in piece.parts])
        kind = "fstr" if any(piece.kind == "fstr" for piece in pieces) else "str"
        return Expr(kind, text, node.start_byte, node.end_byte, None, parts)

    def _number(self, node: Node, _depth: int) -> Expr:
        return Expr("num", self.text(node), node.start_byte, node.end_byte)

    def _constant(self, node: Node, _depth: int) -> Expr:
        return Expr("const", self.text(node), node.start_byte, node.end_byte)

    def _sequence(self, node: Node, depth: int) -> Expr:
        kind = {"list": "list", "set": "set", "list_pattern": "list"}.get(node.type, "tuple")
        parts = self._children(node, depth)
        return Expr(kind, "", node.start_byte, node.end_byte, None, parts)

    def _dictionary(self, node: Node, depth: int) -> Expr:
        names: list[str] = []
        values: list[Expr] = []
        for child in _named(node):
            kind = child.kind_id
            if kind in _PAIR:
                sides = child.children
                key = self.expr(sides[0], depth)
                names.append(key.text if key.kind == "str" else "")
                values.append(self.expr(sides[-1], depth))
            elif kind in _DICTIONARY_SPLAT:
                names.append("**")
                values.append(self.expr(child.children[-1], depth))
        return Expr("dict", "", node.start_byte, node.end_byte, None, tuple(values), tuple(names))

    def _slice(self, node: Node, depth: int) -> Expr:
        parts = self._children(node, depth)
        return Expr("other", "slice", node.start_byte, node.end_byte, None, parts)

    def _comparison(self, node: Node, depth: int) -> Expr:
        operator = " ".join([child.type for child in node.children if not child.is_named])
        parts = self._children(node, depth)
        return Expr("cmp", operator, node.start_byte, node.end_byte, None, parts)

    def _boolean(self, node: Node, depth: int) -> Expr:
        operator = next((child.type for child in node.children if not child.is_named), "or")
        parts: list[Expr] = []
        for part in self._children(node, depth):
            same = part.kind == "bool" and part.text == operator
            parts.extend(part.parts if same else (part,))
        return Expr("bool", operator, node.start_byte, node.end_byte, None, tuple(parts))

    def _not(self, node: Node, depth: int) -> Expr:
        parts = self._children(node, depth)
        return Expr("not", "", node.start_byte, node.end_byte, None, parts)

    def _binary(self, node: Node, depth: int) -> Expr:
        operator = next((child.type for child in node.children if not child.is_named), "")
        parts = self._children(node, depth)
        return Expr("bin", operator, node.start_byte, node.end_byte, None, parts)

    def _lambda(self, node: Node, depth: int) -> Expr:
        body = self.expr(node.children[-1], depth)
        return Expr("lambda", "", node.start_byte, node.end_byte, None, (body,))

    def _conditional(self, node: Node, depth: int) -> Expr:
        parts = self._children(node, depth)
        return Expr("if", "", node.start_byte, node.end_byte, None, parts)

    def _walrus(self, node: Node, depth: int) -> Expr:
        name, *rest = _named(node)
        parts = tuple([self.expr(child, depth) for child in rest])
        return Expr("walrus", self.text(name), node.start_byte, node.end_byte, None, parts)

    def _inner(self, node: Node, depth: int) -> Expr:
        inner = _named(node)
        if inner:
            return self.expr(inner[0], depth)
        return Expr("other", node.type, node.start_byte, node.end_byte)

    def _star(self, node: Node, depth: int) -> Expr:
        parts = self._children(node, depth)
        return Expr("star", "", node.start_byte, node.end_byte, None, parts)

    def _comprehension(self, node: Node, depth: int) -> Expr:
        parts: list[Expr] = []
        for child in _named(node):
            plain = child.kind_id not in _CLAUSES
            parts.extend([self.expr(child, depth)] if plain else self._children(child, depth))
        return Expr("comp", "", node.start_byte, node.end_byte, None, tuple(parts))

    def block(self, node: Node | None, depth: int) -> tuple[Stmt, ...]:
        if node is None or depth > MAX_BLOCKS:
            return ()
        found: list[Stmt] = []
        for child in _named(node, MAX_STATEMENTS):
            make = self._stmts.get(child.kind_id)
            if make is None:
                continue
            made = make(self, child, depth + 1)
            if made is not None:
                found.append(made)
        return tuple(found)

    def _expression(self, node: Node, _depth: int) -> Stmt | None:
        children = _named(node)
        if not children:
            return None
        first = children[0]
        kind = first.kind_id
        if kind in _ASSIGNMENT:
            return self._assignment(node, first)
        if kind in _AUGMENTED:
            parts = self._children(first, 0)
            return Stmt("aug", node.start_byte, node.end_byte, parts)
        if kind in _STRING:
            return None
        return Stmt("expr", node.start_byte, node.end_byte, self._children(node, 0))

    def _assignment(self, statement: Node, node: Node) -> Stmt:
        targets: list[Expr] = []
        note: Expr | None = None
        while True:
            annotation = node.child_by_field_id(_TYPE)
            if annotation is not None:
                note = self.expr(annotation, 0)
            left = node.child_by_field_id(_LEFT)
            right = node.child_by_field_id(_RIGHT)
            if left is not None:
                targets.append(self.expr(left, 0))
            if right is None or right.kind_id not in _ASSIGNMENT:
                break
            node = right
        if right is not None:
            targets.append(self.expr(right, 0))
        kind = "assign" if right is not None else "declare"
        return Stmt(kind, statement.start_byte, statement.end_byte, tuple(targets), note=note)

    def _simple(self, node: Node, _depth: int) -> Stmt:
        kind = node.type.removesuffix("_statement")
        return Stmt(kind, node.start_byte, node.end_byte, self._children(node, 0))

    def _pass(self, node: Node, _depth: int) -> Stmt:
        return Stmt(node.type.removesuffix("_statement"), node.start_byte, node.end_byte)

    def _error(self, node: Node, depth: int) -> Stmt:
        return Stmt("error", node.start_byte, node.end_byte, body=self.block(node, depth))

    def _if(self, node: Node, depth: int) -> Stmt:
        condition = node.child_by_field_id(_CONDITION)
        body = self.block(node.child_by_field_id(_CONSEQUENCE), depth)
        orelse: tuple[Stmt, ...] = ()
        branches = [child for child in node.named_children if child.kind_id in _BRANCHES]
        for branch in reversed(branches):
            if branch.kind_id in _ELSE:
                orelse = self.block(branch.child_by_field_id(_BODY), depth)
            else:
                elif_ = self._if(branch, depth)
                orelse = (elif_._replace(orelse=orelse),)
        exprs = (self.expr(condition, 0),) if condition is not None else ()
        return Stmt("if", node.start_byte, node.end_byte, exprs, body, orelse)

    def _for(self, node: Node, depth: int) -> Stmt:
        heads = [node.child_by_field_id(_LEFT), node.child_by_field_id(_RIGHT)]
        exprs = tuple([self.expr(head, 0) for head in heads if head is not None])
        body = self.block(node.child_by_field_id(_BODY), depth)
        return Stmt("for", node.start_byte, node.end_byte, exprs, body, self._else(node, depth))

    def _while(self, node: Node, depth: int) -> Stmt:
        condition = node.child_by_field_id(_CONDITION)
        exprs = (self.expr(condition, 0),) if condition is not None else ()
        body = self.block(node.child_by_field_id(_BODY), depth)
        return Stmt("while", node.start_byte, node.end_byte, exprs, body, self._else(node, depth))

    def _else(self, node: Node, depth: int) -> tuple[Stmt, ...]:
        branch = node.child_by_field_id(_ALTERNATIVE)
        return self.block(branch.child_by_field_id(_BODY), depth) if branch else ()

    def _with(self, node: Node, depth: int) -> Stmt:
        exprs: list[Expr] = []
        for clause in _named(node):
            if clause.type == "with_clause":
                exprs.extend(self._item(item) for item in _named(clause))
        body = self.block(node.child_by_field_id(_BODY), depth)
        return Stmt("with", node.start_byte, node.end_byte, tuple(exprs), body)

    def _item(self, node: Node) -> Expr:
        value = node.child_by_field_id(_VALUE) or node
        if value.type != "as_pattern":
            return self.expr(value, 0)
        made, target = (value.children[0], value.children[-1])
        name = self.text(target)
        return Expr("walrus", name, value.start_byte, value.end_byte, None, (self.expr(made, 0),))

    def _try(self, node: Node, depth: int) -> Stmt:
        body = self.block(node.child_by_field_id(_BODY), depth)
        clauses = [
            self._clause(child, depth) for child in _named(node) if child.kind_id not in _BLOCK
        ]
        return Stmt("try", node.start_byte, node.end_byte, (), body, tuple(clauses))

    def _clause(self, node: Node, depth: int) -> Stmt:
        kind = node.type.removesuffix("_clause").removesuffix("_group")
        block = next((child for child in node.children if child.kind_id in _BLOCK), None)
        exprs = tuple([self._item(node)] if node.child_by_field_id(_VALUE) else ())
        return Stmt(kind, node.start_byte, node.end_byte, exprs, self.block(block, depth))

    def _match(self, node: Node, depth: int) -> Stmt:
        subject = node.child_by_field_id(_SUBJECT)
        exprs = (self.expr(subject, 0),) if subject is not None else ()
        cases: list[Stmt] = []
        block = node.child_by_field_id(_BODY)
        for case in _named(block) if block is not None else ():
            body = self.block(case.child_by_field_id(_CONSEQUENCE), depth)
            cases.append(Stmt("case", case.start_byte, case.end_byte, (), body))
        return Stmt("match", node.start_byte, node.end_byte, exprs, tuple(cases))

    def _alias(self, node: Node, _depth: int) -> Stmt:
        return Stmt("assign", node.start_byte, node.end_byte, self._children(node, 0))

    def _decorated(self, node: Node, depth: int) -> Stmt | None:
        definition = node.child_by_field_id(_DEFINITION)
        if definition is None:
            return None
        decorators = tuple(
            self.expr(child.named_children[0], 0)
            for child in _named(node)
            if child.kind_id in _DECORATOR and child.named_children
        )
        if definition.kind_id in _CLASS:
            return self._class(definition, depth, decorators)
        return self._def(definition, depth, decorators)

    def _def(self, node: Node, depth: int, decorators: tuple[Expr, ...] = ()) -> Stmt | None:
        name = node.child_by_field_id(_NAME)
        parameters = node.child_by_field_id(_PARAMETERS)
        if name is None or parameters is None:
            return None
        returns = node.child_by_field_id(_RETURN_TYPE)
        made = Function(
            self.text(name),
            name.start_byte,
            node.end_byte,
            tuple(self._params(parameters)),
            decorators,
            self.expr(returns, 0) if returns is not None else None,
            self.block(node.child_by_field_id(_BODY), depth),
            node.children[0].type == "async",
        )
        return Stmt("def", node.start_byte, node.end_byte, function=made)

    def _params(self, node: Node) -> Iterable[Param]:
        for child in _named(node):
            if child.kind_id in _IDENTIFIER:
                yield Param(self.text(child), child.start_byte, None, None)
                continue
            name = child.child_by_field_id(_NAME)
            note = child.child_by_field_id(_TYPE)
            value = child.child_by_field_id(_VALUE)
            if name is None:
                inner = child.named_children[0] if note is not None else child
                name = inner
            yield Param(
                self.text(name),
                child.start_byte,
                self.expr(note, 0) if note is not None else None,
                self.expr(value, 0) if value is not None else None,
            )

    def _class(self, node: Node, depth: int, decorators: tuple[Expr, ...] = ()) -> Stmt | None:
        name = node.child_by_field_id(_NAME)
        if name is None:
            return None
        supers = node.child_by_field_id(_SUPERCLASSES)
        bases, keywords = self._arguments(supers, 0) if supers is not None else ([], [])
        made = Class(
            self.text(name),
            name.start_byte,
            node.end_byte,
            tuple(bases),
            tuple(keywords),
            decorators,
            self.block(node.child_by_field_id(_BODY), depth),
        )
        return Stmt("class", node.start_byte, node.end_byte, klass=made)

    def _import(self, node: Node, _depth: int) -> Stmt:
        for child in _named(node):
            alias = child.child_by_field_id(_ALIAS)
            name = self.text(child.child_by_field_id(_NAME) or child)
            if alias is None:
                root = name.split(".", 1)[0]
                self.imports.append(Import(root, root, "", child.start_byte))
                self.imports.append(Import(name, name, "", child.start_byte))
            else:
                self.imports.append(Import(self.text(alias), name, "", child.start_byte))
        return Stmt("import", node.start_byte, node.end_byte)

    def _import_from(self, node: Node, _depth: int) -> Stmt:
        module = node.child_by_field_id(_MODULE_NAME)
        origin = self.text(module) if module is not None else "__future__"
        origin_at = module.start_byte if module is not None else -1
        for child in node.named_children:
            kind = child.kind_id
            if kind in _WILDCARD:
                self.imports.append(Import("*", origin, "*", child.start_byte))
            if kind not in _IMPORTED or child.start_byte == origin_at:
                continue
            alias = child.child_by_field_id(_ALIAS)
            name = self.text(child.child_by_field_id(_NAME) or child)
            shown = self.text(alias) if alias is not None else name
            self.imports.append(Import(shown, origin, name, child.start_byte))
        return Stmt("import", node.start_byte, node.end_byte)

    _exprs: ClassVar[dict[int, Callable[[_Walker, Node, int], Expr]]] = by_number(
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
    _stmts: ClassVar[dict[int, Callable[[_Walker, Node, int], Stmt | None]]] = by_number(
        {
            "expression_statement": _expression,
            "return_statement": _simple,
            "raise_statement": _simple,
            "delete_statement": _simple,
            "assert_statement": _simple,
            "if_statement": _if,
            "elif_clause": _if,
            "for_statement": _for,
            "while_statement": _while,
            "with_statement": _with,
            "try_statement": _try,
            "match_statement": _match,
            "function_definition": _def,
            "class_definition": _class,
            "decorated_definition": _decorated,
            "type_alias_statement": _alias,
            "import_statement": _import,
            "import_from_statement": _import_from,
            "future_import_statement": _import_from,
            "pass_statement": _pass,
            "continue_statement": _pass,
            "break_statement": _pass,
            "ERROR": _error,
        }
    )


def _named(node: Node, limit: int = MAX_ELEMENTS) -> list[Node]:
    """Give the named children, without comments; only the first ones of a huge literal."""
    if node.child_count > limit * 3:
        return _first_named(node, limit)
    return [child for child in node.named_children if child.kind_id not in _COMMENT]


def _first_named(node: Node, limit: int) -> list[Node]:
    cursor = node.walk()
    found: list[Node] = []
    more = cursor.goto_first_child()
    while more and len(found) < limit:
        if cursor.node is not None and cursor.node.is_named and cursor.node.type != "comment":
            found.append(cursor.node)
        more = cursor.goto_next_sibling()
    return found
