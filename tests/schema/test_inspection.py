"""check_schema finds what is wrong in a live PostgreSQL, and its SQL mends it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator  # noqa: TC003 - pytest reads the annotations
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    create_engine,
    func,
    select,
    text,
)
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine  # noqa: TC002 - as above
from sqlmodel import Field

from betterguard.errors import ConfigurationError
from betterguard.schema import (
    Layout,
    SchemaFinding,
    Timestamps,
    UtcDateTime,
    check_schema,
    map_better_auth,
    naive_server_utcnow,
)
from betterguard.schema.finding import Code
from tests.schema.databases import TIME_ZONES, Database, postgres_database
from tests.schema.shapes import DRIZZLE, PRISMA, Shape
from tests.schema.tables import Tables
from tests.servers.postgres import Postgres  # noqa: TC001 - pytest reads the annotations

MOMENT = datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)
STAMPS = "created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now()"


def _model(*columns: Column[Any], stamps: bool = True) -> Table:
    own: list[Column[Any]] = [
        Column("created_at", UtcDateTime(), server_default=func.now()),
        Column("updated_at", UtcDateTime(), server_default=func.now()),
    ]
    kept = own if stamps else []
    return Table("task", MetaData(), Column("id", Integer, primary_key=True), *columns, *kept)


def _check(
    connection: Connection, model: Table | MetaData, *statements: str
) -> list[SchemaFinding]:
    for statement in statements:
        connection.execute(text(statement.replace(":", r"\:")))
    return check_schema(connection, model if isinstance(model, MetaData) else model.metadata)


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Database:
    return postgres_database(postgres)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """An empty database: what a test does there is rolled back."""
    with database.session() as session:
        yield session.connection()


@dataclass(frozen=True)
class Fault:
    """A live column ``at`` and a model of it that do not agree, and what is then found."""

    live: str
    value: str
    model: Column[Any]
    code: str
    cure: str


FAULTS = [
    pytest.param(
        Fault("integer", "1772368245", Column("at", UtcDateTime()), "time-as-number", "seconds"),
        id="seconds",
    ),
    pytest.param(
        Fault(
            "bigint DEFAULT 0",
            "1772368245000",
            Column("at", UtcDateTime()),
            "time-as-number",
            "milliseconds",
        ),
        id="milliseconds",
    ),
    pytest.param(
        Fault(
            "double precision",
            "1772368245.0",
            Column("at", UtcDateTime(timezone=False)),
            "time-as-number",
            "seconds",
        ),
        id="seconds-to-zoneless",
    ),
    pytest.param(
        Fault(
            "text", "'2026-03-01T12:30:45Z'", Column("at", UtcDateTime()), "time-as-text", "text"
        ),
        id="iso-text",
    ),
    pytest.param(
        Fault(
            "varchar(40)",
            "'2026-03-01 12:30:45'",
            Column("at", UtcDateTime()),
            "time-as-text",
            "text",
        ),
        id="text-without-zone",
    ),
    pytest.param(
        Fault(
            "text",
            "'2026-03-01T18:00:45+05:30'",
            Column("at", UtcDateTime(timezone=False)),
            "time-as-text",
            "text",
        ),
        id="text-with-offset-to-zoneless",
    ),
    pytest.param(
        Fault(
            "timestamp DEFAULT now()",
            "'2026-03-01 12:30:45'",
            Column("at", UtcDateTime()),
            "zone-missing",
            "UtcDateTime(timezone=False)",
        ),
        id="zone-missing",
    ),
    pytest.param(
        Fault(
            "timestamp",
            "'2026-03-01 12:30:45'",
            Column("at", DateTime(timezone=True)),
            "zone-missing",
            "UtcDateTime(timezone=False)",
        ),
        id="zone-missing-for-plain-datetime",
    ),
    pytest.param(
        Fault(
            "timestamptz DEFAULT now()",
            "'2026-03-01 12:30:45Z'",
            Column("at", UtcDateTime(timezone=False)),
            "zone-unexpected",
            "UtcDateTime()",
        ),
        id="zone-unexpected",
    ),
]


@pytest.mark.parametrize("zone", TIME_ZONES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_its_sql_mends_it_without_loss(
    connection: Connection, fault: Fault, zone: str
) -> None:
    connection.execute(text(f"SET LOCAL timezone = '{zone}'"))
    model = _model(fault.model._copy())
    create = f"CREATE TABLE task (id serial PRIMARY KEY, at {fault.live}, {STAMPS})"
    row = f"INSERT INTO task (at) VALUES ({fault.value})"  # noqa: S608 - the test's own value
    (finding, *_defaults) = _check(connection, model, create, row)
    assert (finding.code, finding.table, finding.column) == (fault.code, "task", "at")
    assert fault.cure in f"{finding.problem} {finding.cure}"

    assert _check(connection, model, finding.sql) == []

    kept = Table("task", MetaData(), Column("at", UtcDateTime(fault.model.type.timezone)))  # type: ignore[attr-defined]  # every type above has it
    assert connection.scalar(select(kept.c.at)) == MOMENT


@pytest.mark.parametrize("value", ["''", "NULL"])
def test_text_without_a_moment_becomes_null(connection: Connection, value: str) -> None:
    model = _model(Column("at", UtcDateTime()))
    create = f"CREATE TABLE task (id serial PRIMARY KEY, at text, {STAMPS})"
    row = f"INSERT INTO task (at) VALUES ({value})"  # noqa: S608 - the test's own value
    (finding,) = _check(connection, model, create, row)
    assert _check(connection, model, finding.sql) == []
    assert connection.scalar(text("SELECT at IS NULL FROM task")) is True


# A model that agrees with the database, both wrong -----------------------------------------------

BOTH = [
    pytest.param("due_at", "integer", Integer(), "", True, id="empty-and-surely-a-moment"),
    pytest.param("due_at", "integer", Integer(), "1772368245", True, id="epoch"),
    pytest.param("dueAt", "bigint", BigInteger(), "1772368245000", True, id="epoch-milliseconds"),
    pytest.param("due_at", "text", Text(), "'2026-03-01T12:30:45Z'", True, id="iso-text"),
    pytest.param("due_date", "text", Text(), "'2026-03-01 12:30'", True, id="text-date-and-time"),
    pytest.param("start_time", "integer", Integer(), "1772368245", True, id="time-with-epoch"),
    pytest.param("lead_time", "integer", Integer(), "45", False, id="a-duration"),
    pytest.param("lead_time", "integer", Integer(), "", False, id="nothing-tells"),
    pytest.param("due_date", "text", Text(), "'2026-03-01'", False, id="a-day"),
    pytest.param("look_at", "text", Text(), "'the bright side'", False, id="words"),
    pytest.param("float_at", "float8", BigInteger(), "'NaN'", False, id="not-a-number"),
    pytest.param("views", "integer", Integer(), "1772368245", False, id="another-name"),
]


@pytest.mark.parametrize(("name", "live", "type_", "value", "found"), BOTH)
def test_a_number_or_text_is_a_moment_by_its_name_and_values(  # noqa: PLR0913 - one a column
    connection: Connection, name: str, live: str, type_: TypeEngine[Any], value: str, *, found: bool
) -> None:
    create = f'CREATE TABLE task (id serial PRIMARY KEY, "{name}" {live}, {STAMPS})'
    row = f'INSERT INTO task ("{name}") VALUES ({value})'  # noqa: S608 - the test's own value
    findings = _check(connection, _model(Column(name, type_)), create, *([row] if value else []))
    assert [finding.column for finding in findings] == [name] * found


# Defaults ----------------------------------------------------------------------------------------


def test_a_default_written_as_text_is_frozen_and_mended(connection: Connection) -> None:
    wrong = _model(Column("at", DateTime(timezone=True), server_default="now()"))
    wrong.metadata.create_all(connection)
    right = _model(Column("at", UtcDateTime(), server_default=func.now()))
    (finding,) = _check(connection, right)
    assert (finding.code, finding.column) == ("default-frozen", "at")
    assert _check(connection, right, finding.sql) == []


def test_a_model_whose_default_would_freeze_is_found(connection: Connection) -> None:
    model = _model(Column("at", UtcDateTime(), server_default="now()"))
    create = f"CREATE TABLE task (id serial PRIMARY KEY, at timestamptz DEFAULT now(), {STAMPS})"
    (finding,) = _check(connection, model, create)
    assert (finding.code, finding.sql) == ("default-frozen", "")
    assert "server_default=func.now()" in finding.cure


@pytest.mark.parametrize("default", ["now()", "CURRENT_TIMESTAMP", "LOCALTIMESTAMP"])
def test_a_default_in_the_session_s_zone_is_mended(connection: Connection, default: str) -> None:
    model = _model(Column("at", UtcDateTime(timezone=False)))
    create = f"CREATE TABLE task (id serial PRIMARY KEY, at timestamp DEFAULT {default}, {STAMPS})"
    (finding,) = _check(connection, model, create)
    assert finding.code == "default-in-session-zone"
    assert _check(connection, model, finding.sql) == []


# created_at and updated_at -----------------------------------------------------------------------


def test_missing_timestamps_are_added(connection: Connection) -> None:
    model = _model()
    create = "CREATE TABLE task (id serial PRIMARY KEY)"
    findings = _check(connection, model, create, "INSERT INTO task DEFAULT VALUES")
    assert [(finding.code, finding.column) for finding in findings] == [
        ("timestamps-missing", "created_at"),
        ("timestamps-missing", "updated_at"),
    ]
    assert _check(connection, model, *(finding.sql for finding in findings)) == []


def test_a_model_without_timestamps_is_found(connection: Connection) -> None:
    create = "CREATE TABLE task (id serial PRIMARY KEY)"
    findings = _check(connection, _model(stamps=False), create)
    assert {finding.cure for finding in findings} == {
        "derive the class from `Timestamps`, and add the column"
    }


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param('"createdAt" timestamptz, "updatedAt" timestamptz', id="camelCase"),
        pytest.param("created timestamptz, modified_at timestamptz", id="other-words"),
    ],
)
def test_timestamps_of_other_names_are_enough(connection: Connection, columns: str) -> None:
    create = f"CREATE TABLE task (id serial PRIMARY KEY, {columns})"
    assert _check(connection, _model(stamps=False), create) == []


def test_an_association_needs_no_timestamps(connection: Connection) -> None:
    model = _model()
    tag = Column("task_id", Integer, ForeignKey("task.id"), primary_key=True)
    Table("task_tag", model.metadata, tag, Column("tag", Text, primary_key=True))
    create = f"CREATE TABLE task (id serial PRIMARY KEY, {STAMPS})"
    link = (
        "CREATE TABLE task_tag (task_id int REFERENCES task, tag text, PRIMARY KEY (task_id, tag))"
    )
    assert _check(connection, model, create, link) == []


# Users -------------------------------------------------------------------------------------------

USERS = """CREATE TABLE "user" (id {type}, name text, email text, "emailVerified" boolean,
  image text, "createdAt" timestamptz, "updatedAt" timestamptz)"""


def _with_user(layout: Layout, type_: TypeEngine[Any]) -> Table:
    model = _model(Column("user_id", type_, ForeignKey("user.id")))
    map_better_auth(model.metadata, layout)
    return model


def _user_id(findings: list[SchemaFinding]) -> list[SchemaFinding]:
    return [finding for finding in findings if finding.table == "task"]


@pytest.mark.parametrize(
    ("layout", "users", "live", "model", "value"),
    [
        pytest.param(Layout(), "text", "integer", Text(), "1", id="integer-for-text"),
        pytest.param(Layout(), "text", "uuid", Text(), "gen_random_uuid()", id="uuid-for-text"),
        pytest.param(Layout(ids="serial"), "integer", "text", Integer(), "'1'", id="text-for-int"),
        pytest.param(
            *(Layout(ids="uuid"), "uuid", "varchar", Uuid(), "gen_random_uuid()::text"),
            id="text-for-uuid",
        ),
    ],
)
def test_a_user_id_of_another_type_is_found_and_mended(  # noqa: PLR0913 - one parameter a column
    *,
    connection: Connection,
    layout: Layout,
    users: str,
    live: str,
    model: TypeEngine[Any],
    value: str,
) -> None:
    table = _with_user(layout, model)
    create = f"CREATE TABLE task (id serial PRIMARY KEY, user_id {live}, {STAMPS})"
    row = f"INSERT INTO task (user_id) VALUES ({value})"  # noqa: S608 - the test's own value
    findings = _check(connection, table.metadata, USERS.format(type=users), create, row)
    (finding,) = _user_id(findings)
    assert (finding.code, finding.column) == ("user-id-type", "user_id")
    assert _user_id(_check(connection, table.metadata, finding.sql)) == []


def test_a_model_of_another_type_is_found_though_the_database_is_right(
    connection: Connection,
) -> None:
    model = _model(Column("user_id", Integer))
    create = f"CREATE TABLE task (id serial PRIMARY KEY, user_id text, {STAMPS})"
    (finding,) = _check(connection, model, USERS.format(type="text"), create)
    assert (finding.code, finding.sql) == ("user-id-type", "")
    assert "model says number" in finding.problem


@pytest.mark.parametrize("live", ["text", "varchar(36)"])
def test_a_user_id_of_the_same_kind_is_well(connection: Connection, live: str) -> None:
    model = _model(Column("user_id", Text))
    create = f"CREATE TABLE task (id serial PRIMARY KEY, user_id {live}, {STAMPS})"
    assert _check(connection, model, USERS.format(type="text"), create) == []


def test_a_user_id_of_another_table_is_not_better_auth_s(connection: Connection) -> None:
    metadata = MetaData()
    stamps: list[Column[Any]] = [
        Column(name, UtcDateTime()) for name in ("created_at", "updated_at")
    ]
    Table("crm_user", metadata, Column("id", Integer, primary_key=True), *stamps)
    model = Table("task", metadata, Column("user_id", Integer, ForeignKey("crm_user.id")))
    crm = f"CREATE TABLE crm_user (id int PRIMARY KEY, {STAMPS})"
    create = "CREATE TABLE task (user_id int REFERENCES crm_user)"
    assert _check(connection, model, USERS.format(type="text"), crm, create) == []


# Better Auth's tables ----------------------------------------------------------------------------

SHAPES = [pytest.param(DRIZZLE, id="drizzle"), pytest.param(PRISMA, id="prisma")]


@pytest.mark.parametrize("shape", SHAPES)
def test_better_auth_s_tables_as_the_layout_says_are_well(
    connection: Connection, shape: Shape
) -> None:
    auth = map_better_auth(MetaData(), shape.layout)
    assert _check(connection, auth.metadata, *shape.statements) == []


def test_renamed_tables_are_found_with_the_layout_to_write(connection: Connection) -> None:
    auth = map_better_auth(MetaData())
    findings = _check(connection, auth.metadata, *DRIZZLE.statements)
    expected = "write `Layout(columns='snake_case', dates='timestamp', plural=True, schema='auth')`"
    found = {(finding.table, finding.code): finding.cure for finding in findings}
    assert found == {
        (table, "better-auth-renamed"): expected
        for table in ("user", "session", "account", "verification", "jwks")
    }


def test_a_table_of_another_name_is_found(connection: Connection) -> None:
    rename = 'ALTER TABLE "session" RENAME TO sign_ins'
    auth = map_better_auth(MetaData(), PRISMA.layout)
    (finding,) = _check(connection, auth.metadata, *PRISMA.statements, rename)
    assert "tables={'user': 'app_user', 'session': 'sign_ins'}" in finding.cure


@pytest.mark.parametrize(
    ("change", "problem", "cure"),
    [
        pytest.param(
            'ALTER TABLE "session" ALTER "expiresAt" TYPE timestamptz, '
            'ALTER "createdAt" TYPE timestamptz, ALTER "updatedAt" TYPE timestamptz',
            "'expiresAt' is timestamptz, not timestamp",
            "write `Layout(tables=",
            id="dates",
        ),
        pytest.param(
            'ALTER TABLE "session" DROP COLUMN token',
            "no column 'token'",
            "name the columns in `Layout(fields=…)`",
            id="column",
        ),
        pytest.param(
            'ALTER TABLE "session" RENAME "userId" TO user_ref',
            "no column 'userId'",
            "name the columns in `Layout(fields=…)`",
            id="reference",
        ),
    ],
)
def test_a_table_that_differs_from_the_layout_is_found(
    connection: Connection, change: str, problem: str, cure: str
) -> None:
    auth = map_better_auth(MetaData(), PRISMA.layout)
    (finding,) = _check(connection, auth.metadata, *PRISMA.statements, change)
    assert (finding.code, finding.table) == ("better-auth-layout", "session")
    assert problem in finding.problem
    assert finding.cure.startswith(cure)


def test_a_column_that_older_tables_lack_is_no_fault(connection: Connection) -> None:
    auth = map_better_auth(MetaData(), PRISMA.layout)
    drop = 'ALTER TABLE "jwks" DROP COLUMN alg, DROP COLUMN crv'
    assert _check(connection, auth.metadata, *PRISMA.statements, drop) == []


def test_missing_tables_are_found_but_for_the_jwt_plugin_s(connection: Connection) -> None:
    auth = map_better_auth(MetaData())
    findings = _check(connection, auth.metadata)
    assert [(finding.code, finding.table) for finding in findings] == [
        ("better-auth-missing", table) for table in ("account", "session", "user", "verification")
    ]


# The whole ---------------------------------------------------------------------------------------


class Base(DeclarativeBase):
    pass


class Note(Timestamps, Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime(timezone=False), server_default=naive_server_utcnow()
    )


class Parcel(Tables, table=True):
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


OWN = [
    pytest.param(Base.metadata.tables["note"], id="sqlalchemy"),
    pytest.param(Tables.metadata.tables["parcel"], id="sqlmodel"),
]


@pytest.mark.parametrize("table", OWN)
def test_what_create_all_made_is_well(connection: Connection, table: Table) -> None:
    own = MetaData()
    table.to_metadata(own)
    own.create_all(connection)
    assert check_schema(connection, own) == []


def test_an_engine_will_do(postgres: Postgres) -> None:
    engine = create_engine(postgres.url("psycopg", postgres.new_database()))
    (finding,) = check_schema(engine, _model().metadata)
    assert finding.code == "table-missing"
    engine.dispose()


def test_a_table_that_is_not_there_is_found(connection: Connection) -> None:
    (finding,) = _check(connection, _model())
    assert (finding.code, finding.table) == ("table-missing", "task")


def test_names_are_quoted(connection: Connection) -> None:
    stamps: list[Column[Any]] = [
        Column(name, UtcDateTime()) for name in ("created_at", "updated_at")
    ]
    key = Column("id", Integer, primary_key=True)
    model = Table(
        'the "order":x', MetaData(schema="Other"), key, Column("Due%dueAt", Integer), *stamps
    )
    table = '"Other"."the ""order"":x"'
    statements = [
        'CREATE SCHEMA "Other"',
        f'CREATE TABLE {table} (id int PRIMARY KEY, "Due%dueAt" int, {STAMPS})',
    ]
    (finding,) = _check(connection, model, *statements)
    assert finding.sql.startswith(f"ALTER TABLE {table}\n")
    assert _check(connection, model, finding.sql) == []


@pytest.mark.parametrize("code", get_args(Code))
def test_every_code_is_documented(code: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "schema.md"
    rows = [line for line in page.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert any(f"`{code}`" in row for row in rows)


def test_a_finding_is_told_in_lines(connection: Connection) -> None:
    create = f"CREATE TABLE task (id serial PRIMARY KEY, at timestamp, {STAMPS})"
    (finding,) = _check(connection, _model(Column("at", UtcDateTime())), create)
    problem, cure, *sql = str(finding).splitlines()
    assert problem.startswith("task.at: the database has timestamp, the model says timestamptz")
    assert problem.endswith(" [zone-missing]")
    assert cure == f"  {finding.cure}"
    assert sql == [
        "    ALTER TABLE task",
        "      ALTER COLUMN at TYPE timestamptz USING at AT TIME ZONE 'UTC';",
    ]


def test_an_asynchronous_connection_runs_it(postgres: Postgres) -> None:
    database = postgres_database(postgres, "asyncpg")
    (finding,) = database.run(lambda connection: check_schema(connection, _model().metadata))
    assert finding.code == "table-missing"


def test_an_asynchronous_engine_is_told_how(postgres: Postgres) -> None:
    engine: Any = create_async_engine(postgres.url("asyncpg"))
    with pytest.raises(TypeError, match=r"got AsyncEngine: write `await connection\.run_sync"):
        check_schema(engine, MetaData())
    asyncio.run(engine.dispose())


@pytest.mark.parametrize(
    ("url", "fault"),
    [("sqlite://", "knows PostgreSQL, got sqlite"), ("sqlite://", "the metadata has no table")],
)
def test_what_cannot_be_compared_is_a_fault(url: str, fault: str) -> None:
    engine = create_engine(url)
    with pytest.raises(ConfigurationError, match=fault):
        check_schema(engine, MetaData())
    engine.dispose()
