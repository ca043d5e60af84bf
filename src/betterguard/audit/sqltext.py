"""SQL as text: all the pieces of code that a statement is put together from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.visit import method, names_in, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import FunctionRef

RUNS = frozenset(
    {"execute", "exec", "text", "exec_driver_sql", "executemany", "fetch", "fetchrow", "fetchval"}
    | {"fetch_all", "fetch_one", "fetch_val", "scalar", "scalars", "raw"}
)
"""Methods that take SQL as their first argument."""
MAX_HOPS = 4
"""Names followed from a statement to what it is put together from."""


def pieces(function: FunctionRef, start: Expr) -> list[Expr]:
    """Give an expression, and what the local names in it were bound, appended or added to."""
    found, seen, fresh = [start], set[str](), [start]
    for _ in range(MAX_HOPS):
        names = {name for expr in fresh for name in names_in(expr) if "." not in name} - seen
        if not names:
            break
        seen |= names
        fresh = [value for name in names for value in _given(function, name)]
        found.extend(fresh)
    return found


def _given(function: FunctionRef, name: str) -> Iterator[Expr]:
    """Every value that becomes part of a local name's text."""
    yield from function.assigned.get(name, ())
    for stmt in function.statements:
        if stmt.kind == "aug" and stmt.exprs and stmt.exprs[0].text == name:
            yield from stmt.exprs[1:]
    for call in function.calls:
        if call.text in {f"{name}.append", f"{name}.extend", f"{name}.insert"}:
            yield from call.parts


def literals(function: FunctionRef, literal: Expr) -> Iterator[str]:
    """Give a literal's text, and that of all other literals of the same statement."""
    whole = _outermost(function, literal)
    holders = [
        name
        for name, values in function.assigned.items()
        for value in values
        if value.pos <= literal.pos and literal.end <= value.end and not _is_answer(value)
    ]
    held = [piece for name in holders for piece in _given(function, name)]
    yield literal.text
    for start in (whole, *held):
        for piece in pieces(function, start):
            for part in subexpressions(piece):
                if part.kind in {"str", "fstr"} and part.pos != literal.pos:
                    yield part.text


def _outermost(function: FunctionRef, literal: Expr) -> Expr:
    """Give the widest ``+``, ``%`` or ``format`` that a literal is part of."""
    around = [
        expr
        for expr in function.expressions
        if expr.pos <= literal.pos
        and literal.end <= expr.end
        and (expr.kind == "bin" or (expr.kind == "call" and expr.text == ".format"))
    ]
    return around[0] if around else literal


def _is_answer(value: Expr) -> bool:
    """Whether a value is what a statement answers, not the statement."""
    return any(
        part.kind == "call" and method(part) in RUNS - {"text"} for part in subexpressions(value)
    )
