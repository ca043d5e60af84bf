"""An ``updated_at`` that nothing keeps up to date by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.visit import method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.models import Model
    from betterguard.audit.symbols import FunctionRef

_UPDATED = re.compile(r"^(?:updated(?:_?at|_?on)?|updatedAt|modified(?:_?at)?|last_modified)$")

_ROWS = frozenset({"self", "obj", "row", "instance", "db_obj", "item", "existing", "entity"})
"""Names under which rows of any table go."""


def check(code: Code) -> Iterator[Hit]:
    """Columns without ``onupdate``: low where code sets them, medium where none does."""
    listened = _listened(code)
    touched = _touched(code)
    for model in code.models.all.values():
        for column in model.columns.values():
            if not _UPDATED.match(column.name) or column.file is not model.ref.file or listened:
                continue
            if column.option("onupdate", "server_onupdate") is not None:
                continue
            assigned = _is_assigned(code, model, column.name, touched.get(column.name, []))
            yield Hit(
                column.file.path,
                column.pos,
                f"{model.name}.{column.name} has no onupdate"
                + ("" if assigned else " and no code ever sets it again"),
                Severity.LOW if assigned else Severity.MEDIUM,
                evidence=("code sets it by hand, here and there",) if assigned else (),
            )


def _listened(code: Code) -> bool:
    """Whether an event listener keeps such columns for all tables."""
    return any(
        "before_update" in {part.text for part in decorator.parts}
        or "before_flush" in {part.text for part in decorator.parts}
        for function in code.functions("sqlalchemy", "sqlmodel")
        for decorator in function.function.decorators
        if decorator.kind == "call" and method(decorator) in {"listens_for", "listen"}
    )


def _touched(code: Code) -> dict[str, list[tuple[FunctionRef, str]]]:
    """For each such column, where code sets it: the function, and on what."""
    found: dict[str, list[tuple[FunctionRef, str]]] = {}
    for function in code.functions("datetime", "sqlmodel", "sqlalchemy"):
        for stmt in function.statements:
            for target in stmt.exprs[:-1] if stmt.kind == "assign" else ():
                owner, _, last = target.text.rpartition(".")
                if owner and _UPDATED.match(last):
                    found.setdefault(last, []).append((function, owner))
    return found


def _is_assigned(
    code: Code, model: Model, column: str, touched: list[tuple[FunctionRef, str]]
) -> bool:
    """Whether some code assigns the column on something that may be a row of the table."""
    others = sum(column in other.columns for other in code.models.all.values())
    hint = model.name.lower()
    return any(
        others == 1
        or hint in owner.lower()
        or owner.lower() in hint
        or owner in _ROWS
        or _holds(code, function, owner, model)
        for function, owner in touched
    )


def _holds(code: Code, function: FunctionRef, name: str, model: Model) -> bool:
    return any(name in query.names and query.model is model for query in code.queries.of(function))


_HEAD = """
from datetime import datetime
from sqlalchemy import func
from sqlmodel import Field, SQLModel
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
"""

RULE = Rule(
    id="BG408",
    name="updated-at-stale",
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    cwe=778,
    message="updated_at has no onupdate: it is right only where code remembers to set it.",
    why=(
        "Every update path must then set it by hand, and one forgets. "
        "`sa_column_kwargs={'onupdate': …}`, or the timestamps of `betterguard.schema`, do it "
        "for every path. Medium where no code sets it at all."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(
        Snippet.of(
            _HEAD + "    updated_at: datetime = Field(sa_column_kwargs={'onupdate': func.now()})\n"
        ),
    ),
    invalid=(Snippet.of(_HEAD + "    updated_at: datetime\n"),),
    fixed=(
        Snippet.of("""
from datetime import datetime, timezone
from sqlalchemy import func
from sqlmodel import Field, SQLModel
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    updated_at: datetime = Field(sa_column_kwargs={"onupdate": lambda: datetime.now(timezone.utc)})
"""),
    ),
)
