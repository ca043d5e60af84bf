"""One database reached through any driver, synchronous or not, by the same test."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import URL, NullPool, create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from tests.servers.postgres import Postgres

Result = TypeVar("Result")

POSTGRES_DRIVERS = ("psycopg", "asyncpg", "psycopg2")
SQLITE_DRIVERS = ("pysqlite", "aiosqlite")
ASYNC_DRIVERS = ("asyncpg", "aiosqlite")
TIME_ZONES = ("UTC", "America/New_York", "Asia/Kolkata")


@dataclass(frozen=True)
class Database:
    """A database of the test's own, and how to reach it."""

    driver: str
    url: URL
    connect_args: dict[str, Any]

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """Do the work in one transaction, over a connection of its own."""
        if self.driver in ASYNC_DRIVERS:
            return asyncio.run(self._run_async(work))
        engine = create_engine(self.url, connect_args=self.connect_args, poolclass=NullPool)
        with engine.begin() as connection:
            return work(connection)

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session for one test; what it writes is committed when the test says so."""
        engine = create_engine(self.url, connect_args=self.connect_args, poolclass=NullPool)
        with Session(engine) as session:
            yield session

    async def _run_async(self, work: Callable[[Connection], Result]) -> Result:
        options = {"connect_args": self.connect_args, "poolclass": NullPool}
        engine = create_async_engine(self.url, **options)
        async with engine.begin() as connection:
            return await connection.run_sync(work)


def postgres_database(
    server: Postgres, driver: str = "psycopg", zone: str = "UTC", name: str = ""
) -> Database:
    """Give a database of the server, a new one unless named, in sessions of that time zone."""
    url = server.url(driver, name or server.new_database())
    if driver == "asyncpg":
        return Database(driver, url, {"server_settings": {"timezone": zone}})
    return Database(driver, url, {"options": f"-c timezone={zone}"})


def sqlite_database(folder: Path, driver: str = "pysqlite") -> Database:
    """Give an empty SQLite file."""
    return Database(driver, URL.create(f"sqlite+{driver}", database=str(folder / "app.db")), {})
