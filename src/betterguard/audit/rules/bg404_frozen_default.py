"""A column default that is worked out once, not for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _time as time
from betterguard.audit.visit import keyword, keywords

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.models import Column


def check(code: Code) -> Iterator[Hit]:
    """``server_default="now()"`` as a string, and defaults that are called in the class body."""
    for model, column in code.models.dates:
        for call in _calls(column):
            given = keyword(call, "server_default")
            if given is not None and given.kind == "str" and _is_now(given.text):
                yield Hit(
                    column.file.path,
                    given.pos,
                    f"{model.name}.{column.name}: {given.text!r} is quoted, so the time of "
                    "CREATE TABLE is stored",
                )
            default = keyword(call, "default")
            if (
                default is not None
                and default.kind == "call"
                and time.kind(code, column.file, default)
            ):
                yield Hit(
                    column.file.path,
                    default.pos,
                    f"{model.name}.{column.name}: the default is called once, at import",
                )


def _calls(column: Column) -> Iterator[Expr]:
    for part in column.expressions:
        if part.kind == "call" or (part.kind == "dict" and keywords(part)):
            yield part


def _is_now(text: str) -> bool:
    return text.strip().lower() in {"now()", "current_timestamp", "now", "current_timestamp()"}


_HEAD = """
from datetime import datetime, timezone
from sqlalchemy import Column, DateTime, func
from sqlmodel import Field, SQLModel
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
"""

RULE = Rule(
    id="BG404",
    name="frozen-default",
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    cwe=682,
    message="A timestamp default is worked out once instead of for each row.",
    why=(
        "`server_default='now()'` is a quoted literal in SQL and is evaluated when the table is "
        "created; `default=datetime.now()` when the module is imported. Every row then gets the "
        "same time. `func.now()` and `default_factory=` are right."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(
        Snippet.of(
            _HEAD
            + "    created_at: datetime = Field(\n"
            + "        sa_column=Column(DateTime, server_default=func.now()))\n"
        ),
    ),
    invalid=(
        Snippet.of(
            _HEAD
            + "    created_at: datetime = Field(\n"
            + "        sa_column=Column(DateTime, server_default='now()'))\n"
        ),
        Snippet.of(
            _HEAD + "    created_at: datetime = Field(default=datetime.now(timezone.utc))\n"
        ),
    ),
    fixed=(
        Snippet.of("""
from datetime import datetime, timezone
from sqlalchemy import Column, DateTime, func
from sqlmodel import Field, SQLModel
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field(
        sa_column=Column(DateTime, server_default=func.now()))
"""),
        Snippet.of("""
from datetime import datetime, timezone
from sqlalchemy import Column, DateTime, func
from sqlmodel import Field, SQLModel
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field(default_factory=lambda: datetime.now(timezone.utc))
"""),
    ),
)
