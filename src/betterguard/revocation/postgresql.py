"""Revocations in a table of PostgreSQL, asked by polling: that works behind every pooler."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from betterguard.revocation.record import stored
from betterguard.revocation.store import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from betterguard.revocation.record import Revocation
    from betterguard.revocation.store import Position

__all__ = ["PostgresStore", "revocation_table"]

DEFAULT_TABLE = "betterguard_revocation"
CONNECTIONS = 2
# Names the lock among all advisory locks of the database: "bgrevoke" as a number.
WRITERS_LOCK = int.from_bytes(b"bgrevoke", "big", signed=True)


# A pooler gives each transaction another connection: no prepared statement may be meant to last.
_POOLED: dict[str, dict[str, Any]] = {
    "asyncpg": {
        "statement_cache_size": 0,
        "prepared_statement_cache_size": 0,
        "prepared_statement_name_func": lambda: f"__asyncpg_{uuid.uuid4()}__",
    },
    "psycopg": {"prepare_threshold": None},
}


def revocation_table(metadata: sa.MetaData, name: str = DEFAULT_TABLE) -> sa.Table:
    """Add the table to a metadata, as for the application's own migrations."""
    return sa.Table(
        name,
        metadata,
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("moment", sa.Double, nullable=False),
        sa.Column("until", sa.Double, nullable=False, index=True),
    )


class PostgresStore:
    """A table whose identity column is the position.

    ``engine`` is asynchronous and not isolated (the table belongs to no user), or the URL to
    make one of. The table is created where it is missing and the role may do so. Writers
    take turns, so that positions become visible in their order. ``clock`` gives seconds since
    1970.
    """

    def __init__(
        self,
        engine: AsyncEngine | str,
        *,
        table: sa.Table | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._owned = isinstance(engine, str)
        self._engine = _engine(engine) if isinstance(engine, str) else engine
        self._table = revocation_table(sa.MetaData()) if table is None else table
        self._clock = clock
        self._there = False

    async def add(self, revocations: Sequence[Revocation]) -> None:
        """Append entries in one transaction, and delete those that are over."""
        table = self._table
        rows = [
            {"subject": one.subject.value, "id": one.id, "moment": one.moment, "until": one.until}
            for one in revocations
        ]
        with self._told():
            async with self._engine.begin() as connection:
                await self._make_sure(connection)
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITERS_LOCK)))
                await connection.execute(table.delete().where(table.c.until <= self._clock()))
                await connection.execute(table.insert(), rows)

    async def read(self, after: Position, wait: float) -> tuple[Sequence[Revocation], Position]:
        """Give the entries after a position, asked after ``wait``."""
        if wait:
            await asyncio.sleep(wait)
        table = self._table
        query = (
            sa.select(table.c.position, *_entry_columns(table))
            .where(table.c.position > (after or 0))
            .order_by(table.c.position)
        )
        with self._told():
            async with self._engine.begin() as connection:
                await self._make_sure(connection)
                rows = (await connection.execute(query)).all()
        found = [entry for _, *fields in rows for entry in stored(*fields)]
        return found, rows[-1][0] if rows else (after or 0)

    async def aclose(self) -> None:
        """Close the connections, unless the engine was given."""
        if self._owned:
            with contextlib.suppress(SQLAlchemyError, OSError):
                await self._engine.dispose()

    async def _make_sure(self, connection: AsyncConnection) -> None:
        if self._there:
            return
        exists = sa.select(sa.func.to_regclass(self._table.fullname))
        if (await connection.execute(exists)).scalar() is None:
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITERS_LOCK)))
            await connection.run_sync(self._table.create, checkfirst=True)
        self._there = True

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Name the kind of a failure and nothing of the address, which may hold a password."""
        try:
            yield
        except (SQLAlchemyError, OSError) as failure:
            self._there = False  # the table may be what is gone
            kind = _kind(failure)
        else:
            return
        raise StoreUnavailable(kind)


def _kind(failure: SQLAlchemyError | OSError) -> str:
    state = getattr(getattr(failure, "orig", None), "sqlstate", None)
    return type(failure).__name__ + (f", SQLSTATE {state}" if state else "")


def _engine(url: str) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=CONNECTIONS,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=_POOLED.get(sa.make_url(url).get_driver_name(), {}),
    )


def _entry_columns(table: sa.Table) -> tuple[sa.Column[str] | sa.Column[float], ...]:
    return table.c.subject, table.c.id, table.c.moment, table.c.until
