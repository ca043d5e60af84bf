"""Wall 3: keys that begin with the owner, so that the database itself knows no foreign row.

A single-column foreign key may point to another user's row, and a single-column UNIQUE tells
that another user has a value already: the database checks both past every filter and policy.
"""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint

__all__ = ["owned_index", "owned_reference", "owned_unique"]


def owned_reference(
    column: str, refers_to: str, *, owner: str = "user_id", ondelete: str | None = None
) -> ForeignKeyConstraint:
    """Give the foreign key ``(owner, column)`` to a row of the same owner.

    ``refers_to`` is ``"table.column"``; that table needs ``owned_unique("column")``. SET NULL
    would set the owner too, so give it as ``ondelete="SET NULL (column)"`` (PostgreSQL 15+).
    """
    table, _, key = refers_to.rpartition(".")
    return ForeignKeyConstraint(
        [owner, column], [f"{table}.{owner}", f"{table}.{key}"], ondelete=ondelete
    )


def owned_unique(*columns: str, owner: str = "user_id") -> UniqueConstraint:
    """Give ``UNIQUE (owner, …)``: unique among one user's rows, blind to the others'."""
    return UniqueConstraint(owner, *columns)


def owned_index(name: str, *columns: str, owner: str = "user_id") -> Index:
    """Give an index that leads with the owner, as every filtered statement looks rows up."""
    return Index(name, owner, *columns)
