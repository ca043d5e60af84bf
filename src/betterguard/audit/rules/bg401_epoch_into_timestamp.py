"""Seconds since 1970 put into a date column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _time as time
from betterguard.audit.visit import subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import File, FunctionRef

_EPOCH = frozenset({"time.time", "time.time_ns"})


def check(code: Code) -> Iterator[Hit]:
    """Defaults and written values of date columns that are integers or floats of seconds."""
    for _, column in code.models.dates:
        value = time.default(column)
        if value is not None and _is_epoch(code, column.file, value):
            yield Hit(column.file.path, value.pos, f"{column.name} is a date, its default a number")
    columns = code.models.dated
    for function in code.functions("datetime", "sqlmodel", "sqlalchemy") if columns else ():
        for name, value, model in code.queries.writes(function):
            if (
                name in columns
                and (model is None or model in columns[name])
                and _is_epoch(code, function.file, _bound(function, value))
            ):
                yield Hit(
                    function.file.path, value.pos, f"a number of seconds is written to {name}"
                )


def _bound(function: FunctionRef, value: Expr) -> Expr:
    bound = function.assigned.get(value.text, ()) if value.kind == "name" else ()
    return bound[-1] if len(bound) == 1 else value


def _is_epoch(code: Code, file: File, value: Expr) -> bool:
    if value.kind == "name":
        return code.project.qualify(file, value.text) in _EPOCH
    if value.kind == "call" and value.base is None:
        if code.project.qualify(file, value.text) in _EPOCH or value.text.endswith(".timestamp"):
            return True
        return value.text in {"int", "round"} and any(
            _is_epoch(code, file, part) for part in value.parts
        )
    if value.kind == "call" and value.text == ".timestamp":
        return True
    if value.kind == "lambda":
        return _is_epoch(code, file, value.parts[0])
    return value.kind == "bin" and any(
        part.kind == "call" and _is_epoch(code, file, part)
        for piece in value.parts
        for part in list(subexpressions(piece))[:1]
    )


_MODEL = """
import time
from datetime import datetime
from sqlmodel import Field, SQLModel
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime
    updated_at: datetime
    epoch: int = Field(default_factory=lambda: int(time.time()))
"""

RULE = Rule(
    id="BG401",
    name="epoch-into-timestamp",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=704,
    message="An integer or float is put into a timestamp column.",
    why=(
        "Every PostgreSQL driver refuses a number for TIMESTAMP: the first write is a 500. "
        "Epoch seconds are right for the `exp` claim and for integer columns, which are left "
        "alone."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(Snippet.of(_MODEL + "claims = {'exp': int(time.time()) + 900}\n"),),
    invalid=(
        Snippet.of(_MODEL + "def add():\n    return Task(created_at=int(time.time()))\n"),
        Snippet.of(_MODEL + "def touch(task):\n    task.updated_at = time.time()\n"),
    ),
    fixed=(
        Snippet.of("""
import time
from datetime import datetime, timezone
from sqlmodel import Field, SQLModel
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime
    updated_at: datetime
    epoch: int = Field(default_factory=lambda: int(time.time()))
def add():
    return Task(created_at=datetime.now(timezone.utc))
"""),
        Snippet.of("""
import time
from datetime import datetime, timezone
from sqlmodel import Field, SQLModel
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime
    updated_at: datetime
    epoch: int = Field(default_factory=lambda: int(time.time()))
def touch(task):
    task.updated_at = datetime.now(timezone.utc)
"""),
    ),
)
