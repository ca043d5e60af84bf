"""A base for SQLModel's models whose tables no other test, and no application, meets."""

from __future__ import annotations

from sqlalchemy.orm import registry
from sqlmodel import SQLModel

__all__ = ["Tables"]


class Tables(SQLModel, registry=registry()):
    """SQLModel with tables of its own."""
