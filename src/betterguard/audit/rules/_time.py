"""What the time rules ask: is a value naive or aware, and where does it end?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.symbols import FunctionRef
from betterguard.audit.visit import (
    argument,
    keyword,
    method,
    receiver,
)

if TYPE_CHECKING:
    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.models import Column
    from betterguard.audit.symbols import File

UTCNOW = frozenset({"datetime.datetime.utcnow", "datetime.utcnow"})
NOW = frozenset({"datetime.datetime.now", "datetime.now"})
_FROM_TEXT = frozenset({"datetime.datetime.fromisoformat", "datetime.datetime.strptime"})
MAX_STEPS = 4
SQLMODEL_STRICT = (0, 0, 45)


def is_utcnow(code: Code, file: File, expr: Expr) -> bool:
    """Whether it is a call of, or a reference to, the library's ``datetime.utcnow``."""
    if expr.kind not in {"name", "call"} or not expr.text.endswith("utcnow"):
        return False
    return code.project.qualify(file, expr.text) in UTCNOW


def kind(code: Code, file: File, expr: Expr, depth: int = 0) -> str:
    """``naive``, ``aware`` or empty: what a value of time is, through helpers of the project."""
    if expr.kind in {"lambda", "bin"} and expr.parts:
        return kind(code, file, expr.parts[0], depth)
    if expr.kind not in {"call", "name"} or depth > MAX_STEPS:
        return ""
    if is_utcnow(code, file, expr):
        return "naive"
    found = _of_call(code, file, expr, depth) if expr.kind == "call" else ""
    return found or _of_helper(code, file, expr, depth)


def _of_helper(code: Code, file: File, expr: Expr, depth: int) -> str:
    """Tell what a function of the project gives back, where all its returns agree."""
    target = code.project.resolve(file, expr.text) if expr.base is None else None
    if not isinstance(target, FunctionRef):
        return ""
    returned = {
        kind(code, target.file, stmt.exprs[0], depth + 1)
        for stmt in target.statements
        if stmt.kind == "return" and stmt.exprs
    }
    return returned.pop() if len(returned) == 1 else ""


def _of_call(code: Code, file: File, call: Expr, depth: int) -> str:
    name = method(call)
    if name == "replace" and (zone := keyword(call, "tzinfo")) is not None:
        return "naive" if zone.text == "None" else "aware"
    if name == "astimezone":
        return "aware"
    full = code.project.qualify(file, call.text) if call.base is None else ""
    if full in NOW or full == "datetime.datetime.fromtimestamp":
        zone = argument(call, 0 if full in NOW else 1, "tz")
        return "aware" if zone is not None and zone.text != "None" else "naive"
    if full == "datetime.datetime.utcfromtimestamp":
        return "naive"
    if name in {"replace", "__add__", "__sub__"}:
        owner = receiver(call)
        return kind(code, file, owner, depth + 1) if owner is not None else ""
    return ""


def default(column: Column) -> Expr | None:
    """Give the value or factory that fills a column in Python."""
    return column.option("default_factory", "default")


def strict(code: Code, path: str) -> bool:
    """Whether the SQLModel in use refuses naive values: 0.0.45 or newer, or not pinned below."""
    version = code.environment.version(path, "sqlmodel")
    return version is None or version >= SQLMODEL_STRICT


def drivers(code: Code, path: str) -> set[str]:
    """Give the PostgreSQL drivers that the requirements name."""
    known = ("asyncpg", "psycopg", "psycopg2", "psycopg2-binary", "psycopg-binary")
    return {name for name in known if code.environment.requires(path, name)}
