"""A task, as it is stored, as it comes in and as it goes out."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from betterguard.rows.sqlmodels import OwnedModel
from betterguard.schema.sqlmodel import Timestamps

__all__ = ["Task", "TaskIn", "TaskOut"]


class TaskIn(SQLModel):
    """A task as its owner writes it. Whose it is comes from the token, never from here."""

    title: str = Field(min_length=1, max_length=200)
    done: bool = False


class TaskOut(Timestamps, TaskIn):
    """A task as the API gives it."""

    id: int


class Task(Timestamps, OwnedModel, TaskIn, table=True):
    """A task in the database; ``user_id`` is the id that Better Auth gave its owner."""

    id: int | None = Field(default=None, primary_key=True)
