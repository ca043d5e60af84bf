"""An application's tables, as ``--metadata`` finds them."""

from __future__ import annotations

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from betterguard.rows import Owned
from betterguard.schema import Timestamps


class Base(DeclarativeBase):
    """What the application's tables are declared on."""


class Note(Owned, Timestamps, Base):
    """A user's note."""

    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
