"""created_at and updated_at: set by the application, by the server, and moved by every update."""

from __future__ import annotations

import time
from collections.abc import Callable  # noqa: TC003 - pytest reads the annotations of parameters
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Row,
    Table,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlmodel import Field

from betterguard.schema import Timestamps, UtcDateTime, naive_server_utcnow, updated_at_trigger
from betterguard.schema.sqlmodel import Timestamps as SQLModelTimestamps
from tests.schema.databases import Database  # noqa: TC001 - as above
from tests.schema.tables import Tables

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SLACK = timedelta(minutes=5)


class Base(DeclarativeBase):
    pass


class Note(Timestamps, Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str] = mapped_column(default="")


class Memo(SQLModelTimestamps, Tables, table=True):
    id: int | None = Field(default=None, primary_key=True)
    body: str = ""


MODELS = [pytest.param(Note, id="sqlalchemy"), pytest.param(Memo, id="sqlmodel")]


def _recreate(connection: Connection, model: type[Any]) -> None:
    model.__table__.drop(connection, checkfirst=True)
    model.__table__.create(connection)


def _recent(moment: datetime) -> bool:
    return abs(datetime.now(UTC) - moment) < SLACK


@pytest.mark.parametrize("model", MODELS)
def test_the_application_sets_both(any_driver: Database, model: type[Any]) -> None:
    def work(connection: Connection) -> tuple[datetime, datetime]:
        _recreate(connection, model)
        with Session(connection) as session:
            row = model(body="a")
            session.add(row)
            session.flush()
            # Not expired: reading them sends no query, which an AsyncSession could not.
            assert "created_at" in row.__dict__
            return row.created_at, row.updated_at

    assert all(map(_recent, any_driver.run(work)))


@pytest.mark.parametrize("model", MODELS)
def test_the_server_sets_both_at_each_insert(database: Database, model: type[Any]) -> None:
    def create(connection: Connection) -> None:
        _recreate(connection, model)
        name = model.__tablename__
        connection.execute(text(f"INSERT INTO {name} (body) VALUES ('past the application')"))  # noqa: S608 - the test's own name

    def read(connection: Connection) -> Row[Any, Any]:
        return connection.execute(select(model.created_at, model.updated_at)).one()

    database.run(create)
    assert all(map(_recent, database.run(read)))


def test_the_server_default_is_evaluated_at_each_insert(postgres_only: Database) -> None:
    postgres_only.run(lambda connection: _recreate(connection, Note))

    def insert_one(connection: Connection) -> datetime:
        statement = text("INSERT INTO note (body) VALUES ('') RETURNING created_at")
        moment: datetime = connection.execute(statement).scalar_one()
        return moment

    assert postgres_only.run(insert_one) < postgres_only.run(insert_one)


def _by_attribute(session: Session, model: type[Any]) -> None:
    session.scalars(select(model)).one().body = "new"


def _by_orm_update(session: Session, model: type[Any]) -> None:
    session.execute(update(model).where(model.id == 1).values(body="new"))


def _by_primary_keys(session: Session, model: type[Any]) -> None:
    session.execute(update(model), [{"id": 1, "body": "new"}])


def _by_core(session: Session, model: type[Any]) -> None:
    session.connection().execute(update(model.__table__).values(body="new"))


def _by_mappings(session: Session, model: type[Any]) -> None:
    session.bulk_update_mappings(model, [{"id": 1, "body": "new"}])


UPDATES = [
    pytest.param(_by_attribute, id="attribute"),
    pytest.param(_by_orm_update, id="orm-update"),
    pytest.param(_by_primary_keys, id="orm-update-by-primary-keys"),
    pytest.param(_by_core, id="core-update"),
    pytest.param(_by_mappings, id="bulk-mappings"),
]


@pytest.mark.parametrize("change", UPDATES)
@pytest.mark.parametrize("model", MODELS)
def test_every_update_moves_updated_at_alone(
    any_driver: Database, model: type[Any], change: Callable[[Session, type[Any]], None]
) -> None:
    def work(connection: Connection) -> tuple[str, datetime, datetime]:
        _recreate(connection, model)
        connection.execute(
            insert(model.__table__).values(id=1, created_at=LONG_AGO, updated_at=LONG_AGO)
        )
        with Session(connection) as session:
            change(session, model)
            session.flush()
            session.expire_all()
            row = session.scalars(select(model)).one()
            return row.body, row.created_at, row.updated_at

    body, created, updated = any_driver.run(work)
    assert (body, created) == ("new", LONG_AGO)
    assert _recent(updated)


def test_an_upsert_moves_updated_at_when_told(postgres_only: Database) -> None:
    def work(connection: Connection) -> datetime:
        _recreate(connection, Note)
        table = Note.metadata.tables["note"]
        connection.execute(insert(table).values(id=1, created_at=LONG_AGO, updated_at=LONG_AGO))
        new = postgres_insert(table).values(id=1, body="new")
        changes = {"body": new.excluded.body, "updated_at": new.excluded.updated_at}
        connection.execute(new.on_conflict_do_update(index_elements=["id"], set_=changes))
        return connection.execute(select(Note.updated_at)).scalar_one()

    assert _recent(postgres_only.run(work))


@pytest.mark.parametrize("model", MODELS)
def test_the_columns_forbid_null_and_come_last(model: type[Any]) -> None:
    columns = model.__table__.columns
    assert not columns["created_at"].nullable
    assert not columns["updated_at"].nullable
    if model is Note:
        assert list(columns.keys()) == ["id", "body", "created_at", "updated_at"]


def test_a_number_is_refused_by_name(postgres_only: Database) -> None:
    number: Any = int(time.time())

    def work(connection: Connection) -> None:
        with Session(connection) as session:
            session.add(Memo(created_at=number))
            session.flush()

    with pytest.raises(ValueError, match=r"^memo\.created_at: .*instead of `int\(time\.time\(\)\)"):
        postgres_only.run(work)


def test_the_zoneless_server_default_is_utc(database: Database) -> None:
    table = Table(
        "zoneless",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("at", UtcDateTime(timezone=False), server_default=naive_server_utcnow()),
    )

    def work(connection: Connection) -> datetime:
        table.drop(connection, checkfirst=True)
        table.create(connection)
        connection.execute(text("INSERT INTO zoneless (id) VALUES (1)"))
        moment: datetime = connection.execute(select(table.c.at)).scalar_one()
        return moment

    assert _recent(database.run(work))


# The trigger -----------------------------------------------------------------------------------

odd = MetaData(schema='odd "name')
TRIGGERED = [
    pytest.param(Note.metadata.tables["note"], id="zoned"),
    pytest.param(
        Table(
            "select",
            odd,
            Column("id", Integer, primary_key=True),
            Column("body", Integer),
            Column("updated_at", UtcDateTime(timezone=False)),
        ),
        id="zoneless-oddly-named",
    ),
]


def _trigger(connection: Connection, table: Table) -> None:
    connection.execute(text('DROP SCHEMA IF EXISTS "odd ""name" CASCADE'))
    connection.execute(text('CREATE SCHEMA "odd ""name"'))
    table.drop(connection, checkfirst=True)
    table.create(connection)
    for _again in range(2):
        for statement in updated_at_trigger(table):
            connection.exec_driver_sql(statement)
    connection.execute(insert(table).values(id=1, updated_at=LONG_AGO))


@pytest.mark.parametrize("table", TRIGGERED)
def test_the_trigger_moves_what_others_update(postgres_session: Database, table: Table) -> None:
    def work(connection: Connection) -> datetime:
        _trigger(connection, table)
        name = connection.dialect.identifier_preparer.format_table(table)
        connection.exec_driver_sql(f"UPDATE {name} SET body = '7'")  # noqa: S608 - the test's own name
        moment: datetime = connection.execute(select(table.c.updated_at)).scalar_one()
        return moment

    assert _recent(postgres_session.run(work))


def test_the_trigger_leaves_an_unchanged_row_alone(postgres_only: Database) -> None:
    table = Note.metadata.tables["note"]

    def work(connection: Connection) -> datetime:
        _trigger(connection, table)
        connection.exec_driver_sql("UPDATE note SET body = body")
        moment: datetime = connection.execute(select(table.c.updated_at)).scalar_one()
        return moment

    assert postgres_only.run(work) == LONG_AGO


def test_the_trigger_moves_within_a_transaction(postgres_only: Database) -> None:
    table = Note.metadata.tables["note"]

    def work(connection: Connection) -> list[datetime]:
        _trigger(connection, table)
        found = []
        for body in "ab":
            connection.exec_driver_sql("UPDATE note SET body = %s", (body,))
            found.append(connection.execute(select(table.c.updated_at)).scalar_one())
        return found

    first, second = postgres_only.run(work)
    assert first < second


def test_the_trigger_needs_the_column() -> None:
    table = Table("bare", MetaData(), Column("id", Integer, primary_key=True))
    with pytest.raises(KeyError, match="updated_at"):
        updated_at_trigger(table)
