"""The SQL that mends a column: text for a migration, never run from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from betterguard.schema.live import quoted

if TYPE_CHECKING:
    from sqlalchemy import Table

    from betterguard.schema.live import Kind, LiveColumn

__all__ = ["NOW", "added_column", "converted", "set_default", "to_moment"]

Zone = Literal["timestamptz", "timestamp"]

# The server's present moment, as the default of a column of either kind.
NOW: dict[Zone, str] = {"timestamptz": "now()", "timestamp": "timezone('utc', now())"}

_ENDS_IN_OFFSET = r"':\d\d.*(Z|[+-]\d\d(:?\d\d)?)$'"


def converted(table: Table, live: LiveColumn, kind: Kind, using: str) -> str:
    """Give one ALTER TABLE that changes a column's type, and its default along with it."""
    column = quoted(live.name)
    actions = [f"ALTER COLUMN {column} TYPE {kind} USING {using}"]
    if live.default is not None:
        actions.insert(0, f"ALTER COLUMN {column} DROP DEFAULT")
    if live.default is not None and (kind in {"timestamptz", "timestamp"}):
        actions.append(f"ALTER COLUMN {column} SET DEFAULT {_now(kind)}")
    return f"ALTER TABLE {quoted(table)}\n  " + ",\n  ".join(actions) + ";"


def to_moment(live: LiveColumn, kind: Kind, *, milliseconds: bool = False) -> str:
    """Give the expression that makes a moment of a column of another kind.

    What has no zone is taken as UTC, whatever the session's time zone.
    """
    column = quoted(live.name)
    aware = {
        "number": f"to_timestamp({column} / 1000.0)" if milliseconds else f"to_timestamp({column})",
        "text": _parsed(column),
        "timestamp": f"{column} AT TIME ZONE 'UTC'",
        "timestamptz": column,
    }[live.kind]
    return aware if kind == "timestamptz" else f"({aware}) AT TIME ZONE 'UTC'"


def set_default(table: Table, column: str, kind: Kind) -> str:
    """Give the ALTER TABLE that makes the default the moment of each insert."""
    default = _now(kind)
    return f"ALTER TABLE {quoted(table)} ALTER COLUMN {quoted(column)} SET DEFAULT {default};"


def added_column(table: Table, column: str, kind: Kind) -> str:
    """Give the ALTER TABLE that adds a column of moments; rows of before get the present one."""
    default = f"NOT NULL DEFAULT {_now(kind)}"
    return f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(column)} {kind} {default};"


def _now(kind: Kind) -> str:
    return NOW["timestamp"] if kind == "timestamp" else NOW["timestamptz"]


def _parsed(column: str) -> str:
    given = f"NULLIF({column}, '')"
    aware = f"CASE WHEN {column} ~ {_ENDS_IN_OFFSET} THEN {given}::timestamptz"
    return f"{aware} ELSE {given}::timestamp AT TIME ZONE 'UTC' END"
