"""The cluster's PostgreSQL, which may be restarted: beside the other parts, or a network away."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psutil
from sqlalchemy import URL

from demo.cluster.part import Part, running
from demo.cluster.parts import program
from demo.errors import DemoError
from demo.ports import free_port
from demo.postgres import NAME, running_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.cluster.part import Machine
    from demo.postgres import Database

__all__ = ["ClusterDatabase", "local_database", "remote_database"]

# Only ever reached when something is broken.
START_LIMIT = 180.0
STOP_LIMIT = 180.0
POLL = 0.05
# A whole network of machines that nobody else reaches.
TRUST = "host all all samenet trust\n"


class ClusterDatabase(Protocol):
    """What the cluster wants of a database."""

    def url(self, scheme: str, role: str = NAME) -> str:
        """Give a role's address under a scheme."""
        ...

    def restart(self) -> None:
        """Restart it at once: every connection is cut, as at a failover."""
        ...


@dataclass(frozen=True)
class Local:
    """A database at a Unix socket."""

    database: Database

    def url(self, scheme: str, role: str = NAME) -> str:
        """Give a role's address under a scheme."""
        return self.database.url(scheme, role)

    def restart(self) -> None:
        """Restart it."""
        server = self.database.server
        # The server itself removes this file, as the last thing that it does.
        lock = server.pgdata / "postmaster.pid"
        os.kill(int(lock.read_text().split()[0]), signal.SIGINT)
        deadline = time.monotonic() + STOP_LIMIT
        while lock.exists():
            if time.monotonic() > deadline:
                msg = f"PostgreSQL did not end in {STOP_LIMIT:.0f} s"
                raise DemoError(msg)
            time.sleep(POLL)
        server.ensure_postgres_running()


@dataclass(frozen=True)
class Remote:
    """A database at a machine's port."""

    part: Part
    is_ready: tuple[str, ...]
    """The command that asks it."""

    def url(self, scheme: str, role: str = NAME) -> str:
        """Give a role's address under a scheme."""
        host, port = self.part.machine.address, self.part.port
        return URL.create(scheme, role, host=host, port=port, database=NAME).render_as_string()

    def restart(self) -> None:
        """Restart it."""
        process = self.part.process
        assert process is not None
        process.send_signal(signal.SIGINT)
        process.wait(STOP_LIMIT)
        self.part.start()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until it lets people in: it listens a little earlier."""
        deadline = time.monotonic() + START_LIMIT
        while subprocess.call(self.is_ready, stdout=subprocess.DEVNULL):  # noqa: S603  # ours
            if time.monotonic() > deadline:
                msg = f"PostgreSQL was not ready after {START_LIMIT:.0f} s"
                raise DemoError(msg)
            time.sleep(POLL)


@contextlib.contextmanager
def local_database(folder: Path) -> Iterator[Local]:
    """Run PostgreSQL with its data in a folder."""
    with running_database(folder) as database:
        yield Local(database)


@contextlib.contextmanager
def remote_database(folder: Path, machine: Machine) -> Iterator[Remote]:
    """Run PostgreSQL on a machine; its data are made here first."""
    with running_database(folder) as made:
        server = Path(psutil.Process(made.server.get_pid()).exe())
    with (folder / "pg_hba.conf").open("a", encoding="ascii") as rules:
        rules.write(TRUST)
    port = free_port()
    options = ("-D", str(folder), "-h", machine.address, "-p", str(port), "-k", "")
    command = (*as_owner(folder), str(server), *options)
    part = Part("postgres", command, port, folder.parent / "logs" / "postgres.log", machine=machine)
    is_ready = (str(server.with_name("pg_isready")), "-h", machine.address, "-p", str(port))
    with running(part):
        database = Remote(part, is_ready)
        database.wait_until_ready()
        yield database


def as_owner(folder: Path) -> tuple[str, ...]:
    """Give what a command begins with that PostgreSQL, which refuses root, runs as another."""
    if os.geteuid() != 0:
        return ()
    owner = pwd.getpwuid(folder.stat().st_uid)
    groups = (f"--regid={owner.pw_gid}", "--clear-groups")
    return (program("setpriv", package="util-linux"), f"--reuid={owner.pw_uid}", *groups)
