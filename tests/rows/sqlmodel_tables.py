"""The tables of the world once more, as SQLModel's models; without joined inheritance."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import registry, relationship
from sqlmodel import Field, Relationship, SQLModel

from betterguard.rows import closed, owned_reference, owned_unique, shared, via
from betterguard.rows.sqlmodels import OwnedModel

if TYPE_CHECKING:
    from tests.rows.path import Path

__all__ = ["SQLMODELS", "suits_sqlmodel"]

# SQLModel's session deprecates query().
WITHOUT = frozenset({"Item", "Todo", "shout", "comment_count", "tag_names", "query"})


class Tables(SQLModel, registry=registry()):
    """The base: a registry and a metadata of their own."""


def related(to: str, **options: Any) -> Any:
    return Relationship(sa_relationship=relationship(to, **options))


class Country(Tables, table=True):
    __table_args__ = {"info": shared()}
    id: int | None = Field(default=None, primary_key=True)
    name: str
    notes: list[Any] = related("Note", back_populates="country", viewonly=True)


class Folder(OwnedModel, Tables, table=True):
    __table_args__ = (owned_unique("id"), owned_unique("name"))
    id: int | None = Field(default=None, primary_key=True)
    name: str
    notes: list[Any] = related("Note", back_populates="folder", overlaps="country")


note_tag = sa.Table(
    "note_tag",
    Tables.metadata,
    sa.Column("note_id", sa.ForeignKey("note.id"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("tag.id"), primary_key=True),
    info=via("note_id", "tag_id"),
)


class Note(OwnedModel, Tables, table=True):
    __table_args__ = (
        owned_unique("id"),
        owned_unique("slug"),
        owned_reference("folder_id", "folder.id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    title: str
    secret: str
    slug: str
    stars: int = 0
    folder_id: int | None = None
    country_id: int = Field(foreign_key="country.id", ondelete="RESTRICT")
    folder: Any = related("Folder", back_populates="notes")
    country: Any = related("Country", back_populates="notes")
    comments: list[Any] = related(
        "Comment", back_populates="note", cascade="all, delete-orphan", order_by="Comment.id"
    )
    tags: list[Any] = related("Tag", secondary=note_tag, back_populates="notes")


class Comment(Tables, table=True):
    __table_args__ = {"info": via("note_id")}
    id: int | None = Field(default=None, primary_key=True)
    note_id: int = Field(foreign_key="note.id")
    body: str
    note: Any = related("Note", back_populates="comments")


class Reaction(Tables, table=True):
    __table_args__ = {"info": via("comment_id")}
    id: int | None = Field(default=None, primary_key=True)
    comment_id: int = Field(foreign_key="comment.id")
    emoji: str


class Tag(OwnedModel, Tables, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    notes: list[Any] = related("Note", secondary=note_tag, back_populates="tags")


class Credential(Tables, table=True):
    __table_args__ = {"info": closed()}
    id: int | None = Field(default=None, primary_key=True)
    password: str


SQLMODELS = SimpleNamespace(
    metadata=Tables.metadata,
    note_tag=note_tag,
    **{kind.__name__: kind for kind in (Country, Folder, Note, Comment, Reaction, Tag, Credential)},
)


def suits_sqlmodel(path: Path) -> bool:
    """Tell whether a path needs nothing that SQLModel's models lack."""
    return WITHOUT.isdisjoint(_names(path.run.__code__))


def _names(code: Any) -> set[str]:
    inner = [const for const in code.co_consts if hasattr(const, "co_names")]
    return {*code.co_names, *(name for const in inner for name in _names(const))}
