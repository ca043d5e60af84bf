"""One walk over a file's syntax tree makes its fact records."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from tree_sitter import Parser

from betterguard.audit.expressions import Expressions, named
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
from betterguard.audit.grammar import PYTHON, by_number, field, kinds, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tree_sitter import Node

_ASSIGNMENT = kinds("assignment")
_AUGMENTED = kinds("augmented_assignment")
_STRING = kinds("string")
_BRANCHES = kinds("elif_clause", "else_clause")
_ELSE = kinds("else_clause")
_BLOCK = kinds("block")
_DECORATOR = kinds("decorator")
_WITH_CLAUSE = kinds("with_clause")
_AS_PATTERN = kinds("as_pattern")
_DEFINITION = kinds("class_definition", "function_definition")
_IMPORTED = kinds("dotted_name", "aliased_import", "wildcard_import")
_ORIGINS = kinds("dotted_name", "relative_import")

_IDENTIFIER, _ARGUMENTS, _BODY_BLOCK, _TYPE_NODE, _PARAMETERS, _CLASS, _ALIASED = map(
    number,
    (
        "identifier",
        "argument_list",
        "block",
        "type",
        "parameters",
        "class_definition",
        "aliased_import",
    ),
)
_ASYNC, _IMPORT_WORD, _COLON, _EQUALS = map(number, ("async", "import", ":", "="))
_TYPED, _DEFAULT, _TYPED_DEFAULT = map(
    number, ("typed_parameter", "default_parameter", "typed_default_parameter")
)

_LEFT, _RIGHT, _TYPE, _NAME, _VALUE, _ALIAS = map(
    field, ("left", "right", "type", "name", "value", "alias")
)
_BODY, _CONDITION, _CONSEQUENCE, _ALTERNATIVE, _SUBJECT = map(
    field, ("body", "condition", "consequence", "alternative", "subject")
)

_PLAIN, _ANNOTATED, _WORD_AND_VALUE = 3, 5, 2
"""How many parts ``a = 1`` or ``a: int``, ``a: int = 1`` and ``return a`` have."""
_PARAMS = frozenset({_TYPED, _DEFAULT, _TYPED_DEFAULT})
_PLACES = {(_TYPED, 3): (0, 2, 0), (_DEFAULT, 3): (0, 0, 2), (_TYPED_DEFAULT, 5): (0, 2, 4)}
"""Where annotation and default stand among a parameter's parts, when nothing is between them."""
_WORDS = by_number(
    {
        "return_statement": "return",
        "raise_statement": "raise",
        "delete_statement": "delete",
        "assert_statement": "assert",
        "pass_statement": "pass",
        "continue_statement": "continue",
        "break_statement": "break",
    }
)

MAX_BLOCKS = 100
"""Python itself refuses more nested blocks."""
MAX_STATEMENTS = 20_000

_NOQA = re.compile(r"#\s*noqa:\s*(BG\d+(?:[\s,]+BG\d+)*)\s*(?:[-–—:(#]*\s*)(.*)", re.IGNORECASE)  # noqa: RUF001  people type dashes
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


def read_module(path: str, source: bytes) -> Module:
    """Parse one file's text (UTF-8, no byte order mark) and walk it once."""
    root = Parser(PYTHON).parse(source).root_node
    walker = _Statements(source)
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


class _Statements(Expressions):
    """Adds statements, and the imports met on the way."""

    def __init__(self, source: bytes) -> None:
        super().__init__(source)
        self.imports: list[Import] = []

    def block(self, node: Node | None, depth: int) -> tuple[Stmt, ...]:
        if node is None or depth > MAX_BLOCKS:
            return ()
        many = node.child_count > MAX_STATEMENTS
        found: list[Stmt] = []
        stmts, below = self._stmts, depth + 1
        for child in named(node, MAX_STATEMENTS) if many else node.named_children:
            make = stmts.get(child.kind_id)
            if make is not None and (made := make(self, child, below)) is not None:
                found.append(made)
        return tuple(found)

    def _expression(self, node: Node, _depth: int) -> Stmt | None:
        children = node.children
        if not children:
            return None
        first = children[0]
        kind = first.kind_id
        if kind in _ASSIGNMENT:
            return self._assignment(node, first)
        if kind in _STRING:
            return None
        if kind in _AUGMENTED:
            return self._plain_stmt("aug", node, self.children(first, 0))
        exprs = (self.expr(first, 0),) if len(children) == 1 else self.children(node, 0)
        return self._plain_stmt("expr", node, exprs)

    @staticmethod
    def _plain_stmt(kind: str, node: Node, exprs: tuple[Expr, ...]) -> Stmt:
        return Stmt(kind, node.start_byte, node.end_byte, exprs)

    def _assignment(self, statement: Node, node: Node) -> Stmt:
        targets: list[Expr] = []
        note: Expr | None = None
        while True:
            left, annotation, right = _sides(node)
            if annotation is not None:
                note = self.expr(annotation, 0)
            if left is not None:
                targets.append(self.expr(left, 0))
            if right is None or right.kind_id not in _ASSIGNMENT:
                break
            node = right
        kind = "declare"
        if right is not None:
            targets.append(self.expr(right, 0))
            kind = "assign"
        start, end = statement.start_byte, statement.end_byte
        return Stmt(kind, start, end, tuple(targets), note=note)

    def _simple(self, node: Node, _depth: int) -> Stmt:
        children = node.children
        exprs: tuple[Expr, ...] = ()
        if len(children) == _WORD_AND_VALUE and children[1].kind_id in self._exprs:
            exprs = (self.expr(children[1], 0),)
        elif len(children) > 1:
            exprs = self.children(node, 0)
        return self._plain_stmt(_WORDS[node.kind_id], node, exprs)

    def _pass(self, node: Node, _depth: int) -> Stmt:
        return self._plain_stmt(_WORDS[node.kind_id], node, ())

    def _error(self, node: Node, depth: int) -> Stmt:
        return Stmt("error", node.start_byte, node.end_byte, body=self.block(node, depth))

    def _if(self, node: Node, depth: int) -> Stmt:
        body: Node | None = None
        branches: list[Node] = []
        children = node.children
        for child in children:
            kind = child.kind_id
            if kind in _BLOCK:
                body = child
            elif kind in _BRANCHES:
                branches.append(child)
        exprs = self._head(node, children)
        within = self.block(body, depth)
        orelse = self._branches(branches, depth) if branches else ()
        start, end = node.start_byte, node.end_byte
        return Stmt("if", start, end, exprs, within, orelse)

    def _branches(self, branches: list[Node], depth: int) -> tuple[Stmt, ...]:
        """Each ``elif`` holds those after it; past the deepest they stand side by side."""
        last: tuple[Stmt, ...] = ()
        found: list[Stmt] = []
        for branch in reversed(branches):  # of a name that several import, the first counts
            if branch.kind_id in _ELSE:
                last = self.block(branch.child_by_field_id(_BODY), depth)
            else:
                found.append(self._if(branch, depth))
        found.reverse()
        orelse = (*found[MAX_BLOCKS:], *last)
        for stmt in reversed(found[:MAX_BLOCKS]):
            orelse = (replace(stmt, orelse=orelse),)
        return orelse

    def _head(self, node: Node, children: list[Node]) -> tuple[Expr, ...]:
        """Give the condition behind ``if`` or ``while``."""
        if len(children) > 1 and children[1].kind_id in self._exprs:
            return (self.expr(children[1], 0),)
        condition = node.child_by_field_id(_CONDITION)
        return (self.expr(condition, 0),) if condition is not None else ()

    def _for(self, node: Node, depth: int) -> Stmt:
        heads = [node.child_by_field_id(_LEFT), node.child_by_field_id(_RIGHT)]
        exprs = tuple([self.expr(head, 0) for head in heads if head is not None])
        body = self.block(node.child_by_field_id(_BODY), depth)
        return Stmt("for", node.start_byte, node.end_byte, exprs, body, self._else(node, depth))

    def _while(self, node: Node, depth: int) -> Stmt:
        exprs = self._head(node, node.children)
        body = self.block(node.child_by_field_id(_BODY), depth)
        return Stmt("while", node.start_byte, node.end_byte, exprs, body, self._else(node, depth))

    def _else(self, node: Node, depth: int) -> tuple[Stmt, ...]:
        branch = node.child_by_field_id(_ALTERNATIVE)
        return self.block(branch.child_by_field_id(_BODY), depth) if branch else ()

    def _with(self, node: Node, depth: int) -> Stmt:
        exprs: list[Expr] = []
        for clause in node.children:
            if clause.kind_id in _WITH_CLAUSE:
                exprs.extend([self._item(item) for item in named(clause)])
        body = self.block(node.child_by_field_id(_BODY), depth)
        return Stmt("with", node.start_byte, node.end_byte, tuple(exprs), body)

    def _item(self, node: Node) -> Expr:
        value = node.child_by_field_id(_VALUE) or node
        if value.kind_id not in _AS_PATTERN:
            return self.expr(value, 0)
        made, target = (value.children[0], value.children[-1])
        name = self.text(target)
        return Expr("walrus", name, value.start_byte, value.end_byte, None, (self.expr(made, 0),))

    def _try(self, node: Node, depth: int) -> Stmt:
        body = self.block(node.child_by_field_id(_BODY), depth)
        clauses = [
            self._clause(child, depth) for child in named(node) if child.kind_id not in _BLOCK
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
        for case in named(block) if block is not None else ():
            body = self.block(case.child_by_field_id(_CONSEQUENCE), depth)
            cases.append(Stmt("case", case.start_byte, case.end_byte, (), body))
        return Stmt("match", node.start_byte, node.end_byte, exprs, tuple(cases))

    def _alias(self, node: Node, _depth: int) -> Stmt:
        return self._plain_stmt("assign", node, self.children(node, 0))

    def _decorated(self, node: Node, depth: int) -> Stmt | None:
        decorators: list[Expr] = []
        definition: Node | None = None
        for child in node.children:
            kind = child.kind_id
            if kind in _DEFINITION:
                definition = child
            elif kind in _DECORATOR and (inner := child.named_children):
                decorators.append(self.expr(inner[0], 0))
        if definition is None:
            return None
        make = self._class if definition.kind_id == _CLASS else self._def
        return make(definition, depth, tuple(decorators))

    def _def(self, node: Node, depth: int, decorators: tuple[Expr, ...] = ()) -> Stmt | None:
        held = {child.kind_id: child for child in node.children}
        name, parameters = held.get(_IDENTIFIER), held.get(_PARAMETERS)
        if name is None or parameters is None:
            return None
        returns = held.get(_TYPE_NODE)
        end = node.end_byte
        made = Function(
            self.text(name),
            name.start_byte,
            end,
            tuple([self._param(child) for child in named(parameters)]),
            decorators,
            self.expr(returns, 0) if returns is not None else None,
            self.block(held.get(_BODY_BLOCK), depth),
            _ASYNC in held,
        )
        return Stmt("def", node.start_byte, end, function=made)

    def _param(self, node: Node) -> Param:
        kind = node.kind_id
        if kind == _IDENTIFIER:
            return Param(self.text(node), node.start_byte, None, None)
        name, note, value = _param_parts(node, kind)
        return Param(
            self.text(name),
            node.start_byte,
            self.expr(note, 0) if note is not None else None,
            self.expr(value, 0) if value is not None else None,
        )

    def _class(self, node: Node, depth: int, decorators: tuple[Expr, ...] = ()) -> Stmt | None:
        held = {child.kind_id: child for child in node.children}
        name = held.get(_IDENTIFIER)
        if name is None:
            return None
        supers = held.get(_ARGUMENTS)
        parts, names = self.arguments(supers, 0) if supers is not None else ((), ())
        count = len(parts) - len(names)
        end = node.end_byte
        made = Class(
            self.text(name),
            name.start_byte,
            end,
            parts[:count],
            tuple(zip(names, parts[count:], strict=True)),
            decorators,
            self.block(held.get(_BODY_BLOCK), depth),
        )
        return Stmt("class", node.start_byte, end, klass=made)

    def _import(self, node: Node, _depth: int) -> Stmt:
        for child in named(node):
            alias = child.child_by_field_id(_ALIAS)
            name = self.text(child.child_by_field_id(_NAME) or child)
            if alias is None:
                root = name.split(".", 1)[0]
                self.imports.append(Import(root, root, "", child.start_byte))
                self.imports.append(Import(name, name, "", child.start_byte))
            else:
                self.imports.append(Import(self.text(alias), name, "", child.start_byte))
        return self._plain_stmt("import", node, ())

    def _import_from(self, node: Node, _depth: int) -> Stmt:
        origin, at_names = "__future__", False
        for child in node.children:
            kind = child.kind_id
            if kind == _IMPORT_WORD:
                at_names = True
            elif not at_names:
                if kind in _ORIGINS:
                    origin = self.text(child)
            elif kind in _IMPORTED:
                self.imports.append(self._imported(child, kind, origin))
        return self._plain_stmt("import", node, ())

    def _imported(self, node: Node, kind: int, origin: str) -> Import:
        if kind == _ALIASED:
            name, _, alias = map(self.text, node.children)
            return Import(alias, origin, name, node.start_byte)
        name = self.text(node)
        return Import(name, origin, name, node.start_byte)

    _stmts: ClassVar[dict[int, Callable[[_Statements, Node, int], Stmt | None]]] = by_number(
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


def _sides(node: Node) -> tuple[Node | None, Node | None, Node | None]:
    """Give the target, the annotation and the value of an assignment."""
    children = node.children
    count, sign = len(children), children[1].kind_id
    if count == _PLAIN:
        if sign == _EQUALS:
            return children[0], None, children[2]
        if sign == _COLON:
            return children[0], children[2], None
    if count == _ANNOTATED and sign == _COLON and children[3].kind_id == _EQUALS:
        return children[0], children[2], children[4]
    left, annotation = node.child_by_field_id(_LEFT), node.child_by_field_id(_TYPE)
    return left, annotation, node.child_by_field_id(_RIGHT)


def _param_parts(node: Node, kind: int) -> tuple[Node, Node | None, Node | None]:
    """Give the name, the annotation and the default of a parameter."""
    if kind not in _PARAMS:
        return node, None, None
    children = node.children
    places = _PLACES.get((kind, len(children)))
    if places is not None:
        name, note, value = [children[place] if place else None for place in places]
        return children[0], note, value
    note = node.child_by_field_id(_TYPE)
    name = node.child_by_field_id(_NAME)
    if name is None:
        name = node.named_children[0] if note is not None else node
    return name, note, node.child_by_field_id(_VALUE)
