"""The owner mixin for SQLModel, in its own file since SQLModel is imported only here."""

from __future__ import annotations

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from betterguard.rows.ownership import owner

__all__ = ["OwnedModel"]


class OwnedModel(SQLModel):
    """An SQLModel mixin: the row belongs to the user whose id is in ``user_id``.

    It is empty until the row is inserted, when the session gives it.
    """

    user_id: str = Field(default=None, sa_type=Text, sa_column_kwargs=owner())
