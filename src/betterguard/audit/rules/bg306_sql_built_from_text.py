"""SQL with values pasted into its text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Rule, Snippet
from betterguard.audit.security import mentions
from betterguard.audit.visit import method, names_in, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.project import FunctionRef

_STRUCTURE = re.compile(
    r"table|column|schema|field|order|clause|where|condition|placeholder|limit|offset|sql|query|set_|sort|direction|cols|names",
    re.IGNORECASE,
)
_RUNS = frozenset(
    {"execute", "exec", "text", "exec_driver_sql", "fetch_all", "fetch_one", "executemany"}
)
_SAFE = frozenset({"int", "float", "len", "bool", "uuid4", "UUID"})


def check(code: Code) -> Iterator[Hit]:
    """F-strings, ``%`` and ``+`` in SQL with a parameter of the function in them."""
    for function in code.functions("sqlmodel", "sqlalchemy", "fastapi"):
        params = {
            p.name
            for p in function.params
            if p.name not in {"self", "cls"} and not _is_number(p.annotation)
        }
        if not params:
            continue
        for call in function.calls:
            if method(call) in _RUNS:
                for part in call.parts[:1]:
                    if _is_built(code, function, part, params):
                        yield Hit(function.file.path, part.pos, "a value is pasted into SQL text")


def _is_number(note: Expr | None) -> bool:
    return note is not None and set(names_in(note)) <= {"int", "float", "bool", "UUID", "uuid.UUID"}


def _is_built(code: Code, function: FunctionRef, part: Expr, params: set[str]) -> bool:
    if not re.search(r"\b(?:select|insert|update|delete|where|from)\b", part.text, re.IGNORECASE):
        return False
    if part.kind != "fstr":
        return False
    tainted = code.security.derived(function, params)
    return any(
        piece.kind in {"name", "sub", "attr"}
        and mentions(piece, tainted)
        and not any(_STRUCTURE.search(name) for name in names_in(piece))
        and not _is_converted(function, piece)
        for piece in part.parts
    )


def _is_converted(function: FunctionRef, piece: Expr) -> bool:
    return any(
        inner.kind == "call" and method(inner) in _SAFE
        for name in names_in(piece)
        for value in function.assigned.get(name, ())
        for inner in subexpressions(value)
    )


RULE = Rule(
    id="BG306",
    name="sql-built-from-text",
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    cwe=89,
    message="A value is pasted into the text of an SQL statement.",
    why=(
        "Whoever chooses the value chooses the statement: `' OR true --` reads everybody's "
        "rows. Bind values (`:name`), whatever isolation stands behind."
    ),
    check=check,
    valid=(
        Snippet.of("""
from sqlalchemy import text
def tasks(session, user_id: str):
    return session.execute(text("SELECT * FROM task WHERE user_id = :u"), {"u": user_id})
"""),
    ),
    invalid=(
        Snippet.of("""
from sqlalchemy import text
def tasks(session, user_id: str):
    return session.execute(text(f"SELECT * FROM task WHERE user_id = '{user_id}'"))
"""),
    ),
)
