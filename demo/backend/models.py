"""A task, as it is stored, as it comes in and as it goes out."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import DateTime
from sqlmodel import Field, SQLModel

__all__ = ["Task", "TaskChanges", "TaskIn", "TaskOut"]

LONGEST_TITLE = 200


def now() -> datetime:
    """Give the time with its zone: a naive one means something else on every machine."""
    return datetime.now(UTC)


class TaskIn(SQLModel):
    """A whole task as its owner writes it. Whose it is comes from the token, never from here."""

    title: str = Field(min_length=1, max_length=LONGEST_TITLE)
    done: bool = False


class TaskChanges(SQLModel):
    """The parts of a task that a PATCH changes; what is left out stays as it is."""

    title: str | None = Field(default=None, min_length=1, max_length=LONGEST_TITLE)
    done: bool | None = None


class TaskOut(TaskIn):
    """A task as the API gives it."""

    id: int
    created_at: datetime
    updated_at: datetime


class Task(TaskIn, table=True):
    """A task in the database; ``user_id`` is the id that Better Auth gave its owner."""

    id: int | None = Field(default=None, primary_key=True)
    user_id: str = Field(index=True)
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(
        default_factory=now,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"onupdate": now},
    )
