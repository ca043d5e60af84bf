"""What is stored, and what comes in."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class TaskIn(SQLModel):
    title: str
    done: bool = False


class TaskOut(TaskIn):
    id: int
    created_at: datetime
    updated_at: datetime


class Task(TaskIn, table=True):
    id: int | None = Field(default=None, primary_key=True)
    user_id: str = Field(index=True)
    created_at: datetime = Field(default_factory=datetime.utcnow)
    updated_at: datetime = Field(default_factory=datetime.utcnow)
