"""A small application's tables, filled for Alice and for Bob, on SQLite and PostgreSQL.

Whatever Alice runs must give what it gives in a world where Bob never was.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    column_property,
    deferred,
    mapped_column,
    relationship,
)

from betterguard import rows
from betterguard.rows import Owned, closed, owned_reference, owned_unique, shared, via

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.servers.postgres import Postgres

ALICE, BOB = "alice", "bob"
BOBS = "BOBS"
"""Stands in every text of Bob's rows."""

FIRST_OF_BOB = 101
APP_ROLE = "app"
NUMBERED = ("folder", "tag", "note", "comment", "reaction", "item")


@cache
def models(*, keys: bool = True) -> SimpleNamespace:
    """Declare the tables; without ``keys`` they have single-column keys, as most schemas."""

    class Base(DeclarativeBase):
        pass

    def reference(column: str, to: str) -> sa.ForeignKeyConstraint:
        return owned_reference(column, to) if keys else sa.ForeignKeyConstraint([column], [to])

    def unique(column: str) -> sa.UniqueConstraint:
        return owned_unique(column) if keys else sa.UniqueConstraint(column)

    class Country(Base):
        __tablename__ = "country"
        __table_args__ = {"info": shared()}
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        notes: Mapped[list[Note]] = relationship(back_populates="country", viewonly=True)

    class Folder(Owned, Base):
        __tablename__ = "folder"
        __table_args__ = (owned_unique("id"), unique("name"))
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        notes: Mapped[list[Note]] = relationship(back_populates="folder", overlaps="country")

    note_tag = sa.Table(
        "note_tag",
        Base.metadata,
        sa.Column("note_id", sa.ForeignKey("note.id"), primary_key=True),
        sa.Column("tag_id", sa.ForeignKey("tag.id"), primary_key=True),
        info=via("note_id", "tag_id"),
    )

    class Note(Owned, Base):
        __tablename__ = "note"
        __table_args__ = (owned_unique("id"), unique("slug"), reference("folder_id", "folder.id"))
        id: Mapped[int] = mapped_column(primary_key=True)
        title: Mapped[str] = mapped_column()
        secret: Mapped[str] = deferred(mapped_column(sa.Text))
        slug: Mapped[str]
        stars: Mapped[int] = mapped_column(default=0)
        folder_id: Mapped[int | None]
        country_id: Mapped[int] = mapped_column(
            sa.ForeignKey("country.id", ondelete="RESTRICT" if keys else "CASCADE")
        )
        folder: Mapped[Folder | None] = relationship(back_populates="notes")
        country: Mapped[Country] = relationship(back_populates="notes")
        comments: Mapped[list[Comment]] = relationship(
            back_populates="note", cascade="all, delete-orphan", order_by="Comment.id"
        )
        tags: Mapped[list[Tag]] = relationship(secondary=note_tag, back_populates="notes")
        tag_names = association_proxy("tags", "name")
        shout = column_property(sa.func.upper("note: ", type_=sa.Text) + title)

    class Comment(Base):
        __tablename__ = "comment"
        __table_args__ = {"info": via("note_id")}
        id: Mapped[int] = mapped_column(primary_key=True)
        note_id: Mapped[int] = mapped_column(sa.ForeignKey("note.id"))
        body: Mapped[str]
        note: Mapped[Note] = relationship(back_populates="comments")

    class Reaction(Base):
        __tablename__ = "reaction"
        __table_args__ = {"info": via("comment_id")}
        id: Mapped[int] = mapped_column(primary_key=True)
        comment_id: Mapped[int] = mapped_column(sa.ForeignKey("comment.id"))
        emoji: Mapped[str]

    class Tag(Owned, Base):
        __tablename__ = "tag"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        notes: Mapped[list[Note]] = relationship(secondary=note_tag, back_populates="tags")

    class Item(Owned, Base):
        __tablename__ = "item"
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "item"}
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        label: Mapped[str]

    class Todo(Item):
        __tablename__ = "todo"
        __table_args__ = {"info": via("id")}
        __mapper_args__ = {"polymorphic_identity": "todo"}
        id: Mapped[int] = mapped_column(sa.ForeignKey("item.id"), primary_key=True)
        due: Mapped[str]

    class Credential(Base):
        __tablename__ = "credential"
        __table_args__ = {"info": closed()}
        id: Mapped[int] = mapped_column(primary_key=True)
        password: Mapped[str]

    Note.comment_count = column_property(
        sa.select(sa.func.count(Comment.id))
        .where(Comment.note_id == Note.id)
        .correlate_except(Comment)
        .scalar_subquery()
    )
    # New rows get the same ids in every world.
    for table in Base.metadata.tables.values():
        table.dialect_options["sqlite"]["autoincrement"] = table.name in NUMBERED
    classes = (Country, Folder, Note, Comment, Reaction, Tag, Item, Todo, Credential)
    named = {kind.__name__: kind for kind in classes}
    return SimpleNamespace(metadata=Base.metadata, note_tag=note_tag, **named)


def fill(connection: sa.Connection, metadata: sa.MetaData, users: tuple[str, ...]) -> None:
    """Insert the same rows for each user, with Bob's mark in every text of Bob's."""
    tables = metadata.tables
    countries = [{"id": 1, "name": "Norway"}, {"id": 2, "name": "Peru"}, {"id": 3, "name": "Chad"}]
    connection.execute(tables["country"].insert(), countries)
    connection.execute(tables["credential"].insert(), [{"id": 1, "password": BOBS}])
    for user in users:
        for name, lines in _rows_of(user).items():
            connection.execute(tables[name].insert(), lines)


def _rows_of(user: str) -> Mapping[str, list[dict[str, Any]]]:
    first, text = (1, "mine") if user == ALICE else (FIRST_OF_BOB, BOBS)
    own, ids = {"user_id": user}, range(first, first + 3)
    return {
        "folder": [{"id": n, "name": f"{text} folder {n}", **own} for n in ids],
        "tag": [{"id": n, "name": f"{text} tag {n}", **own} for n in ids],
        "note": [
            {
                "id": n,
                "title": f"{text} note {n}",
                "secret": f"{text} secret {n}",
                "slug": f"{text}-{n}",
                "stars": n,
                "folder_id": n,
                "country_id": 1 if user == ALICE else 1 + (n % 2),
                **own,
            }
            for n in ids
        ],
        "comment": [
            {"id": n * 10 + i, "note_id": n, "body": f"{text} comment {n}.{i}"}
            for n in ids
            for i in (1, 2)
        ],
        "reaction": [{"id": n, "comment_id": n * 10 + 1, "emoji": f"{text} {n}"} for n in ids],
        "note_tag": [{"note_id": n, "tag_id": n} for n in ids],
        "item": [{"id": n, "kind": "todo", "label": f"{text} item {n}", **own} for n in ids],
        "todo": [{"id": n, "due": f"{text} due {n}"} for n in ids],
    }


Rows = dict[str, list[tuple[Any, ...]]]


@dataclass
class World:
    """One database, and how to reach it: as its owner, and as the application does."""

    models: SimpleNamespace
    owner: sa.Engine
    app_url: sa.URL
    users: tuple[str, ...] = (ALICE, BOB)
    dirty: bool = True
    at_first: tuple[Rows, Rows] = ({}, {})
    others: SimpleNamespace | None = None

    @property
    def kinds(self) -> SimpleNamespace:
        """Give the classes that paths use: those of ``models``, or others on the same tables."""
        return self.others or self.models

    @property
    def is_postgres(self) -> bool:
        return self.owner.dialect.name == "postgresql"

    def create(self, *, policies: bool = True) -> None:
        """Create the tables, and on PostgreSQL the policies and the application's grants."""
        metadata = self.models.metadata
        metadata.create_all(self.owner)
        if not self.is_postgres:
            return
        with self.owner.begin() as connection:
            extra = rows.policies(metadata, role=APP_ROLE) if policies else ()
            for statement in (*extra, *rows.grants(metadata, role=APP_ROLE)):
                connection.exec_driver_sql(statement.replace("%", "%%"))

    def reset(self) -> None:
        """Put the rows back as they were, unless nothing has been written since."""
        if not self.dirty:
            return
        self._refill()
        self.at_first = self.rows()

    def _refill(self) -> None:
        tables = self.models.metadata.sorted_tables
        with self.owner.begin() as connection:
            if self.is_postgres:
                names = ", ".join(table.name for table in tables)
                connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
            else:
                for table in reversed(tables):
                    connection.execute(table.delete())
            fill(connection, self.models.metadata, self.users)
            if self.is_postgres:
                every = ", ".join(f"setval('{name}_id_seq', 5000)" for name in NUMBERED)
                connection.exec_driver_sql(f"SELECT {every}")
            else:
                connection.exec_driver_sql("UPDATE sqlite_sequence SET seq = 5000")

    def rows(self) -> tuple[Rows, Rows]:
        """Give Bob's rows and the others', by table: what the owner sees."""
        bobs, others = {}, {}
        with self.owner.connect() as connection:
            for table in self.models.metadata.sorted_tables:
                lines = sorted((tuple(one) for one in connection.execute(table.select())), key=repr)
                bobs[table.name] = [line for line in lines if _is_bobs(line)]
                others[table.name] = [line for line in lines if not _is_bobs(line)]
        return bobs, others

    def dispose(self) -> None:
        self.owner.dispose()


def _is_bobs(line: tuple[Any, ...]) -> bool:
    if ALICE in line:
        return False
    if any(isinstance(value, str) and (BOBS in value or value == BOB) for value in line):
        return True
    return all(isinstance(value, int) and FIRST_OF_BOB <= value < 5000 for value in line)


def sqlite_world(
    folder: Path, *, keys: bool = True, users: tuple[str, ...] = (ALICE, BOB)
) -> World:
    """Make a world in an SQLite file, with foreign keys checked."""
    folder.mkdir(parents=True, exist_ok=True)
    url = sa.URL.create("sqlite", database=str(folder / "world.db"))
    world = World(models(keys=keys), with_foreign_keys(sa.create_engine(url)), url, users)
    world.create()
    return world


def postgres_world(
    postgres: Postgres,
    *,
    keys: bool = True,
    policies: bool = True,
    users: tuple[str, ...] = (ALICE, BOB),
) -> World:
    """Make a world in a new PostgreSQL database, which the application's role does not own."""
    postgres.server.psql(
        f"DO $$ BEGIN CREATE ROLE {APP_ROLE} LOGIN; EXCEPTION WHEN duplicate_object THEN END $$"
    )
    database = postgres.new_database()
    owner = sa.create_engine(postgres.url("psycopg", database))
    user = APP_ROLE if policies else "postgres"
    world = World(models(keys=keys), owner, postgres.url("psycopg", database, user), users)
    world.create(policies=policies)
    return world


def with_foreign_keys(engine: sa.Engine) -> sa.Engine:
    """Let SQLite check foreign keys, as PostgreSQL always does."""

    def switch_on(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    event.listen(engine, "connect", switch_on)
    return engine


@dataclass(frozen=True)
class Outcome:
    """What came of a path: the value it gave or the error it raised, and the rows afterwards."""

    value: object
    error: BaseException | None
    bobs: Mapping[str, Any]
    others: Mapping[str, Any]

    def shows_bob(self) -> bool:
        return BOBS in repr(self.value)


def plain(value: object) -> object:
    """Turn results and mapped objects into sorted lists and tuples that can be compared."""
    if isinstance(value, sa.CursorResult) and not value.returns_rows:
        return None
    if isinstance(value, sa.Result | sa.ScalarResult):
        value = value.all()
    if hasattr(value, "__mapper__"):
        state = sa.inspect(value)
        columns = {
            prop.key: state.dict[prop.key]
            for prop in state.mapper.column_attrs
            if prop.key in state.dict
        }
        return (type(value).__name__, sorted(columns.items(), key=repr))
    if isinstance(value, sa.Row | tuple):
        return tuple(plain(one) for one in value)
    if isinstance(value, dict):
        return sorted(((key, plain(one)) for key, one in value.items()), key=repr)
    if isinstance(value, list | set):
        return sorted((plain(one) for one in value), key=repr)
    return value


def outcome(world: World, run: Callable[[], object], *, reads: bool = False) -> Outcome:
    """Run something that ends its own transaction, and look at the rows afterwards."""
    world.reset()
    value, error = None, None
    try:
        value = run()
    except Exception as err:  # noqa: BLE001  # an outcome as any other, judged by the test
        error = err
    bobs, others = world.rows()
    # A rolled-back INSERT leaves the rows as they were and takes a number from the sequence.
    world.dirty = not reads or (bobs, others) != world.at_first
    changed = {name: lines for name, lines in bobs.items() if lines != world.at_first[0][name]}
    return Outcome(value, error, changed, others)


def as_alice(session: Session, path: Callable[[Session, Any], object], kinds: Any) -> object:
    """Run a path and commit, as a request would."""
    value = plain(path(session, kinds))
    session.commit()
    return value


def plain_run(world: World, path: Callable[[Session, Any], object]) -> Callable[[], object]:
    """Run a path on the owner's engine, with no wall at all."""

    def run() -> object:
        # The option lets the owner column's default name Alice; nothing else reads it here.
        with Session(world.owner.execution_options(betterguard_user=ALICE)) as session:
            return as_alice(session, path, world.kinds)

    return run
