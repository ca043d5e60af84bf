"""A table that does not say when its rows were made or changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.models import Model

_CREATED = re.compile(
    r"^(?:created(?:_?at|_?on|_?date|_?time)?|createdAt|date_created|inserted_at|date_added)$"
)
_UPDATED = re.compile(
    r"^(?:updated(?:_?at|_?on|_?date|_?time)?|updatedAt|update_at|last_(?:modified|updated)|changed_at"
    r"|modified(?:_?at|_?on|_?date|_?time)?|date_(?:updated|modified))$"
)
_TIMES = re.compile(r"\.\w*(?:Time|Audit|Created|Updated)\w*$")
_APPEND_ONLY = re.compile(
    r"message|log|event|audit|history|notification|processed|outbox|activity", re.IGNORECASE
)


def check(code: Code) -> Iterator[Hit]:
    """Tables of a project that keeps times elsewhere, or whose rows have owners."""
    models = [
        model
        for model in code.models.all.values()
        if not model.is_link and not _inherits_times(code, model)
    ]
    kept = any(_has(model, _CREATED) for model in models)
    for model in models:
        missing = [
            name
            for name, pattern in (("created_at", _CREATED), ("updated_at", _UPDATED))
            if not _has(model, pattern)
        ]
        if not missing or not (kept or model.owner):
            continue
        log_like = bool(_APPEND_ONLY.search(model.name))
        only_updated = missing == ["updated_at"]
        yield Hit(
            model.ref.file.path,
            model.ref.klass.pos,
            f"{model.name} has no {' and no '.join(missing)}",
            Severity.INFO if log_like and only_updated else Severity.LOW,
            Confidence.MEDIUM,
        )


def _inherits_times(code: Code, model: Model) -> bool:
    """Whether a library's base that cannot be read gives the columns, by its name."""
    return any(_TIMES.search(base) for base in code.project.foreign_bases(model.ref))


def _has(model: Model, pattern: re.Pattern[str]) -> bool:
    return any(pattern.match(name) for name in model.columns)


_HEAD = """
from datetime import datetime
from sqlmodel import Field, SQLModel
"""

RULE = Rule(
    id="BG407",
    name="missing-timestamps",
    severity=Severity.LOW,
    confidence=Confidence.MEDIUM,
    cwe=778,
    message="A table lacks created_at or updated_at.",
    why=(
        "Without them nobody can tell after an incident which rows were touched, and "
        "synchronising or sorting needs a migration later. Association tables are left alone; "
        "rows that are only ever added need no `updated_at`, which is reported as information."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of(
            _HEAD + "from betterguard.schema.sqlmodel import Timestamps\n"
            "class Task(Timestamps, SQLModel, table=True):\n"
            "    id: int | None = Field(default=None, primary_key=True)\n    user_id: str\n"
        ),
        Snippet.of(
            _HEAD + "class Task(SQLModel, table=True):\n"
            "    id: int | None = Field(default=None, primary_key=True)\n    user_id: str\n"
            "    created_date: datetime\n    updated_date: datetime\n"
        ),
        Snippet.of(
            _HEAD + "class Times(SQLModel):\n    created_at: datetime\n    updated_at: datetime\n"
            "class Task(Times, table=True):\n"
            "    id: int | None = Field(default=None, primary_key=True)\n    user_id: str\n"
        ),
        Snippet.of(
            _HEAD + "class TaskTag(SQLModel, table=True):\n"
            "    task_id: int = Field(foreign_key='task.id', primary_key=True)\n"
            "    tag_id: int = Field(foreign_key='tag.id', primary_key=True)\n"
        ),
    ),
    invalid=(
        Snippet.of(
            _HEAD + "class Task(SQLModel, table=True):\n"
            "    id: int | None = Field(default=None, primary_key=True)\n"
            "    user_id: str\n    created_at: datetime\n"
        ),
    ),
    fixed=(
        Snippet.of("""
from datetime import datetime, timezone
from sqlmodel import Field, SQLModel
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    user_id: str
    created_at: datetime
    updated_at: datetime = Field(default_factory=lambda: datetime.now(timezone.utc), sa_column_kwargs={"onupdate": lambda: datetime.now(timezone.utc)})
"""),
    ),
)
