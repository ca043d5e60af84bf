"""What is stored, and what comes in."""

from sqlmodel import Field, SQLModel

from betterguard.schema.sqlmodel import Timestamps


class TaskIn(SQLModel):
    title: str
    done: bool = False


class TaskOut(Timestamps, TaskIn):
    id: int


class Task(Timestamps, TaskIn, table=True):
    id: int | None = Field(default=None, primary_key=True)
    user_id: str = Field(index=True)
