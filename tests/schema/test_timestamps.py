"""UtcDateTime: aware UTC or nothing, through every driver."""

from __future__ import annotations

import contextlib
import pickle
import warnings
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Column,
    DateTime,
    Integer,
    MetaData,
    Table,
    bindparam,
    func,
    insert,
    select,
    text,
    type_coerce,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlmodel import Field

from betterguard.errors import BetterGuardError
from betterguard.schema import InvalidTimestamp, UtcDateTime, naive_utcnow, utcnow
from tests.schema.databases import POSTGRES_DRIVERS, TIME_ZONES, Database, postgres_database
from tests.schema.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Row

    from tests.servers.postgres import Postgres

DIALECT = make_url("postgresql+psycopg://").get_dialect()()
NEW_YORK = ZoneInfo("America/New_York")
MOMENT = datetime(2026, 3, 1, 12, 30, 45, 123456, tzinfo=UTC)

metadata = MetaData()
events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("zoned", UtcDateTime()),
    Column("zoneless", UtcDateTime(timezone=False)),
    Column("lenient", UtcDateTime(naive="utc")),
)
# The same table as people declare it without this type.
plain = Table(
    "events",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("zoned", DateTime(timezone=True)),
    Column("zoneless", DateTime()),
)


def stored(database: Database, **values: object) -> Row[Any]:
    """Store one row in an empty table and read it again, over another connection."""

    def write(connection: Connection) -> None:
        metadata.create_all(connection)
        connection.execute(events.delete())
        connection.execute(insert(events).values(**values))

    database.run(write)
    return database.run(lambda connection: connection.execute(select(events)).one())


ROUND_TRIPS = [
    pytest.param(MOMENT, id="microseconds"),
    pytest.param(datetime(1970, 1, 1, tzinfo=UTC), id="epoch"),
    pytest.param(datetime(1883, 11, 18, 17, 0, tzinfo=UTC), id="before-standard-time"),
    pytest.param(datetime(2026, 3, 8, 6, 59, 59, 999999, tzinfo=UTC), id="before-spring-forward"),
    pytest.param(datetime(2026, 3, 8, 7, tzinfo=UTC), id="at-spring-forward"),
    pytest.param(datetime(2026, 3, 8, 2, 30, tzinfo=NEW_YORK), id="hour-that-is-skipped"),
    pytest.param(datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK), id="first-of-the-twice-told-hour"),
    pytest.param(
        datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=1), id="second-of-the-twice-told-hour"
    ),
    pytest.param(
        datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=45))), id="odd-offset"
    ),
]


@pytest.mark.parametrize("moment", ROUND_TRIPS)
def test_a_moment_comes_back_as_aware_utc(database: Database, moment: datetime) -> None:
    row = stored(database, id=1, zoned=moment, zoneless=moment, lenient=moment)
    found = (row.zoned, row.zoneless, row.lenient)
    assert [(value, value.tzinfo) for value in found] == [(moment.astimezone(UTC), UTC)] * 3


def test_null_stays_null(database: Database) -> None:
    assert stored(database, id=1) == (1, None, None, None)


def test_the_server_keeps_the_moment_itself(postgres_session: Database) -> None:
    stored(postgres_session, id=1, zoned=MOMENT, zoneless=MOMENT)
    query = text("SELECT zoned AT TIME ZONE 'UTC', zoneless FROM events")
    row = postgres_session.run(lambda connection: connection.execute(query).one())
    assert tuple(row) == (MOMENT.replace(tzinfo=None),) * 2


@pytest.mark.parametrize("column", ["zoned", "zoneless"])
def test_a_literal_in_the_statement_is_the_same_moment(database: Database, column: str) -> None:
    stored(database, id=1, zoned=MOMENT, zoneless=MOMENT)
    literal = bindparam("moment", MOMENT, events.c[column].type, literal_execute=True)
    query = select(events.c.id).where(events.c[column] == literal)
    assert database.run(lambda connection: connection.scalar(query)) == 1


REFUSED = [
    pytest.param(1_772_368_245, "an int", "instead of `int(time.time())`", id="seconds"),
    pytest.param(1772368245.5, "a float", "instead of `int(time.time())`", id="float"),
    pytest.param(1_772_368_245_123, "an int", "fromtimestamp(value / 1000, UTC)", id="millis"),
    pytest.param(True, "a bool", "utcnow()", id="bool"),
    pytest.param("2026-03-01T12:30:45Z", "a str", "datetime.fromisoformat(value)", id="text"),
    pytest.param(date(2026, 3, 1), "a date", "datetime.combine(value, time(), UTC)", id="date"),
    pytest.param(b"2026", "a bytes", "utcnow()", id="bytes"),
    pytest.param(
        MOMENT.replace(tzinfo=None), "a naive one", "instead of `datetime.utcnow()`", id="naive"
    ),
]


@pytest.mark.parametrize(("value", "came", "cure"), REFUSED)
def test_what_is_no_certain_moment_is_refused_by_name(
    any_driver: Database, value: object, came: str, cure: str
) -> None:
    with pytest.raises(InvalidTimestamp) as caught:
        stored(any_driver, id=1, zoned=value)
    message = str(caught.value)
    assert message.startswith(f"events.zoned: expected an aware datetime, got {came}: ")
    assert cure in message


def test_a_zoneless_column_refuses_a_naive_value(any_driver: Database) -> None:
    with pytest.raises(InvalidTimestamp, match=r"^events\.zoneless: .* got a naive one"):
        stored(any_driver, id=1, zoneless=MOMENT.replace(tzinfo=None))


def test_the_refusal_shows_neither_value_nor_statement(postgres_only: Database) -> None:
    with pytest.raises(InvalidTimestamp) as caught:
        stored(postgres_only, id=1, zoned="hunter2")
    assert "hunter2" not in str(caught.value)
    assert "INSERT" not in str(caught.value)


def test_the_refusal_is_an_error_of_this_library_and_of_the_value() -> None:
    assert issubclass(InvalidTimestamp, BetterGuardError)
    assert issubclass(InvalidTimestamp, ValueError)


def test_a_comparison_is_refused_like_a_value(postgres_only: Database) -> None:
    query = select(events).where(events.c.zoned > 1_772_368_245)
    with pytest.raises(InvalidTimestamp, match=r"^events\.zoned: .* got an int"):
        postgres_only.run(lambda connection: connection.execute(query))


def test_a_moment_beyond_the_calendar_is_refused(postgres_only: Database) -> None:
    beyond = datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))
    with pytest.raises(InvalidTimestamp, match="years 1 to 9999"):
        stored(postgres_only, id=1, zoned=beyond)


def test_naive_utc_takes_naive_values_as_utc(any_driver: Database) -> None:
    naive = MOMENT.replace(tzinfo=None)
    assert stored(any_driver, id=1, lenient=naive).lenient == MOMENT


@pytest.mark.parametrize("value", [1_772_368_245, "2026-03-01"])
def test_naive_utc_still_refuses_what_is_no_datetime(
    postgres_only: Database, value: object
) -> None:
    with pytest.raises(InvalidTimestamp, match=r"^events\.lenient: "):
        stored(postgres_only, id=1, lenient=value)


# What people meet without the type -------------------------------------------------------------


def _insert(table: Table, **values: object) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        metadata.create_all(connection)
        connection.execute(insert(table).values(**values))

    return work


WITHOUT_THE_TYPE = [
    pytest.param("psycopg", 1_772_368_245, "cannot cast type integer to timestamp", id="psycopg"),
    pytest.param("psycopg2", 1_772_368_245, "expression is of type integer", id="psycopg2"),
    pytest.param(
        "asyncpg", MOMENT, "can't subtract offset-naive and offset-aware", id="asyncpg-aware"
    ),
]


@pytest.mark.parametrize(("driver", "value", "message"), WITHOUT_THE_TYPE)
def test_without_the_type_the_database_refuses(
    postgres: Postgres, driver: str, value: object, message: str
) -> None:
    with pytest.raises(DBAPIError, match=message):
        postgres_database(postgres, driver).run(_insert(plain, id=1, zoneless=value))


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_with_the_type_a_number_never_reaches_the_database(postgres: Postgres, driver: str) -> None:
    work = _insert(events, id=1, zoneless=1_772_368_245)
    with pytest.raises(InvalidTimestamp, match=r"^events\.zoneless: .*int\(time\.time\(\)\)"):
        postgres_database(postgres, driver).run(work)


def test_with_the_type_asyncpg_takes_aware_values_for_a_zoneless_column(postgres: Postgres) -> None:
    database = postgres_database(postgres, "asyncpg", "Asia/Kolkata")
    assert stored(database, id=1, zoneless=MOMENT).zoneless == MOMENT


# A model that says another kind than the database has ------------------------------------------

swapped = Table(
    "events",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("zoned", UtcDateTime(timezone=False)),
    Column("zoneless", UtcDateTime()),
)


@pytest.mark.parametrize(
    ("column", "cure"),
    [
        pytest.param("zoned", "UtcDateTime(timezone=True)", id="database-has-a-zone"),
        pytest.param("zoneless", "UtcDateTime(timezone=False)", id="database-has-none"),
    ],
)
def test_reading_refuses_a_column_of_the_other_kind(
    postgres_session: Database, column: str, cure: str
) -> None:
    stored(postgres_session, id=1, zoned=MOMENT, zoneless=MOMENT)
    with pytest.raises(InvalidTimestamp, match=rf"^events\.{column}: declared as") as caught:
        postgres_session.run(lambda connection: connection.scalar(select(swapped.c[column])))
    assert cure in str(caught.value)


@pytest.mark.parametrize("driver", POSTGRES_DRIVERS)
def test_reading_refuses_what_is_no_timestamp(postgres: Postgres, driver: str) -> None:
    query = select(type_coerce(text("7"), UtcDateTime()))
    with pytest.raises(InvalidTimestamp, match="a UtcDateTime value: the database holds an int"):
        postgres_database(postgres, driver).run(lambda connection: connection.scalar(query))


# Infinity --------------------------------------------------------------------------------------


def _infinite(connection: Connection) -> Row[Any, Any]:
    metadata.create_all(connection)
    row = "INSERT INTO events (id, zoned, zoneless) VALUES (1, 'infinity', '-infinity')"
    connection.execute(text(row))
    return connection.execute(select(events.c.zoned, events.c.zoneless)).one()


@pytest.mark.parametrize("zone", TIME_ZONES)
@pytest.mark.parametrize("driver", ["asyncpg", "psycopg2"])
def test_infinity_is_the_last_moment_and_its_negative_the_first(
    postgres: Postgres, driver: str, zone: str
) -> None:
    found = postgres_database(postgres, driver, zone).run(_infinite)
    assert tuple(found) == (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))


def test_psycopg_refuses_to_read_infinity(postgres_only: Database) -> None:
    with pytest.raises(DBAPIError, match="timestamp too large"):
        postgres_only.run(_infinite)


@pytest.mark.parametrize("driver", POSTGRES_DRIVERS)
def test_the_last_moment_comes_back(postgres: Postgres, driver: str) -> None:
    last = datetime.max.replace(tzinfo=UTC)
    row = stored(postgres_database(postgres, driver), id=1, zoned=last, zoneless=last)
    assert (row.zoned, row.zoneless) == (last, last)


# Any datetime at all ---------------------------------------------------------------------------

# A session's own offset may carry the year's edge out of what drivers can hold.
ANY_MOMENT = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    max_value=datetime(9998, 12, 31),  # noqa: DTZ001 - as above
    timezones=st.timezones(),
    allow_imaginary=True,
)


@pytest.mark.parametrize("zone", TIME_ZONES)
@pytest.mark.parametrize("driver", POSTGRES_DRIVERS)
def test_any_moment_round_trips(postgres: Postgres, driver: str, zone: str) -> None:
    database = postgres_database(postgres, driver, zone)
    database.run(metadata.create_all)

    @settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(moments=st.lists(ANY_MOMENT, min_size=20, max_size=40))
    def round_trips(moments: list[datetime]) -> None:
        def work(connection: Connection) -> list[Any]:
            connection.execute(events.delete())
            rows = [
                {"id": number, "zoned": moment, "zoneless": moment}
                for number, moment in enumerate(moments)
            ]
            connection.execute(insert(events), rows)
            query = select(events.c.zoned, events.c.zoneless).order_by(events.c.id)
            return [tuple(row) for row in connection.execute(query)]

        assert database.run(work) == [(moment.astimezone(UTC),) * 2 for moment in moments]

    round_trips()


@given(moment=ANY_MOMENT, timezone=st.booleans())
def test_what_is_bound_is_the_same_moment(moment: datetime, *, timezone: bool) -> None:
    bound = UtcDateTime(timezone=timezone).process_bind_param(moment, DIALECT)
    assert bound is not None
    assert (bound.tzinfo is UTC) is timezone
    assert bound.replace(tzinfo=UTC) == moment.astimezone(UTC)


@given(value=st.one_of(st.datetimes(), st.text(), st.integers(), st.floats(), st.dates()))
def test_what_has_no_zone_is_never_bound(value: object) -> None:
    with contextlib.suppress(InvalidTimestamp):
        pytest.fail(str(UtcDateTime().process_bind_param(value, DIALECT)))


# The type among SQLAlchemy's own ---------------------------------------------------------------


def test_moments_compare(any_driver: Database) -> None:
    stored(any_driver, id=1, zoned=MOMENT - timedelta(hours=1))
    query = select(events.c.id).where(events.c.zoned < MOMENT)
    assert any_driver.run(lambda connection: connection.scalar(query)) == 1


def test_differences_are_durations(postgres_session: Database) -> None:
    stored(postgres_session, id=1, zoned=MOMENT, lenient=MOMENT - timedelta(hours=1))
    query = select(events.c.zoned - events.c.lenient)
    assert postgres_session.run(lambda connection: connection.scalar(query)) == timedelta(hours=1)


def test_a_duration_can_be_added(postgres_session: Database) -> None:
    stored(postgres_session, id=1, zoned=MOMENT)
    query = select(events.c.zoned + timedelta(days=1), func.max(events.c.zoned)).group_by(
        events.c.zoned
    )
    row = postgres_session.run(lambda connection: connection.execute(query).one())
    assert tuple(row) == (MOMENT + timedelta(days=1), MOMENT)


def test_kinds_of_the_type_never_share_a_cached_statement() -> None:
    keys = {
        UtcDateTime(timezone=timezone, naive=naive)._static_cache_key
        for timezone in (True, False)
        for naive in ("refuse", "utc")
    }
    assert len(keys) == 4


def test_one_type_on_several_columns_names_each() -> None:
    shared = UtcDateTime()
    table = Table("t", MetaData(), Column("a", shared), Column("b", shared))
    for column in table.columns:
        with pytest.raises(InvalidTimestamp, match=rf"^t\.{column.name}: "):
            column.type.process_bind_param(7, DIALECT)  # type: ignore[attr-defined]  # TypeEngine to mypy


def test_a_schema_is_part_of_the_name() -> None:
    table = Table("t", MetaData(schema="app"), Column("a", UtcDateTime()))
    with pytest.raises(InvalidTimestamp, match=r"^app\.t\.a: "):
        table.c.a.type.process_bind_param(7, DIALECT)  # type: ignore[attr-defined]  # TypeEngine to mypy


def test_a_table_can_be_pickled() -> None:
    copy = pickle.loads(pickle.dumps(events))  # noqa: S301 - made here
    with pytest.raises(InvalidTimestamp, match=r"^events\.zoned: "):
        copy.c.zoned.type.process_bind_param(7, DIALECT)


def test_a_type_map_serves_every_annotated_datetime(postgres_only: Database) -> None:
    class Base(DeclarativeBase):
        type_annotation_map = {datetime: UtcDateTime()}  # noqa: RUF012 - SQLAlchemy's own way

    class Meeting(Base):
        __tablename__ = "meeting"
        id: Mapped[int] = mapped_column(primary_key=True)
        begins: Mapped[datetime]
        ends: Mapped[datetime | None]

    def work(connection: Connection) -> None:
        Base.metadata.create_all(connection)
        with Session(connection) as session:
            session.add(Meeting(begins=MOMENT, ends=7))
            session.flush()

    with pytest.raises(InvalidTimestamp, match=r"^meeting\.ends: .* got an int"):
        postgres_only.run(work)


class Reminder(Tables, table=True):
    id: int | None = Field(default=None, primary_key=True)
    due: datetime = Field(sa_type=UtcDateTime)


def test_sqlmodel_takes_the_type(database: Database) -> None:
    def work(connection: Connection) -> datetime:
        Tables.metadata.create_all(connection, tables=[Tables.metadata.tables["reminder"]])
        with Session(connection) as session:
            session.add(Reminder(due=datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK)))
            session.flush()
            session.expire_all()
            return session.scalars(select(Reminder)).one().due

    found = database.run(work)
    assert (found, found.tzinfo) == (datetime(2026, 11, 1, 5, 30, tzinfo=UTC), UTC)


def test_sqlmodel_refuses_by_name(postgres_only: Database) -> None:
    def work(connection: Connection) -> None:
        with Session(connection) as session:
            session.add(Reminder(due=naive_utcnow()))
            session.flush()

    with pytest.raises(InvalidTimestamp, match=r"^reminder\.due: .* got a naive one"):
        postgres_only.run(work)


@pytest.mark.parametrize(
    ("type_", "written"),
    [
        (UtcDateTime(), "UtcDateTime()"),
        (UtcDateTime(timezone=False, naive="utc"), "UtcDateTime(timezone=False, naive='utc')"),
    ],
)
def test_the_repr_is_how_the_type_is_written(type_: UtcDateTime, written: str) -> None:
    assert repr(type_) == written


# The clocks ------------------------------------------------------------------------------------


def test_the_clocks_tell_the_present_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before, now, naive, after = datetime.now(UTC), utcnow(), naive_utcnow(), datetime.now(UTC)
    assert before <= now <= naive.replace(tzinfo=UTC) <= after
    assert (now.tzinfo, naive.tzinfo) == (UTC, None)
