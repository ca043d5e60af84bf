"""ISO text bound to a timestamp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.visit import keywords, method, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import FunctionRef


def check(code: Code) -> Iterator[Hit]:
    """``isoformat()`` and ``strftime()`` written to date columns, by objects or by SQL text."""
    columns = code.models.dated
    for function in code.functions("datetime"):
        seen: set[int] = set()
        for name, value in stored(code, function):
            if name not in columns:
                continue
            for source in (value, *function.assigned.get(value.text, ())):
                if _is_text(source) and source.pos not in seen:
                    seen.add(source.pos)
                    yield Hit(
                        function.file.path,
                        source.pos,
                        f"text is bound to the timestamp {name}: asyncpg refuses it",
                    )


def stored(code: Code, function: FunctionRef) -> Iterator[tuple[str, Expr]]:
    """Give what a function puts into columns: their names with the values."""
    for name, value, _ in code.queries.writes(function):
        yield name, value
    if code.queries.raw(function):
        for call in function.calls:
            if method(call) in {"execute", "exec"}:
                for part in call.parts[1:]:
                    for inner in (part, *function.assigned.get(part.text, ())):
                        yield from keywords(inner) if inner.kind == "dict" else ()
        for stmt in function.statements:
            if stmt.kind == "assign" and stmt.exprs[0].kind == "sub" and stmt.exprs[0].parts:
                yield stmt.exprs[0].parts[0].text, stmt.exprs[-1]


def _is_text(value: Expr) -> bool:
    return any(
        part.kind == "call" and method(part) in {"isoformat", "strftime"}
        for part in list(subexpressions(value))[:3]
    ) and value.kind in {"call", "if", "bin"}


_HEAD = """
from datetime import datetime, timezone
from sqlalchemy import text
from sqlmodel import Field, SQLModel
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime
"""

RULE = Rule(
    id="BG410",
    name="text-into-timestamp",
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    cwe=704,
    message="ISO text is bound to a timestamp column.",
    why=(
        "asyncpg raises DataError, psycopg casts in silence and by the session's zone: the code "
        "works with one driver and not with the next. Bind the `datetime` itself."
    ),
    check=check,
    fix=Fixing.EITHER,
    valid=(
        Snippet.of(
            _HEAD
            + """
from pydantic import BaseModel
class State(BaseModel):
    created_at: str
class Store:
    def load(self) -> State: ...
    def touch(self):
        state = self.load()
        state.created_at = datetime.now(timezone.utc).isoformat()
"""
        ),
        Snippet.of(
            _HEAD + "def add(session):\n    now = datetime.now(timezone.utc)\n"
            "    session.execute(text('INSERT INTO task VALUES (:created_at)'), "
            "{'created_at': now})\n    return now.isoformat()\n"
        ),
    ),
    invalid=(
        Snippet.of(
            _HEAD
            + """
from pydantic import BaseModel
class TaskIn(BaseModel):
    created_at: datetime | None = None
def save(session, given: TaskIn):
    given.created_at = datetime.now(timezone.utc).isoformat()
    session.add(Task(**given.model_dump()))
"""
        ),
        Snippet.of(
            _HEAD + "def add(session):\n    now = datetime.now(timezone.utc).isoformat()\n"
            "    session.execute(text('INSERT INTO task VALUES (:created_at)'), "
            "{'created_at': now})\n"
        ),
        Snippet.of(
            _HEAD
            + "def add():\n    return Task(created_at=datetime.now(timezone.utc).isoformat())\n"
        ),
    ),
    fixed=(
        Snippet.of(
            _HEAD
            + """
from pydantic import BaseModel
class TaskIn(BaseModel):
    created_at: datetime | None = None
def save(session, given: TaskIn):
    given.created_at = datetime.now(timezone.utc)
    session.add(Task(**given.model_dump()))
"""
        ),
        Snippet.of(
            _HEAD + "def add(session):\n    now = datetime.now(timezone.utc)\n"
            "    session.execute(text('INSERT INTO task VALUES (:created_at)'), "
            "{'created_at': now})\n"
        ),
        Snippet.of(_HEAD + "def add():\n    return Task(created_at=datetime.now(timezone.utc))\n"),
    ),
)
