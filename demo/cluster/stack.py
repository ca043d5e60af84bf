"""The whole cluster: PostgreSQL, PgBouncer, Redis, Better Auth, back ends in three layouts."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import httpx2
from sqlalchemy import make_url

from demo.cluster.part import Part, running
from demo.cluster.parts import haproxy, pgbouncer, redis
from demo.errors import DemoError
from demo.ports import HOST, free_port
from demo.postgres import APPLICATION, running_database
from demo.stack import ROOT, Origins, auth, backend, chatbot, make_tables, only_one

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from demo.postgres import Database
    from demo.service import Service

__all__ = ["Cluster", "Layout", "running_cluster"]

TOKEN_LIFETIME = "15m"  # noqa: S105  # a duration
WORKERS = 4
INSTANCES = 2
STOP_LIMIT = 30.0
APP = "demo.backend.main:app"


class Layout(StrEnum):
    """How the back end runs."""

    UVICORN = "uvicorn"
    """One uvicorn with four workers."""
    GUNICORN = "gunicorn"
    """One gunicorn with four workers."""
    PROXY = "proxy"
    """Two instances behind HAProxy."""


@dataclass
class Cluster:
    """The running cluster, and handles on each of its parts."""

    origins: Origins
    database: Database
    parts: dict[str, Part]
    instances: tuple[Part, ...]

    def start_what_ended(self) -> None:
        """Start back ends that ended, as a supervisor does.

        gunicorn gives up when a worker cannot start, as while the database is away.
        """
        for instance in self.instances:
            if instance.has_ended():
                instance.start()

    def restart_postgres(self) -> None:
        """Restart PostgreSQL at once: every connection is cut, as at a failover."""
        server = self.database.server
        # The server itself removes this file, as the last thing that it does.
        lock = server.pgdata / "postmaster.pid"
        os.kill(int(lock.read_text().split()[0]), signal.SIGINT)
        deadline = time.monotonic() + STOP_LIMIT
        while lock.exists():
            if time.monotonic() > deadline:
                msg = f"PostgreSQL did not end in {STOP_LIMIT:.0f} s"
                raise DemoError(msg)
            time.sleep(0.05)
        server.ensure_postgres_running()


@contextlib.contextmanager
def running_cluster(data: Path, origins: Origins, layout: Layout) -> Iterator[Cluster]:
    """Start every part in order; end all afterwards."""
    logs = data / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with only_one(data), contextlib.ExitStack() as stack:
        database = stack.enter_context(running_database(data / "postgres"))
        parts: dict[str, Part] = {}

        def started(part: Part) -> Part:
            parts[part.name] = stack.enter_context(running(part))
            return part

        store = started(redis(folder(data, "redis")))
        sign_in = auth(data, origins, database.url("postgresql"), TOKEN_LIFETIME)
        started(part_of(sign_in))
        # The first who asks has the first key made: workers that ask at once would make several.
        httpx2.get(f"{origins.page}/api/auth/jwks", trust_env=False).raise_for_status()
        make_tables(database, data)
        started(part_of(chatbot(data, origins)))
        application = database.url("postgresql+asyncpg", APPLICATION)
        pooler = started(pgbouncer(folder(data, "pgbouncer"), application))
        url = make_url(application).set(host=HOST, port=pooler.port, query={})
        service = backend(data, origins, url.render_as_string(hide_password=False))
        changes = {
            "DATABASE_POOLER": "true",
            "BETTER_AUTH_REVOCATION_STORE": f"redis://{HOST}:{store.port}",
        }
        instances = tuple(started(one) for one in back_ends(service, changes, layout))
        if layout is Layout.PROXY:
            ports = [one.port for one in instances]
            started(haproxy(folder(data, "haproxy"), port_of(origins.api), ports))
        yield Cluster(origins, database, parts, instances)


def back_ends(service: Service, changes: Mapping[str, str], layout: Layout) -> Iterator[Part]:
    """Describe the back end's processes in a layout."""
    environment = {**service.environment, **changes, "PYTHONPATH": str(ROOT)}
    public = port_of(service.origin)
    ports = [free_port() for _ in range(INSTANCES)] if layout is Layout.PROXY else [public]
    for number, port in enumerate(ports):
        name = f"backend-{number}"
        log = service.log.with_name(f"{name}.log")
        command = command_for(layout, port)
        yield Part(name, command, port, log, environment, service.folder, "/api/ready")


def command_for(layout: Layout, port: int) -> tuple[str, ...]:
    """Give the command line that serves the application in a layout."""
    if layout is Layout.GUNICORN:
        address = f"{HOST}:{port}"
        options = ("--worker-class", "asgi", "--workers", str(WORKERS), "--bind", address)
        return (sys.executable, "-m", "gunicorn", *options, APP)
    options = ("--host", HOST, "--port", str(port), "--timeout-graceful-shutdown", "3")
    workers = ("--workers", str(WORKERS)) if layout is Layout.UVICORN else ()
    return (sys.executable, "-m", "uvicorn", APP, *options, *workers)


def part_of(service: Service) -> Part:
    """Make a part of the demo's own services."""
    return Part(
        service.name,
        service.command,
        port_of(service.origin),
        service.log,
        service.environment,
        service.folder,
        service.health,
    )


def port_of(origin: str) -> int:
    """Give the port of an origin on loopback."""
    return int(origin.rpartition(":")[2])


def folder(data: Path, name: str) -> Path:
    """Make a folder for a part."""
    made = data / name
    made.mkdir(exist_ok=True)
    return made
