"""Going through fact records: every statement, every expression, every call below a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.facts import Class, Expr, Function, Stmt

PAIR = 2
"""Sides of a plain comparison."""

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def statements(body: Iterable[Stmt], *, nested: bool = True) -> list[Stmt]:
    """Every statement, in order; those of nested functions and classes only when ``nested``."""
    found: list[Stmt] = []
    _add_statements(body, found, nested=nested)
    return found


def _add_statements(body: Iterable[Stmt], found: list[Stmt], *, nested: bool) -> None:
    for stmt in body:
        found.append(stmt)
        if stmt.body:
            _add_statements(stmt.body, found, nested=nested)
        if stmt.orelse:
            _add_statements(stmt.orelse, found, nested=nested)
        if nested:
            if stmt.function is not None:
                _add_statements(stmt.function.body, found, nested=True)
            elif stmt.klass is not None:
                _add_statements(stmt.klass.body, found, nested=True)


def subexpressions(expr: Expr) -> list[Expr]:
    """Give the expression and all that it is made of, outermost first."""
    found = [expr]
    if expr.parts or expr.base is not None:
        _add_parts(expr, found)
    return found


def _add_parts(expr: Expr, found: list[Expr]) -> None:
    """Add all that an expression is made of: the walk bounds how deep that is."""
    base = expr.base
    if base is not None:
        found.append(base)
        if base.parts or base.base is not None:
            _add_parts(base, found)
    for part in expr.parts:
        found.append(part)
        if part.parts or part.base is not None:
            _add_parts(part, found)


def expressions(found: Iterable[Stmt]) -> list[Expr]:
    """Every expression of statements, with decorators and defaults of functions among them."""
    flat: list[Expr] = []
    for stmt in found:
        for expr in stmt.exprs:
            flat.append(expr)
            if expr.parts or expr.base is not None:
                _add_parts(expr, flat)
        if stmt.function is not None or stmt.klass is not None:
            for expr in own_expressions(stmt):
                flat.append(expr)
                _add_parts(expr, flat)
    return flat


def fields(klass: Class) -> Iterator[Stmt]:
    """Give the assignments and annotations in a class body, also below an ``if``."""
    for stmt in klass.body:
        if stmt.kind in {"assign", "declare"}:
            yield stmt
        elif stmt.kind == "if":
            yield from (s for s in stmt.body if s.kind in {"assign", "declare"})


def own_expressions(stmt: Stmt) -> Iterator[Expr]:
    """Give the expressions of a definition's own line: decorators, defaults, annotations, bases."""
    if stmt.function is not None:
        yield from signature_expressions(stmt.function)
    elif stmt.klass is not None:
        yield from stmt.klass.bases
        yield from stmt.klass.decorators


def signature_expressions(function: Function) -> Iterator[Expr]:
    """Give decorators, defaults and annotations."""
    yield from function.decorators
    for param in function.params:
        if param.annotation is not None:
            yield param.annotation
        if param.default is not None:
            yield param.default


def names_in(expr: Expr) -> Iterator[str]:
    """Every dotted name that the expression reads."""
    for part in subexpressions(expr):
        if part.kind == "name" or (part.kind == "call" and part.text[0] not in ".("):
            yield part.text


def keyword(call: Expr, name: str) -> Expr | None:
    """Give the value of a keyword argument or of a dictionary's entry."""
    if name not in call.names:
        return None
    offset = len(call.parts) - len(call.names)
    return call.parts[offset + call.names.index(name)]


def keywords(call: Expr) -> tuple[tuple[str, Expr], ...]:
    """All keyword arguments (or entries of a dictionary) by name."""
    return tuple(zip(call.names, call.parts[len(call.parts) - len(call.names) :], strict=True))


def positional(call: Expr) -> tuple[Expr, ...]:
    """Give the positional arguments."""
    return call.parts[: len(call.parts) - len(call.names)]


def argument(call: Expr, index: int, name: str) -> Expr | None:
    """Give an argument given by position or by name."""
    found = positional(call)
    return found[index] if index < len(found) else keyword(call, name)


def literal(expr: Expr | None) -> str:
    """Give the text of a literal, without what an f-string fills in; empty for anything else."""
    if expr is None or expr.kind not in {"str", "fstr"}:
        return ""
    return expr.text if expr.kind == "str" else expr.text.replace("{}", "")


def method(call: Expr) -> str:
    """Give the last part of what is called: ``get`` for ``session.get(…)`` and ``f(x).get(…)``."""
    return call.text.rsplit(".", 1)[-1]


def methods(calls: Iterable[Expr]) -> frozenset[str]:
    """Give what calls call, each by its last part."""
    return frozenset([call.text.rsplit(".", 1)[-1] for call in calls])


def receiver(call: Expr) -> Expr | None:
    """Give what a method is called on, as an expression; None for a plain function."""
    if call.base is not None:
        return call.base
    if "." not in call.text:
        return None
    text = call.text.rsplit(".", 1)[0]
    return Expr("name", text, call.pos, call.pos + len(text))


def chain(call: Expr) -> Iterator[Expr]:
    """Give the calls of a fluent chain, last first: ``.all()``, ``.where(…)``, ``select(…)``."""
    step: Expr | None = call
    while step is not None:
        if step.kind == "call":
            yield step
        step = step.base
