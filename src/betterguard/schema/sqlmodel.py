"""The created_at and updated_at of ``betterguard.schema.Timestamps``, for SQLModel."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Field, SQLModel

from betterguard.schema.timestamps import UtcDateTime, utcnow

__all__ = ["Timestamps"]


class Timestamps(SQLModel):
    """``created_at`` and ``updated_at``, aware UTC, as fields of a SQLModel class."""

    created_at: datetime = Field(
        default_factory=utcnow,
        sa_type=UtcDateTime,
        sa_column_kwargs={"server_default": func.now()},
    )
    updated_at: datetime = Field(
        default_factory=utcnow,
        sa_type=UtcDateTime,
        sa_column_kwargs={"server_default": func.now(), "onupdate": utcnow},
    )
