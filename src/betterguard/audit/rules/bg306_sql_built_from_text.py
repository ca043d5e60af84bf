"""SQL with values pasted into its text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.dataflow import derived, mentions
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Rule, Snippet
from betterguard.audit.sqltext import RUNS, pieces
from betterguard.audit.symbols import ClassRef
from betterguard.audit.visit import method, names_in, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Stmt
    from betterguard.audit.symbols import File, FunctionRef

_STRUCTURE = re.compile(
    r"table|column|schema|field|order|clause|place|marker|limit|offset|sql|set_|sort|direction|cols",
    re.IGNORECASE,
)
"""Names of what cannot be bound: the code that gives them chooses among its own words."""
_SQL = re.compile(
    r"\b(?:select|insert\s+into|update|delete\s+from|where|from|and|or|set|values|order\s+by)\b"
    r"|(?:=|<|>|\bi?like\b|\bin\b)\s*\(?\s*['\"%]*(?:\{\w*\}|%s|$)",
    re.IGNORECASE,
)
_NO_VALUE = re.compile(
    r"^(?:self|cls|_?(?:\w+_)?(?:db|session|conn|connection|cursor|cur|engine|pool|database|tx))$"
)
"""Parameters that no value comes from: what runs the statement."""
_BOUNDED = frozenset(
    {"int", "float", "bool", "UUID", "Decimal", "date", "datetime", "time", "timedelta", "ZoneInfo"}
)
_ASIDE = re.compile(r"(?:^|/)(?:scripts?|tools?|migrations?)(?:/|\.py$)")
"""Files whose values people type themselves, or wrote down beforehand."""
_CHOICES = frozenset({"Literal", "typing.Literal"})
_SAFE = frozenset(
    {"int", "float", "len", "bool", "uuid4", "UUID", "range", "Identifier", "literal"}
)

_QUOTES = re.compile(r"quote|literal|escape|ident|join", re.IGNORECASE)
_QUOTES_ONE = re.compile(r"quote|literal|escape", re.IGNORECASE)
_VALIDATES = re.compile(r"valid|match|is_safe|is_allowed|isidentifier|isalnum", re.IGNORECASE)
NEAR = 6
"""Functions of a helper's reach in which it is looked for what quotes."""
_NAMES_NEXT = re.compile(
    r"\b(?:from|join|into|table|update|schema|exists|index|order\s+by)\s+[\s(]*[\w.\"`]*$|^\s*$",
    re.IGNORECASE,
)
"""The end of a text after which a table or a column is named, or a whole statement stands."""


def check(code: Code) -> Iterator[Hit]:
    """F-strings, ``format``, ``%`` and ``+`` in SQL with a parameter of the function in them."""
    for function in code.functions(
        "sqlmodel", "sqlalchemy", "fastapi", "INSERT INTO", "insert into"
    ):
        if RUNS.isdisjoint(function.methods):
            continue
        runs = [call for call in function.calls if _runs_sql(code, function, call)]
        params = {
            p.name
            for p in function.params
            if not _NO_VALUE.search(p.name) and not _is_bounded(code, function.file, p.annotation)
        }
        if runs and params:
            yield from _built(code, function, runs, params)


def _runs_sql(code: Code, function: FunctionRef, call: Expr) -> bool:
    """Whether a call takes SQL: ``text`` of a template library takes prose."""
    if method(call) not in RUNS or not call.parts:
        return False
    if call.text != "text" or call.base is not None:
        return True
    return code.project.qualify(function.file, "text").split(".")[0] in {
        "text",
        "sqlalchemy",
        "sqlmodel",
    }


def _built(code: Code, function: FunctionRef, runs: list[Expr], params: set[str]) -> Iterator[Hit]:
    tainted = derived(function, params)
    for call in runs:
        for piece in pieces(function, call.parts[0]):
            if any(
                mentions(value, tainted) and not _is_chosen(code, function, value)
                for value in _pasted(piece)
            ):
                yield Hit(
                    function.file.path,
                    piece.pos,
                    "a value is pasted into SQL text",
                    Severity.MEDIUM if _is_aside(code, function.file) else None,
                )


def _is_aside(code: Code, file: File) -> bool:
    return bool(_ASIDE.search(file.path)) or code.is_script(file)


def _is_bounded(code: Code, file: File, note: Expr | None) -> bool:
    """Whether a type leaves nobody a choice of words: numbers, dates, names of time zones."""
    if note is None:
        return False
    if note.kind == "sub" and note.base is not None and note.base.text in _CHOICES:
        return True
    names = set(names_in(note)) - {"Optional", "typing.Optional"}
    return bool(names) and all(
        name.rsplit(".", 1)[-1] in _BOUNDED or _is_enumeration(code, file, name) for name in names
    )


def _is_enumeration(code: Code, file: File, name: str) -> bool:
    klass = code.project.resolve(file, name)
    return isinstance(klass, ClassRef) and any(
        base.rsplit(".", 1)[-1].endswith("Enum") for base in code.project.foreign_bases(klass)
    )


def _pasted(piece: Expr) -> Iterator[Expr]:
    """Give the values that a piece of SQL is put together with."""
    for part in subexpressions(piece):
        if part.kind == "fstr" and _SQL.search(part.text):
            yield from _values(part)
        elif part.kind == "bin" and part.text in {"+", "%"} and _is_sql(part):
            yield from (side for side in _operands(part) if side.kind not in {"str", "fstr"})
        elif _is_format(part):
            yield from part.parts


def _values(formatted: Expr) -> Iterator[Expr]:
    """Give what an f-string pastes, without what stands where only a name can."""
    before = ""
    for text, value in zip(formatted.text.split("{}"), formatted.parts, strict=False):
        before += text
        if not _NAMES_NEXT.search(before):
            yield value
        before += "x"


def _is_format(call: Expr) -> bool:
    return (
        call.kind == "call"
        and call.text == ".format"
        and call.base is not None
        and call.base.kind == "str"
        and bool(_SQL.search(call.base.text))
    )


def _is_sql(chain: Expr) -> bool:
    return any(part.kind in {"str", "fstr"} and _SQL.search(part.text) for part in _operands(chain))


def _operands(expr: Expr) -> Iterator[Expr]:
    """Give what ``+`` and ``%`` put together, tuples taken apart."""
    if expr.kind in {"bin", "tuple"}:
        for part in expr.parts:
            yield from _operands(part)
    else:
        yield expr


def _is_chosen(code: Code, function: FunctionRef, value: Expr) -> bool:
    """Whether a value is a number, a word of the code's own, or looked at elsewhere in pieces."""
    names = set(names_in(value))
    if value.kind == "call" and (method(value) in _SAFE or _QUOTES.search(method(value))):
        return True
    if any(_STRUCTURE.search(name) for name in names):
        return True
    for name in names:
        given = function.assigned.get(name, ())
        if given and all(
            _is_safe(source) or _is_quoted(code, function, source) for source in given
        ):
            return True
    return bool(names) and names <= _compared(function)


def _is_safe(source: Expr) -> bool:
    """Whether a local name's value is converted, or is text that is looked at by itself."""
    if source.kind in {"str", "fstr", "bin", "list", "num", "const"}:
        return True
    return any(part.kind == "call" and method(part) in _SAFE for part in subexpressions(source))


def _is_quoted(code: Code, function: FunctionRef, source: Expr) -> bool:
    """Whether a value comes from a function of the project that quotes, itself or by another."""
    return source.kind == "call" and any(
        _QUOTES_ONE.search(name)
        for start in code.calls.entry_points(code.calls.target(function, source))
        for ref in code.calls.reach(start)[:NEAR]
        for name in ref.methods
    )


def _compared(function: FunctionRef) -> set[str]:
    """Names that are checked before: ``if sort not in COLUMNS``, ``if not is_valid(name)``."""
    found: set[str] = set()
    for stmt in function.statements:
        for part in subexpressions(stmt.exprs[0]) if stmt.kind == "if" else ():
            if part.kind == "cmp" and part.text in {"in", "not in"} and part.parts:
                found.update(names_in(part.parts[0]))
            elif part.kind == "call" and _VALIDATES.search(method(part)) and _ends(stmt):
                found.update(name for given in part.parts for name in names_in(given))
    return found


def _ends(stmt: Stmt) -> bool:
    return any(inner.kind in {"raise", "return"} for inner in stmt.body)


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
        Snippet.of("""
from sqlalchemy import text
COLUMNS = {"title", "created_at"}
def tasks(session, user_id: str, sort: str, limit: int, ids: list[int]):
    if sort not in COLUMNS:
        raise ValueError(sort)
    marks = ", ".join(f":id{n}" for n in range(len(ids)))
    sql = f"SELECT * FROM task WHERE user_id = :u AND id IN ({marks}) ORDER BY {sort}"
    sql += f" LIMIT {limit}"
    return session.execute(text(sql), {"u": user_id})
"""),
        Snippet.of("""
from sqlalchemy import text
def rows(session, model, user: str):
    session.execute(text(f"SET LOCAL app.user = {quote_literal(user)}"))
    return session.execute(text(f"SELECT * FROM {model.name}"))
"""),
        Snippet.of(
            """
from templates import text
from sqlmodel import Session
def page(minutes: str):
    text(f"This link ends in {minutes} and is for you")
""",
            templates="from markup import text\n",
        ),
        Snippet.of("""
from sqlalchemy import text
def rendered(value): return compile_literal(value)
def alter(session, default: str):
    shown = rendered(default)
    session.execute(text(f"ALTER TABLE task ALTER COLUMN title SET DEFAULT {shown}"))
"""),
        Snippet.of("""
from sqlalchemy import text
async def page(db, query: str, clause: str):
    moment = db.placeholder("created_at")
    await db.execute(text(f"UPDATE task SET created_at = {moment} WHERE id = :id"))
    await db.execute(text(f"SELECT count(*) FROM ( {query} {clause} ) AS found"))
    return await db.execute(text(f" {query} {clause} "))
"""),
        Snippet.of("""
from sqlalchemy import text
def drop(session, tenant: str):
    if not is_valid_tenant(tenant):
        raise ValueError(tenant)
    session.execute(text(f"SET LOCAL app.tenant = '{tenant}'"))
"""),
        Snippet.of("""
from enum import StrEnum
from zoneinfo import ZoneInfo
from sqlalchemy import text
class Order(StrEnum):
    UP = "asc"
    DOWN = "desc"
def tasks(session, zone: ZoneInfo, way: Order | None):
    session.execute(text(f"SET LOCAL TIME ZONE '{zone.key}'"))
    return session.execute(text(f"SELECT * FROM task WHERE way = '{way}'"))
"""),
        Snippet.of("""
def log(logger, user_id: str):
    logger.execute(f"user {user_id} went away")
"""),
    ),
    invalid=(
        Snippet.of("""
from sqlalchemy import text
def tasks(session, user_id: str):
    return session.execute(text(f"SELECT * FROM task WHERE user_id = '{user_id}'"))
"""),
        Snippet.of("""
from sqlalchemy import text
def tasks(session, user_id: str, title: str):
    conditions = ["user_id = :u"]
    if title:
        conditions.append(f"title LIKE '%{title}%'")
    sql = "SELECT * FROM task WHERE " + " AND ".join(conditions)
    return session.execute(text(sql), {"u": user_id})
"""),
        Snippet.of("""
import sqlalchemy
def task(connection, title: str):
    sql = "SELECT * FROM task WHERE title = '%s'" % title
    return connection.execute(sqlalchemy.text(sql))
"""),
        Snippet.of("""
from sqlalchemy import text
def task(session, title: str):
    sql = "SELECT * FROM task WHERE title = '{}'".format(title)
    return session.execute(text(sql))
"""),
        Snippet.of("""
from fastapi import FastAPI
app = FastAPI()
@app.get("/tasks")
async def tasks(title: str, pool=None):
    return await pool.fetch("SELECT * FROM task WHERE title = '" + title + "'")
"""),
    ),
)
