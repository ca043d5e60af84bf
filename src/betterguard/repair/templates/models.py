"""The tables: each says whose its rows are, and when they were made and changed."""

from __future__ import annotations

from typing import Annotated

from betterguard.rows import owned_index
from betterguard.rows.sqlmodels import OwnedModel
from betterguard.schema.sqlmodel import Timestamps
from pydantic import StringConstraints
from sqlmodel import Field, SQLModel

__all__ = ["Task", "TaskChanges", "TaskIn", "TaskOut"]

# PostgreSQL's text holds every character but NUL.
Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$"),
]


class TaskIn(SQLModel):
    """A whole task as its owner writes it. Whose it is comes from the token, never from here."""

    title: Title
    done: bool = False


class TaskChanges(SQLModel):
    """The parts of a task that a PATCH changes; what is left out, or null, stays as it is."""

    title: Title | None = None
    done: bool | None = None


class TaskOut(Timestamps, TaskIn):
    """A task as the API gives it."""

    id: int


class Task(OwnedModel, Timestamps, TaskIn, table=True):
    """A task in the database; ``user_id`` is the id that Better Auth gave its owner.

    The session fills it in. Of tables without an owner of their own say in ``__table_args__``
    whose the rows are: ``{"info": via("task_id")}``, ``shared()`` or ``closed()``.
    """

    __table_args__ = (owned_index("task_of_user", "id"),)

    id: int | None = Field(default=None, primary_key=True)
