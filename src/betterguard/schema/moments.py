"""Does a table keep moments as moments, and does it tell when a row was made and changed?"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, DefaultClause, Table, func, select
from sqlalchemy import column as bare_column
from sqlalchemy import table as bare_table
from sqlalchemy.exc import DBAPIError

from betterguard.schema.finding import SchemaFinding
from betterguard.schema.live import kind_of
from betterguard.schema.mending import added_column, converted, set_default, to_moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from betterguard.schema.live import Kind, LiveColumn, LiveTable

__all__ = ["moment_findings"]

INSUFFICIENT_PRIVILEGE = "42501"
ZONES: tuple[Kind, ...] = ("timestamptz", "timestamp")
CREATED = frozenset({"createdat", "created", "createdon", "datecreated", "insertedat"})
UPDATED = frozenset({"updatedat", "updated", "updatedon", "modifiedat", "lastmodified"})
# A name that means a moment, and one that may as well mean a duration or a day.
_SURELY = re.compile(r"(_at|[a-z]At)$")
_MAYBE = re.compile(r"(_at|[a-z]At|_time|_date|[a-z]Time|[a-z]Date|timestamp)$")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
# Seconds from 1985 to 5138; a thousand times that for milliseconds.
_SECONDS = range(500_000_000, 100_000_000_000)
_MILLISECONDS = range(500_000_000_000, 100_000_000_000_000)
_FROZEN = re.compile(r"'\d{4}-\d\d-\d\d[^']*'::timestamp")
_NOW = re.compile(r"(now\(\)|current_timestamp|localtimestamp|clock_timestamp\(\))", re.IGNORECASE)


def moment_findings(
    connection: Connection, table: Table, live: LiveTable
) -> Iterator[SchemaFinding]:
    """Find what is wrong with the moments in one table of the application."""
    for column in table.columns:
        found = live.columns.get(column.name)
        if found is not None:
            yield from _column_findings(connection, table, column, found)
    yield from _missing_columns(table, live)


def _column_findings(
    connection: Connection, table: Table, column: Column[Any], live: LiveColumn
) -> Iterator[SchemaFinding]:
    declared = kind_of(column.type)
    if live.kind in {"number", "text"}:
        yield from _not_a_moment(connection, table, live, declared)
    elif live.kind in ZONES and declared in ZONES:
        yield from _zone(table, live, declared)
        yield from _default(table, column, live)


def _not_a_moment(
    connection: Connection, table: Table, live: LiveColumn, declared: Kind
) -> Iterator[SchemaFinding]:
    if declared not in ZONES and not _MAYBE.search(live.name):
        return
    sample = _sample(connection, table, live)
    surely = declared in ZONES or (sample is None and _SURELY.search(live.name))
    if not surely and not _is_moment(sample):
        return
    kind: Kind = declared if declared in ZONES else "timestamptz"
    in_milliseconds = isinstance(sample, int) and sample in _MILLISECONDS
    using = to_moment(live, kind, milliseconds=in_milliseconds)
    zone = "" if kind == "timestamptz" else "timezone=False"
    yield SchemaFinding(
        "time-as-text" if live.kind == "text" else "time-as-number",
        table.fullname,
        live.name,
        f"the database keeps a moment as {_as_what(live, in_milliseconds=in_milliseconds)}",
        f"convert the column, and declare it as `UtcDateTime({zone})`",
        converted(table, live, kind, using),
    )


def _as_what(live: LiveColumn, *, in_milliseconds: bool) -> str:
    if live.kind == "text":
        return "text"
    return f"a number of {'milliseconds' if in_milliseconds else 'seconds'}"


def _sample(connection: Connection, table: Table, live: LiveColumn) -> int | str | None:
    """Give the greatest value of a column: a whole number, a text, or None where none is seen."""
    # Bare, without the model's types: what is stored there may not be what they take.
    stored = bare_table(table.name, bare_column(live.name), schema=table.schema)
    try:
        with connection.begin_nested():
            value = connection.execute(select(func.max(stored.c[live.name]))).scalar_one()
    except DBAPIError as refused:
        if not _is_withheld(refused):
            raise
        return None
    if isinstance(value, str) or value is None:
        return value
    return int(value) if math.isfinite(value) else 0


def _is_withheld(refused: DBAPIError) -> bool:
    """Tell whether rows are kept from this role, as policies keep them where no user is set."""
    code = getattr(refused.orig, "sqlstate", None) or getattr(refused.orig, "pgcode", None)
    return code == INSUFFICIENT_PRIVILEGE


def _is_moment(sample: int | str | None) -> bool:
    if isinstance(sample, str):
        return _ISO.match(sample) is not None
    return sample is not None and (sample in _SECONDS or sample in _MILLISECONDS)


def _zone(table: Table, live: LiveColumn, declared: Kind) -> Iterator[SchemaFinding]:
    if live.kind == declared:
        return
    without = live.kind == "timestamp"
    yield SchemaFinding(
        "zone-missing" if without else "zone-unexpected",
        table.fullname,
        live.name,
        f"the database has {live.kind}, the model says {declared}: what is written shifts by "
        "the session's time zone",
        "convert the column, which is taken to hold UTC, or declare it as "
        f"`UtcDateTime({'timezone=False' if without else ''})`",
        converted(table, live, declared, to_moment(live, declared)),
    )


def _default(table: Table, column: Column[Any], live: LiveColumn) -> Iterator[SchemaFinding]:
    frozen = _FROZEN.match(live.default or "") is not None
    if frozen or _NOW.fullmatch(_declared_text(column)):
        yield SchemaFinding(
            "default-frozen",
            table.fullname,
            live.name,
            "the default is one fixed date, that of the table's creation",
            'write `server_default=func.now()`: the text `"now()"` is evaluated once',
            set_default(table, live.name, live.kind) if frozen else "",
        )
    elif live.kind == "timestamp" and _NOW.match(live.default or ""):
        yield SchemaFinding(
            "default-in-session-zone",
            table.fullname,
            live.name,
            "the default is the wall clock of the session's time zone, in a column without one",
            "write `server_default=naive_server_utcnow()`",
            set_default(table, live.name, live.kind),
        )


def _declared_text(column: Column[Any]) -> str:
    default = column.server_default
    declared = default.arg if isinstance(default, DefaultClause) else ""
    return declared if isinstance(declared, str) else ""


def _missing_columns(table: Table, live: LiveTable) -> Iterator[SchemaFinding]:
    if _is_association(table):
        return
    plain = {name.replace("_", "").lower() for name in live.columns}
    for name, alike in (("created_at", CREATED), ("updated_at", UPDATED)):
        if not plain & alike:
            kind: Kind = (
                kind_of(table.columns[name].type) if name in table.columns else "timestamptz"
            )
            yield SchemaFinding(
                "timestamps-missing",
                table.fullname,
                name,
                "the table does not tell when a row was "
                + ("made" if name == "created_at" else "last changed"),
                "derive the class from `Timestamps`, and add the column",
                added_column(table, name, kind),
            )


def _is_association(table: Table) -> bool:
    """Tell whether a table only joins others: each column is a key to one of them."""
    return all(column.primary_key or column.foreign_keys for column in table.columns) and any(
        column.foreign_keys for column in table.columns
    )
