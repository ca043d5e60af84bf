"""A task, as it is stored, as it comes in and as it goes out."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints
from sqlmodel import Field, SQLModel

from betterguard.rows import owner
from betterguard.schema import map_better_auth
from betterguard.schema.sqlmodel import Timestamps

__all__ = ["LARGEST_ID", "Task", "TaskChanges", "TaskIn", "TaskOut"]

LARGEST_ID = 2**31 - 1  # of PostgreSQL's integer
Title = Annotated[
    str,
    # PostgreSQL's text holds every character but NUL.
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$"),
]


map_better_auth(SQLModel)  # so that "user.id" below is Better Auth's user


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


class Task(Timestamps, TaskIn, table=True):
    """A task in the database; the session that inserts it gives it its owner."""

    id: int | None = Field(default=None, primary_key=True)
    user_id: str = Field(
        default=None,
        foreign_key="user.id",
        index=True,
        ondelete="CASCADE",
        sa_column_kwargs=owner(),
    )
