"""Naive and aware times in one column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _time as time
from betterguard.audit.visit import method, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.models import Column, Model
    from betterguard.audit.symbols import FunctionRef


def check(code: Code) -> Iterator[Hit]:
    """Values that do not fit what the column gets elsewhere, or its type."""
    if not code.models.dates:
        return
    yield from _defaults(code)
    columns = _kinds(code)
    if columns:
        for function in code.functions("datetime", "sqlmodel", "sqlalchemy"):
            yield from _written(code, function, columns)


def _kinds(code: Code) -> dict[str, set[tuple[str, bool]]]:
    """For each column name: what its defaults are, and whether its tables keep a zone."""
    found: dict[str, set[tuple[str, bool]]] = {}
    for _, column in code.models.dates:
        value = time.default(column)
        kind = time.kind(code, column.file, value) if value is not None else ""
        found.setdefault(column.name, set()).add((kind, column.is_zoned))
    return found


def _defaults(code: Code) -> Iterator[Hit]:
    """Give an aware default in a column without a zone."""
    for model, column in code.models.dates:
        value = time.default(column)
        if value is None or not _loses_zone(code, model, column):
            continue
        if time.kind(code, column.file, value) == "aware":
            asyncpg = "asyncpg" in time.drivers(code, column.file.path)
            yield Hit(
                column.file.path,
                column.pos,
                f"{model.name}.{column.name} has an aware default and no time zone: "
                + (
                    "asyncpg refuses it" if asyncpg else "the driver shifts it and drops the offset"
                ),
                Severity.HIGH if asyncpg else Severity.MEDIUM,
                Confidence.HIGH if asyncpg else Confidence.MEDIUM,
            )


def _loses_zone(code: Code, model: Model, column: Column) -> bool:
    """SQLModel before 0.0.45 makes TIMESTAMP WITHOUT TIME ZONE of ``datetime``."""
    if column.is_zoned:
        return False
    if column.has_explicit_type:
        return True
    if not model.is_sqlmodel:
        return True
    version = code.environment.version(column.file.path, "sqlmodel")
    return version is not None and version < time.SQLMODEL_STRICT


def _written(
    code: Code, function: FunctionRef, columns: dict[str, set[tuple[str, bool]]]
) -> Iterator[Hit]:
    naive_schema = _is_naive_schema(columns)
    for name, value, _ in code.queries.writes(function):
        known = columns.get(name)
        if not known:
            continue
        kinds = {kind for kind, _ in known if kind}
        given = time.kind(code, function.file, _bound(function, value))
        if given == "naive" and kinds == {"aware"}:
            yield Hit(
                function.file.path,
                value.pos,
                f"a naive time is written to {name}, whose default is aware",
                Severity.HIGH,
            )
        elif not kinds and naive_schema and not any(zoned for _, zoned in known):
            parsed = _parses_offset(function, value)
            if parsed is not None:
                yield Hit(
                    function.file.path,
                    parsed.pos,
                    f"an aware time is written to {name}, in a schema of naive ones",
                    Severity.MEDIUM,
                )


def _is_naive_schema(columns: dict[str, set[tuple[str, bool]]]) -> bool:
    kinds = {kind for known in columns.values() for kind, _ in known if kind}
    return kinds == {"naive"}


def _bound(function: FunctionRef, value: Expr) -> Expr:
    bound = function.assigned.get(value.text, ()) if value.kind == "name" else ()
    return bound[-1] if len(bound) == 1 else value


def _parses_offset(function: FunctionRef, value: Expr) -> Expr | None:
    """``fromisoformat(text.replace("Z", "+00:00"))``, here or where the name was bound."""
    for source in (value, *function.assigned.get(value.text, ())):
        for part in subexpressions(source):
            if (
                part.kind == "call"
                and method(part) == "fromisoformat"
                and any(inner.text == "+00:00" for inner in subexpressions(part))
            ):
                return part
    return None


_HEAD = """
from datetime import datetime, timezone
from sqlmodel import Field, SQLModel
def now() -> datetime:
    return datetime.now(timezone.utc)
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    updated_at: datetime = Field(default_factory=now)
"""

RULE = Rule(
    id="BG403",
    name="naive-aware-mix",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=682,
    message="Naive and aware times meet in one column.",
    why=(
        "Which of the two comes back depends on the driver and on the session's time zone; "
        "comparing them is a TypeError; asyncpg refuses an aware value for TIMESTAMP, psycopg "
        "shifts it in silence. `UtcDateTime` takes aware values only and stores UTC, whatever "
        "the column's type."
    ),
    check=check,
    fix=Fixing.EITHER,
    valid=(
        Snippet.of(_HEAD + "def touch(task):\n    task.updated_at = now()\n"),
        Snippet.of(
            _HEAD
            + """
class Draft:
    def __init__(self) -> None:
        self.updated_at = datetime.now()
"""
        ),
    ),
    invalid=(
        Snippet.of(_HEAD + "def touch(task):\n    task.updated_at = datetime.utcnow()\n"),
        Snippet({"app.py": _HEAD, "requirements.txt": "sqlmodel==0.0.24\npsycopg2-binary\n"}),
    ),
    fixed=(
        Snippet.of("""
from datetime import datetime, timezone
from sqlmodel import Field, SQLModel
def now() -> datetime:
    return datetime.now(timezone.utc)
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    updated_at: datetime = Field(default_factory=now)
def touch(task):
    task.updated_at = datetime.now(timezone.utc)
"""),
        Snippet(
            {
                "app.py": """
from datetime import datetime, timezone
from betterguard.schema import UtcDateTime
from sqlmodel import Field, SQLModel
def now() -> datetime:
    return datetime.now(timezone.utc)
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    updated_at: datetime = Field(default_factory=now, sa_type=UtcDateTime(timezone=False))
""",
                "requirements.txt": """\
sqlmodel==0.0.24
psycopg2-binary
""",
            }
        ),
    ),
)
