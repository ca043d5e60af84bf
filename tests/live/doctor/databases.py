"""A PostgreSQL database with the tables of `notes`, policies and all, and the role that uses it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import NullPool, create_engine

from betterguard import rows
from tests.live.doctor.notes import Base

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.postgres import Postgres

__all__ = ["METADATA", "ROLE", "NotesDatabase", "notes_database"]

ROLE = "doctor_app"
METADATA = "tests.live.doctor.notes:Base"
CREATE_ROLE = f"""DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN CREATE ROLE {ROLE} LOGIN;
  END IF; END $$"""
RESET = (
    f"ALTER ROLE {ROLE} NOSUPERUSER NOBYPASSRLS",
    "DROP SCHEMA public CASCADE",
    "CREATE SCHEMA public",
    "GRANT USAGE ON SCHEMA public TO PUBLIC",
)


@dataclass(frozen=True)
class NotesDatabase:
    """One database, by its name."""

    server: Postgres
    name: str

    def url(self, driver: str = "psycopg", user: str = ROLE) -> str:
        url = self.server.url(driver, self.name, user)
        return url.render_as_string(hide_password=False)

    def run(self, *statements: str) -> None:
        """Run statements as the owner."""
        engine = create_engine(self.url(user="postgres"), poolclass=NullPool)
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))

    def rebuild(self) -> None:
        """Make everything as it should be, whatever was done to it."""
        self.run(CREATE_ROLE, *RESET)
        engine = create_engine(self.url(user="postgres"), poolclass=NullPool)
        Base.metadata.create_all(engine)
        self.run(*rows.policies(Base.metadata, role=ROLE), *rows.grants(Base.metadata, role=ROLE))


@contextlib.contextmanager
def notes_database(server: Postgres) -> Iterator[NotesDatabase]:
    """Make one, and leave the server's roles as they were."""
    database = NotesDatabase(server, server.new_database())
    database.rebuild()
    try:
        yield database
    finally:
        database.rebuild()
