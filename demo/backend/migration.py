"""The migration: tables, policies and grants, made by the role that owns them.

The application's own role only uses what this leaves behind. It may be run again, and brings the
database of an earlier version here. An application with a history uses Alembic instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import create_async_engine

from betterguard.rows import grants, policies
from demo.backend.models import Task

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["OtherVersion", "migrate"]


class OtherVersion(Exception):
    """The database has tables that no migration leads on from."""


async def migrate(owner_url: str, role: str) -> None:
    """Make what is missing, as the owner at ``owner_url``; ``role`` is the application's."""
    engine = create_async_engine(owner_url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(create, role)
    finally:
        await engine.dispose()


def create(connection: Connection, role: str) -> None:
    """Create the tables that are missing, and their policies and grants."""
    metadata = Task.metadata
    metadata.create_all(connection)
    require_columns(connection)
    for statement in (*policies(metadata, role=role), *grants(metadata, role=role)):
        connection.exec_driver_sql(statement)


def require_columns(connection: Connection) -> None:
    """Refuse a table that an older version made with other columns."""
    table = Task.metadata.tables["task"]
    found = {column["name"] for column in inspect(connection).get_columns(table.name)}
    missing = sorted({column.name for column in table.columns} - found)
    if missing:
        msg = f"table {table.name!r} is an older one, without {', '.join(missing)}"
        raise OtherVersion(msg)
