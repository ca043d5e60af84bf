"""What a live PostgreSQL database holds: its tables, and of what kind each column is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Column, Connection, Table, inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import NullType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.types import TypeEngine

__all__ = [
    "DIALECT",
    "Kind",
    "LiveColumn",
    "LiveDatabase",
    "LiveTable",
    "kind_of",
    "quoted",
    "read_database",
]

Kind = Literal["timestamptz", "timestamp", "number", "text", "uuid", "other"]

# The style of parameters in which a percent sign in a name stays a single one.
DIALECT = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]  # untyped there
_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"TIMESTAMP.*WITH TIME ZONE", "timestamptz"),
    (r"TIMESTAMP", "timestamp"),
    (r"SMALLINT|INTEGER|BIGINT|NUMERIC|REAL|DOUBLE|FLOAT|SERIAL|BIGSERIAL", "number"),
    (r"TEXT|VARCHAR|CHAR", "text"),
    (r"UUID", "uuid"),
)


@dataclass(frozen=True)
class LiveColumn:
    """A column as the database has it; ``default`` is its SQL."""

    name: str
    kind: Kind
    default: str | None


@dataclass(frozen=True)
class LiveTable:
    """A table as the database has it."""

    schema: str
    name: str
    columns: Mapping[str, LiveColumn]

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class LiveDatabase:
    """All tables of a database, by schema and name, and the schema that needs no name."""

    tables: Mapping[tuple[str, str], LiveTable]
    default_schema: str

    def table(self, model: Table) -> LiveTable | None:
        """Give the table that a model is about, None when there is none."""
        return self.tables.get((model.schema or self.default_schema, model.name))


def read_database(connection: Connection) -> LiveDatabase:
    """Read what tables there are, but for PostgreSQL's own."""
    inspector = inspect(connection)
    found = {}
    for schema in set(inspector.get_schema_names()) - {"information_schema"}:
        for (_, name), columns in inspector.get_multi_columns(schema=schema).items():
            kept = {column["name"]: _live_column(column) for column in columns}
            found[schema, name] = LiveTable(schema, name, kept)
    return LiveDatabase(found, inspector.default_schema_name or "public")


def kind_of(type_: TypeEngine[Any]) -> Kind:
    """Tell of what kind a type is on PostgreSQL, whatever wraps it in Python."""
    if isinstance(type_, NullType):
        return "other"
    written = type_.compile(dialect=DIALECT)
    for pattern, kind in _KINDS:
        if re.match(pattern, written):
            return kind
    return "other"


def quoted(name: str | Table | LiveTable | Column[Any]) -> str:
    """Write a name as SQL, in quotes where it needs them."""
    quote = DIALECT.identifier_preparer
    if isinstance(name, Table):
        return quote.format_table(name)
    if isinstance(name, LiveTable):
        return f"{quote.quote_schema(name.schema)}.{quote.quote(name.name)}"
    return quote.quote(name if isinstance(name, str) else name.name)


def _live_column(column: Any) -> LiveColumn:  # noqa: ANN401 - SQLAlchemy's own dictionary
    return LiveColumn(column["name"], kind_of(column["type"]), column["default"])
