"""Better Auth's tables, mapped: on what Better Auth itself made, and on other adapters' shapes."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    inspect,
    select,
)
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry, undefer
from sqlmodel import Field

from betterguard.errors import ConfigurationError
from betterguard.schema import (
    BetterAuthTables,
    BetterAuthUser,
    InvalidTimestamp,
    Layout,
    better_auth_class,
    map_better_auth,
)
from tests.schema.databases import Database, postgres_database, sqlite_database
from tests.schema.shapes import DRIZZLE, DRIZZLE_ON_SQLITE, PRISMA, Shape
from tests.schema.tables import Tables
from tests.servers.better_auth import Account, running_better_auth

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.postgres import Postgres

SLACK = timedelta(minutes=5)
MOMENT = datetime(2026, 3, 1, 12, 30, 45, 123000, tzinfo=UTC)
MODELS = ("user", "session", "account", "verification", "jwks")


@dataclass(frozen=True)
class Made:
    """A database that Better Auth's own migration made, with one person in it."""

    database: Database
    layout: Layout
    account: Account


IDS: list[Any] = [
    pytest.param("text", id="text-ids"),
    pytest.param("uuid", id="uuid-ids"),
    pytest.param("serial", id="serial-ids"),
]


def _sign_up(address: str, ids: Literal["text", "uuid", "serial"]) -> Account:
    with running_better_auth(database=address, generate_id="" if ids == "text" else ids) as server:
        account = server.sign_up()
        server.token(account)
        return account


@pytest.fixture(scope="module", params=IDS)
def made(request: pytest.FixtureRequest, postgres: Postgres) -> Made:
    """A PostgreSQL that a real Better Auth migrated and used."""
    name = postgres.new_database()
    account = _sign_up(postgres.libpq_url(name), request.param)
    database = postgres_database(postgres, zone="America/New_York", name=name)
    return Made(database, Layout(ids=request.param), account)


@pytest.fixture(scope="module")
def made_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """An SQLite file that a real Better Auth migrated and used."""
    database = sqlite_database(tmp_path_factory.mktemp("auth"))
    account = _sign_up(database.url.database or "", "text")
    return Made(database, Layout(dates="iso-text"), account)


def _mapped(layout: Layout | None = None) -> BetterAuthTables:
    return map_better_auth(MetaData(), layout)


def _recent(moment: datetime) -> bool:
    return moment.tzinfo is UTC and abs(datetime.now(UTC) - moment) < SLACK


# On what Better Auth's own migration made --------------------------------------------------------


def test_the_person_who_signed_up_is_found(made: Made) -> None:
    user = _mapped(made.layout).user
    with made.database.session() as session:
        found = session.scalars(select(user).where(user.email == made.account.email)).one()
    assert str(found.id) == made.account.user_id
    assert (found.name, found.email_verified, found.image) == ("Ada", False, None)
    assert _recent(found.created_at)


def test_an_id_has_the_type_of_the_layout(made: Made) -> None:
    user = _mapped(made.layout).user
    types = {"text": str, "uuid": uuid.UUID, "serial": int}
    with made.database.session() as session:
        assert type(session.scalars(select(user.id)).one()) is types[made.layout.ids]


@pytest.mark.parametrize("model", MODELS)
def test_every_mapped_column_exists(made: Made, model: str) -> None:
    table = inspect(getattr(_mapped(made.layout), model)).local_table
    with made.database.session() as session:
        session.execute(select(*table.columns)).all()


@pytest.mark.parametrize("model", MODELS)
def test_every_mapped_column_exists_on_sqlite(made_on_sqlite: Made, model: str) -> None:
    table = inspect(getattr(_mapped(made_on_sqlite.layout), model)).local_table
    with made_on_sqlite.database.session() as session:
        session.execute(select(*table.columns)).all()


def test_on_sqlite_dates_are_moments_and_booleans_boolean(made_on_sqlite: Made) -> None:
    user = _mapped(made_on_sqlite.layout).user
    with made_on_sqlite.database.session() as session:
        found = session.scalars(select(user)).one()
    assert _recent(found.created_at)
    assert found.email_verified is False


def test_sessions_and_keys_are_found(made: Made) -> None:
    auth = _mapped(made.layout)
    with made.database.session() as session:
        begun = session.scalars(select(auth.session)).one()
        key = session.scalars(select(auth.jwks)).one()
        assert str(begun.user_id) == made.account.user_id
        assert begun.expires_at > datetime.now(UTC) + timedelta(days=1)
        assert "BEGIN" in key.public_key or "kty" in key.public_key


# Foreign keys ------------------------------------------------------------------------------------


def _tasks(metadata: MetaData, layout: Layout) -> Table:
    return Table(
        "task",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("user_id", layout.id_type(), ForeignKey(layout.reference("user")), nullable=False),
    )


def test_a_foreign_key_to_the_user_holds(made: Made) -> None:
    auth = _mapped(made.layout)
    task = _tasks(auth.metadata, made.layout)
    with made.database.session() as session:
        auth.metadata.create_all(session.connection())
        mine = session.scalars(select(auth.user.id)).one()
        session.execute(task.insert().values(user_id=mine))
        nobody = {"text": "nobody", "uuid": uuid.uuid4(), "serial": 2_000_000}[made.layout.ids]
        with pytest.raises(IntegrityError, match="violates foreign key"):
            session.execute(task.insert().values(user_id=nobody))


def test_a_foreign_key_written_before_the_mapping_resolves() -> None:
    metadata = MetaData()
    task = _tasks(metadata, Layout())
    auth = map_better_auth(metadata)
    (key,) = task.foreign_keys
    assert key.column is inspect(auth.user).local_table.c.id


class Errand(Tables, table=True):
    id: int | None = Field(default=None, primary_key=True)
    user_id: str = Field(foreign_key="user.id", index=True)


def test_a_foreign_key_of_sqlmodel_holds(made_on_sqlite: Made) -> None:
    auth = map_better_auth(Tables)
    with made_on_sqlite.database.session() as session:
        session.connection().exec_driver_sql("PRAGMA foreign_keys = ON")
        Tables.metadata.create_all(session.connection())
        session.add(Errand(user_id=session.scalars(select(auth.user.id)).one()))
        session.flush()
        session.add(Errand(user_id="nobody"))
        with pytest.raises(IntegrityError, match="FOREIGN KEY"):
            session.flush()


# They are not ours -------------------------------------------------------------------------------


@pytest.mark.parametrize("checkfirst", [True, False])
def test_create_all_makes_none_of_them(postgres_only: Database, *, checkfirst: bool) -> None:
    auth = _mapped()
    Table("own", auth.metadata, Column("id", Integer, primary_key=True))
    with postgres_only.session() as session:
        auth.metadata.create_all(session.connection(), checkfirst=checkfirst)
        assert inspect(session.connection()).get_table_names() == ["own"]


def test_drop_all_drops_none_of_them(made: Made) -> None:
    auth = _mapped(made.layout)
    Table("own", auth.metadata, Column("id", Integer, primary_key=True))
    with made.database.session() as session:
        auth.metadata.create_all(session.connection())
        auth.metadata.drop_all(session.connection())
        left = set(inspect(session.connection()).get_table_names())
    assert left == set(MODELS)


def test_only_they_are_marked() -> None:
    auth = _mapped()
    own = Table("own", auth.metadata, Column("id", Integer, primary_key=True))
    assert better_auth_class(own) is None
    assert better_auth_class(inspect(auth.user).local_table) is auth.user


def test_their_info_can_be_given() -> None:
    auth = map_better_auth(MetaData(), info={"colour": "red"})
    tables = auth.metadata.tables.values()
    assert [table.info["colour"] for table in tables] == ["red"] * 5


# Secrets -----------------------------------------------------------------------------------------

SECRETS = [
    ("session", "token"),
    ("account", "password"),
    ("account", "access_token"),
    ("account", "refresh_token"),
    ("account", "id_token"),
    ("verification", "value"),
    ("verification", "identifier"),
    ("jwks", "private_key"),
]


@pytest.mark.parametrize(("model", "attribute"), SECRETS)
def test_a_secret_is_not_selected(model: str, attribute: str) -> None:
    auth = _mapped(Layout(columns="snake_case"))
    assert not re.search(rf"\.{attribute}\b", str(select(getattr(auth, model))))


@pytest.mark.parametrize(
    ("model", "attribute"), [("session", "token"), ("account", "password"), ("jwks", "private_key")]
)
def test_a_secret_is_loaded_only_when_asked_for(made: Made, model: str, attribute: str) -> None:
    cls = getattr(_mapped(made.layout), model)
    with made.database.session() as session:
        found = session.scalars(select(cls)).one()
        with pytest.raises(InvalidRequestError, match="raiseload=True"):
            getattr(found, attribute)
        session.expunge_all()
        asked = session.scalars(select(cls).options(undefer(getattr(cls, attribute)))).one()
        assert len(getattr(asked, attribute)) > 8


def test_a_repr_shows_the_id_alone(made: Made) -> None:
    auth = _mapped(made.layout)
    with made.database.session() as session:
        account = session.scalars(
            select(auth.account).options(undefer(auth.account.password))
        ).one()
        assert repr(account) == f"<AuthAccount id={account.id!r}>"
        session.expire(account)
        assert repr(account) == "<AuthAccount id=None>"


# Other shapes ------------------------------------------------------------------------------------


@pytest.fixture(
    params=[
        pytest.param(DRIZZLE, id="drizzle"),
        pytest.param(PRISMA, id="prisma"),
        pytest.param(DRIZZLE_ON_SQLITE, id="drizzle-sqlite"),
    ]
)
def shaped(
    request: pytest.FixtureRequest, postgres: Postgres, tmp_path: Path
) -> tuple[Database, Shape]:
    """A database as another adapter makes it, in sessions far from UTC."""
    shape: Shape = request.param
    on_sqlite = shape is DRIZZLE_ON_SQLITE
    zone = "Asia/Kolkata"
    database = sqlite_database(tmp_path) if on_sqlite else postgres_database(postgres, zone=zone)
    with database.session() as session:
        for statement in shape.statements:
            session.connection().exec_driver_sql(statement)
        session.commit()
    return database, shape


def test_another_shape_is_read(shaped: tuple[Database, Shape]) -> None:
    database, shape = shaped
    auth = _mapped(shape.layout)
    with database.session() as session:
        found = session.scalars(select(auth.user)).one()
        account = session.scalars(select(auth.account)).one()
    assert (found.id, found.email, found.email_verified) == ("u1", "ada@example.org", False)
    assert (found.created_at, found.created_at.tzinfo) == (MOMENT, UTC)
    assert account.user_id == "u1"


def test_another_shape_is_written(shaped: tuple[Database, Shape]) -> None:
    database, shape = shaped
    auth = _mapped(shape.layout)
    later = MOMENT + timedelta(days=200)
    with database.session() as session:
        session.scalars(select(auth.user)).one().updated_at = later
        session.flush()
        session.expire_all()
        assert session.scalars(select(auth.user.updated_at)).one() == later


def test_another_shape_can_be_referred_to(shaped: tuple[Database, Shape]) -> None:
    database, shape = shaped
    auth = _mapped(shape.layout)
    task = _tasks(auth.metadata, shape.layout)
    with database.session() as session:
        auth.metadata.create_all(session.connection())
        session.execute(task.insert().values(user_id="u1"))
        query = select(auth.user.email).join(task, task.c.user_id == auth.user.id)
        assert session.scalars(query).all() == ["ada@example.org"]


def test_a_column_that_older_tables_lack_is_loaded_when_read(postgres_only: Database) -> None:
    auth = _mapped(DRIZZLE.layout)
    with postgres_only.session() as session:
        for statement in DRIZZLE.statements:
            session.connection().exec_driver_sql(statement)
        row = "INSERT INTO auth.jwkss VALUES ('k1', 'public', 'private', now(), NULL)"
        session.connection().exec_driver_sql(row)
        assert session.scalars(select(auth.jwks)).one().public_key == "public"


@pytest.mark.parametrize("dates", ["iso-text", "epoch-ms"])
def test_a_stored_date_refuses_what_is_no_moment(
    dates: Literal["iso-text", "epoch-ms"],
) -> None:
    auth = _mapped(Layout(dates=dates))
    engine = create_engine("sqlite://")
    query = select(auth.user.id).where(auth.user.created_at > datetime(2026, 3, 1))  # noqa: DTZ001 - naive on purpose
    with engine.connect() as connection, pytest.raises(InvalidTimestamp, match="a naive one"):
        connection.execute(query)


# One's own classes -------------------------------------------------------------------------------


def test_a_subclass_adds_fields(made: Made) -> None:
    class Base(DeclarativeBase):
        pass

    class Person(BetterAuthUser, Base):
        __better_auth__ = made.layout
        plan: Mapped[str | None]
        image = mapped_column("picture", Text)

    auth = map_better_auth(Base, made.layout)
    assert auth.user is Person
    with made.database.session() as session:
        connection = session.connection()
        connection.exec_driver_sql("ALTER TABLE \"user\" ADD COLUMN plan text DEFAULT 'pro'")
        connection.exec_driver_sql('ALTER TABLE "user" RENAME COLUMN image TO picture')
        found = session.scalars(select(Person)).one()
        assert (found.plan, found.image, str(found.id)) == ("pro", None, made.account.user_id)


def test_mapping_twice_gives_the_same_classes() -> None:
    own = registry()
    assert map_better_auth(own).user is map_better_auth(own).user
    assert map_better_auth(own.metadata).user is map_better_auth(own).user


def test_a_base_brings_its_own_registry() -> None:
    class Base(DeclarativeBase):
        pass

    assert inspect(map_better_auth(Base).user).registry is Base.registry


def test_a_table_that_the_application_maps_otherwise_is_a_fault() -> None:
    metadata = MetaData()
    Table("session", metadata, Column("id", Integer, primary_key=True))
    with pytest.raises(ConfigurationError, match=r"'session' .* from BetterAuthSession"):
        map_better_auth(metadata)


def test_the_fault_names_the_schema() -> None:
    metadata = MetaData(schema="auth")
    Table("session", metadata, Column("id", Integer, primary_key=True))
    with pytest.raises(ConfigurationError, match=r"'auth\.session'"):
        map_better_auth(metadata)


def test_the_schema_of_the_metadata_is_taken() -> None:
    auth = map_better_auth(MetaData(schema="auth"))
    task = Table("task", auth.metadata, Column("user_id", Text, ForeignKey("user.id")))
    (key,) = task.foreign_keys
    assert key.column.table.fullname == "auth.user"


# Names and types ---------------------------------------------------------------------------------

NAMES = [
    pytest.param(Layout(), "user", "user.id", "emailVerified", id="built-in"),
    pytest.param(Layout(columns="snake_case"), "user", "user.id", "email_verified", id="drizzle"),
    pytest.param(Layout(plural=True), "users", "users.id", "emailVerified", id="plural"),
    pytest.param(Layout(schema="auth"), "user", "auth.user.id", "emailVerified", id="schema"),
    pytest.param(
        Layout(tables={"user": "people"}, fields={"user": {"id": "uid", "emailVerified": "ok"}}),
        *("people", "people.uid", "ok"),
        id="renamed",
    ),
]


@pytest.mark.parametrize(("layout", "table", "reference", "column"), NAMES)
def test_names_follow_the_layout(layout: Layout, table: str, reference: str, column: str) -> None:
    assert layout.table("user") == table
    assert layout.reference("user") == reference
    assert layout.column("user", "emailVerified") == column


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        pytest.param({"columns": "kebab"}, "columns=…) is one of camelCase", id="columns"),
        pytest.param({"dates": "julian"}, "dates=…) is one of timestamptz", id="dates"),
        pytest.param({"ids": "int"}, "ids=…) is one of text", id="ids"),
        pytest.param({"tables": {"users": "u"}}, "knows the models user, session", id="tables"),
        pytest.param({"fields": {"people": {}}}, "knows the models user, session", id="fields"),
    ],
)
def test_a_layout_that_says_nothing_known_is_a_fault(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(fault)):
        Layout(**options)


def test_dates_are_moments_by_the_layout() -> None:
    types = [
        Layout(dates="timestamptz").date_type(),
        Layout(dates="timestamp").date_type(),
    ]
    assert [repr(type_) for type_ in types] == ["UtcDateTime()", "UtcDateTime(timezone=False)"]
