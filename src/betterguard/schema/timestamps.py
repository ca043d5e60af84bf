"""UTC that cannot go wrong: a column type that takes and gives aware UTC and nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from sqlalchemy import DateTime, Interval, event
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.types import TypeDecorator

from betterguard.errors import BetterGuardError

if TYPE_CHECKING:
    from sqlalchemy import Column
    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql.operators import OperatorType
    from sqlalchemy.types import TypeEngine

__all__ = ["InvalidTimestamp", "UtcDateTime", "certain_moment", "naive_utcnow", "refuse", "utcnow"]

ZONELESS_DATABASES = frozenset({"sqlite", "mysql", "mariadb"})
# What drivers give for PostgreSQL's infinity; asyncpg gives it naive whatever the column.
INFINITIES = (datetime.min, datetime.max)  # noqa: DTZ901 - compared with, never stored
# From here on a number counts milliseconds: as seconds it would lie beyond the year 5000.
FIRST_MILLISECONDS = 100_000_000_000


class InvalidTimestamp(DontWrapMixin, BetterGuardError, ValueError):
    """A value that is no certain moment was to be stored, or was found in the database.

    The message names the table and the column, tells the type that came (never the value)
    and what to write instead. SQLAlchemy passes it on as it is: no SQL, no parameters.
    """


def utcnow() -> datetime:
    """Give the present moment as an aware datetime in UTC."""
    return datetime.now(UTC)


def naive_utcnow() -> datetime:
    """Give the present moment in UTC without a zone, for columns and code that stay naive.

    It is what ``datetime.utcnow()`` gives, without its deprecation warning.
    """
    return datetime.now(UTC).replace(tzinfo=None)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware UTC in Python, always.

    ``timezone`` tells what the column is in the database: True for TIMESTAMPTZ, False for
    TIMESTAMP, which then holds UTC. ``naive`` tells what to do with a datetime without a
    zone: ``"refuse"`` it, or take it as ``"utc"`` for code that still calls
    ``datetime.utcnow()``.

    Aware values of any zone are converted. Numbers, texts, dates and, by default, naive
    datetimes raise ``InvalidTimestamp`` before anything reaches the database. So does a
    value from a PostgreSQL column that is of the other kind than ``timezone`` says: such a
    pair shifts what is written by the session's offset from UTC, and nothing else tells.
    """

    impl = DateTime
    cache_ok = True

    def __init__(
        self,
        timezone: bool = True,  # noqa: FBT001, FBT002 - as DateTime has it; see below
        naive: Literal["refuse", "utc"] = "refuse",
    ) -> None:
        super().__init__(timezone=timezone)
        # SQLAlchemy puts the attributes that are named as positional parameters, and no
        # keyword-only ones, into the cache key of a statement.
        self.timezone = timezone
        self.naive: Literal["refuse", "utc"] = naive
        self._column: Column[Any] | None = None

    def __repr__(self) -> str:
        given = [] if self.timezone else ["timezone=False"]
        given += [] if self.naive == "refuse" else [f"naive={self.naive!r}"]
        return f"UtcDateTime({', '.join(given)})"

    def coerce_compared_value(self, op: OperatorType | None, value: object) -> TypeEngine[Any]:
        """Take the other side of an operator as a moment too, unless it is a duration."""
        del op
        return Interval() if isinstance(value, timedelta) else self

    def process_bind_param(self, value: object, dialect: Dialect) -> datetime | None:
        """Convert to UTC, as the column takes it; refuse what is no certain moment."""
        if value is None:
            return None
        moment = certain_moment(value, self._place(), self.naive)
        zoneless = not self.timezone or dialect.name in ZONELESS_DATABASES
        return moment.replace(tzinfo=None) if zoneless else moment

    def process_result_value(self, value: object, dialect: Dialect) -> datetime | None:
        """Give what the driver read as aware UTC, whatever the session's time zone."""
        if value is None:
            return None
        if not isinstance(value, datetime):
            found = f"the database holds {_kind(value)}, not a timestamp"
            refuse(self._place(), f"{found}: `check_schema` tells how to convert the column")
        if dialect.name == "postgresql":
            self._require_declared_kind(value)
        aware = value.utcoffset() is not None
        return value.astimezone(UTC) if aware else value.replace(tzinfo=UTC)

    def _require_declared_kind(self, value: datetime) -> None:
        aware = value.utcoffset() is not None
        if aware == self.timezone or value in INFINITIES:
            return
        found, other = (
            ("TIMESTAMPTZ", "timezone=True") if aware else ("TIMESTAMP", "timezone=False")
        )
        declared = "TIMESTAMPTZ" if self.timezone else "TIMESTAMP"
        refuse(
            self._place(),
            f"declared as {declared}, but the database gives {found}, so that writing shifts "
            f"by the session's time zone: write `UtcDateTime({other})`, or convert the column "
            "as `check_schema` tells",
        )

    def _place(self) -> str:
        if self._column is None:
            return "a UtcDateTime value"
        table = getattr(self._column, "table", None)
        return self._column.name if table is None else f"{table.fullname}.{self._column.name}"


@event.listens_for(UtcDateTime, "before_parent_attach")
def _know_the_column(type_: UtcDateTime, column: Column[Any]) -> None:
    """Let a type name its column in errors; one shared by several columns is copied for each."""
    if type_._column is None:  # noqa: SLF001 - this is the type's own listener
        type_._column = column  # noqa: SLF001 - as above
    elif type_._column is not column:  # noqa: SLF001 - as above
        own = type_.copy()
        own._column = column  # noqa: SLF001 - as above
        column.type = own


NAIVE_CURE = (
    "write `utcnow()` from betterguard.schema instead of `datetime.utcnow()` or "
    "`datetime.now()`, or `value.replace(tzinfo=UTC)` where the value is known to be UTC; "
    'for code that must stay naive declare the column as `UtcDateTime(naive="utc")`'
)
SECONDS_CURE = (
    "write `utcnow()` from betterguard.schema instead of `int(time.time())`; a stored number "
    "of seconds becomes a moment by `datetime.fromtimestamp(value, UTC)`"
)
MILLISECONDS_CURE = (
    "write `utcnow()` from betterguard.schema for the present; a stored number of milliseconds "
    "becomes a moment by `datetime.fromtimestamp(value / 1000, UTC)`"
)
TEXT_CURE = (
    "write `utcnow()` from betterguard.schema instead of `….isoformat()`; a text becomes a "
    "moment by `datetime.fromisoformat(value)` if it ends in an offset such as `+00:00` or `Z`"
)
DATE_CURE = "write `datetime.combine(value, time(), UTC)` for the day's beginning in UTC"
OTHER_CURE = "write `utcnow()` from betterguard.schema or another datetime with a `tzinfo`"


def certain_moment(
    value: object, place: str, naive: Literal["refuse", "utc"] = "refuse"
) -> datetime:
    """Give a value as aware UTC, or refuse it in the name of its place."""
    if not isinstance(value, datetime):
        refuse(place, f"expected an aware datetime, got {_kind(value)}: {_cure(value)}")
    if value.utcoffset() is None and naive == "utc":
        return value.replace(tzinfo=UTC)
    if value.utcoffset() is None:
        refuse(place, f"expected an aware datetime, got a naive one: {NAIVE_CURE}")
    try:
        return value.astimezone(UTC)
    except OverflowError as err:
        refuse(place, "expected a moment in the years 1 to 9999, got one beyond", err)


def refuse(place: str, reason: str, cause: Exception | None = None) -> NoReturn:
    """Raise ``InvalidTimestamp`` for a column or whatever else the place names."""
    msg = f"{place}: {reason}"
    raise InvalidTimestamp(msg) from cause


def _cure(value: object) -> str:
    """Tell what to write instead of a value that is no datetime."""
    if isinstance(value, int | float):
        return MILLISECONDS_CURE if abs(value) >= FIRST_MILLISECONDS else SECONDS_CURE
    if isinstance(value, str):
        return TEXT_CURE
    return DATE_CURE if isinstance(value, date) else OTHER_CURE


def _kind(value: object) -> str:
    """Name a value's type with its article: "an int", "a str"."""
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
