"""Import statements as they stand in a module, and the names that the module binds itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tree_sitter import Node

FUTURE = "__future__"
_DEFINITIONS = {"function_definition", "class_definition"}
_BINDERS = ("parameters", "lambda_parameters", "assignment", "for_statement", "as_pattern_target")
_VALUES = frozenset({"value", "type", "object", "attribute", "subscript"})
_IMPORTS = {"import_statement", "import_from_statement", "future_import_statement"}


@dataclass(frozen=True, slots=True)
class Name:
    """One name of an import statement: what is imported, as what, and where it stands."""

    name: str
    local: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One import statement; ``module`` is empty for ``import a, b``, whose names are modules."""

    module: str
    names: tuple[Name, ...]
    start: int
    end: int
    star: bool = False

    @property
    def origin(self) -> str:
        """The module that the statement is sorted by."""
        return self.module or self.names[0].name


def imports_of(root: Node) -> list[Statement]:
    """Give the imports at a module's top level, in order."""
    return [_read(node) for node in root.named_children if node.type in _IMPORTS]


def _read(node: Node) -> Statement:
    module = node.child_by_field_name("module_name")
    names = tuple(_names(node.children_by_field_name("name")))
    star = any(child.type == "wildcard_import" for child in node.named_children)
    future = FUTURE if node.type == "future_import_statement" else ""
    return Statement(
        _text(module) if module else future, names, node.start_byte, node.end_byte, star
    )


def _names(nodes: Iterable[Node]) -> Iterator[Name]:
    for node in nodes:
        alias = node.child_by_field_name("alias")
        name = _text(node.child_by_field_name("name") or node)
        yield Name(name, _text(alias) if alias else name, node.start_byte, node.end_byte)


def _text(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


def nested_imports_of(root: Node) -> list[Statement]:
    """Give the imports that run with the module below an ``if``, a ``try`` or a ``with``."""
    return [
        _read(node)
        for block in root.named_children
        for node in _running(block)
        if node.type in _IMPORTS and node.parent is not root
    ]


def bound_in(root: Node) -> Iterator[str]:
    """Names that the module binds itself: functions, classes, variables."""
    for block in root.named_children:
        for node in _running(block):
            inner = node.child_by_field_name("definition") or node
            if inner.type in _DEFINITIONS:
                name = inner.child_by_field_name("name")
                yield _text(name) if name else ""
            elif inner.type == "expression_statement" and inner.named_children:
                left = inner.named_children[0].child_by_field_name("left")
                yield from map(_text, (left.named_children or [left]) if left is not None else ())


def _running(node: Node) -> Iterator[Node]:
    """Give a statement and those of its blocks, functions and classes left out."""
    yield node
    if node.type not in {*_DEFINITIONS, "decorated_definition", "expression_statement"}:
        for child in node.named_children:
            yield from _running(child)


def shadowed_in(root: Node) -> set[str]:
    """Names that functions bind for themselves: parameters and variables of their own."""
    return {
        _text(name)
        for function in _below(root, {"function_definition", "lambda"})
        for node in _below(function, {*_BINDERS})
        for name in _below(node.child_by_field_name("left") or node, {"identifier"}, _VALUES)
    }


def _below(node: Node, types: set[str], without: frozenset[str] = frozenset()) -> Iterator[Node]:
    if node.type in types:
        yield node
    for index, child in enumerate(node.children):
        if child.is_named and node.field_name_for_child(index) not in without:
            yield from _below(child, types, without)


def is_docstring(node: Node) -> bool:
    """Whether a statement is a string alone."""
    return node.type == "expression_statement" and node.named_children[0].type == "string"
