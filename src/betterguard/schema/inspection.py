"""Is the database as the models say, and does it keep moments as moments?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from betterguard.errors import ConfigurationError
from betterguard.schema.finding import SchemaFinding
from betterguard.schema.identities import better_auth_findings, live_user_id, user_id_findings
from betterguard.schema.live import read_database
from betterguard.schema.models import better_auth_class
from betterguard.schema.moments import moment_findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import MetaData, Table

    from betterguard.schema.live import Kind, LiveTable

__all__ = ["check_schema"]


def check_schema(bind: Engine | Connection, metadata: MetaData) -> list[SchemaFinding]:
    """Compare the models with a live PostgreSQL database; what is wrong, by table.

    Reads only: each finding carries the SQL that mends it. With an ``AsyncEngine`` write
    ``await connection.run_sync(check_schema, metadata)``.

    Raises ConfigurationError for another database than PostgreSQL, and when nothing can be
    compared because the metadata has no table.
    """
    if isinstance(bind, Connection):
        return list(_findings(bind, metadata))
    if hasattr(bind, "sync_engine"):
        msg = (
            f"check_schema takes an Engine or a Connection, got {type(bind).__name__}: write "
            "`await connection.run_sync(check_schema, metadata)`"
        )
        raise TypeError(msg)
    with bind.connect() as connection:
        return list(_findings(connection, metadata))


def _findings(connection: Connection, metadata: MetaData) -> Iterator[SchemaFinding]:
    _require_comparable(connection, metadata)
    database = read_database(connection)
    user_id = live_user_id(metadata, database)
    for table in sorted(metadata.tables.values(), key=lambda table: table.fullname):
        cls = better_auth_class(table)
        if cls is not None:
            yield from better_auth_findings(cls, table, database)
        else:
            yield from _own_findings(connection, table, database.table(table), user_id)


def _own_findings(
    connection: Connection, table: Table, live: LiveTable | None, user_id: Kind | None
) -> Iterator[SchemaFinding]:
    if live is None:
        problem = "the table is not in the database"
        cure = "run the application's migrations"
        yield SchemaFinding("table-missing", table.fullname, "", problem, cure)
        return
    yield from moment_findings(connection, table, live)
    if user_id is not None:
        yield from user_id_findings(table, live, user_id)


def _require_comparable(connection: Connection, metadata: MetaData) -> None:
    faults = []
    if connection.dialect.name != "postgresql":
        faults.append(f"check_schema knows PostgreSQL, got {connection.dialect.name}")
    if not metadata.tables:
        faults.append(
            "the metadata has no table: import the modules that hold the models before "
            "check_schema is called"
        )
    if faults:
        raise ConfigurationError(faults)
