"""The whole cluster: PostgreSQL, PgBouncer, Redis, Better Auth, back ends in three layouts."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import httpx2
from sqlalchemy import make_url

from demo.cluster.database import local_database, remote_database
from demo.cluster.network import made_network
from demo.cluster.part import LOOPBACK, START_LIMIT, Part, running
from demo.cluster.parts import haproxy, pgbouncer, redis
from demo.ports import free_port
from demo.postgres import APPLICATION
from demo.stack import ROOT, Origins, auth, backend, chatbot, make_tables, only_one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from demo.cluster.database import ClusterDatabase
    from demo.cluster.network import Network
    from demo.cluster.part import Machine
    from demo.service import Service

__all__ = ["Cluster", "Layout", "running_cluster"]

TOKEN_LIFETIME = "15m"  # noqa: S105  # a duration
WORKERS = 4
INSTANCES = ("backend-0", "backend-1")
MACHINES = ("auth", "postgres", "pgbouncer", "redis", *INSTANCES, "haproxy")
APP = "demo.backend.main:app"


class Layout(StrEnum):
    """How the back end runs."""

    UVICORN = "uvicorn"
    """One uvicorn with four workers."""
    GUNICORN = "gunicorn"
    """One gunicorn with four workers."""
    PROXY = "proxy"
    """Two instances behind HAProxy."""
    NETWORK = "network"
    """The same, and every part on a machine of its own."""

    @property
    def proxied(self) -> bool:
        """Tell whether there are instances behind a proxy."""
        return self in {Layout.PROXY, Layout.NETWORK}


@dataclass
class Cluster:
    """The running cluster, and handles on each of its parts.

    ``network`` is None where all parts share this machine.
    """

    origins: Origins
    database: ClusterDatabase
    parts: dict[str, Part]
    instances: tuple[Part, ...]
    network: Network | None

    def start_what_ended(self) -> None:
        """Start back ends that ended, as a supervisor does.

        gunicorn gives up when a worker cannot start, as while the database is away.
        """
        for instance in self.instances:
            if instance.has_ended():
                instance.start()


@contextlib.contextmanager
def running_cluster(data: Path, ports: Sequence[int], layout: Layout) -> Iterator[Cluster]:
    """Start every part in order; end all afterwards.

    ``ports`` are preferred for the page, the chatbot and the back end.
    """
    with contextlib.ExitStack() as stack:
        if layout is not Layout.NETWORK:
            yield stack.enter_context(placed(data, Origins.at(ports), layout))
            return
        network = stack.enter_context(made_network(MACHINES))
        hosts = [network.machine(name).address for name in ("auth", "auth", "haproxy")]
        origins = Origins(*(f"http://{host}:{free_port()}" for host in hosts))
        yield stack.enter_context(placed(data, origins, layout, network))


@contextlib.contextmanager
def placed(
    data: Path, origins: Origins, layout: Layout, network: Network | None = None
) -> Iterator[Cluster]:
    """Start every part where it belongs."""
    (data / "logs").mkdir(parents=True, exist_ok=True)

    def machine(name: str) -> Machine:
        return LOOPBACK if network is None else network.machine(name)

    with only_one(data), contextlib.ExitStack() as stack:
        database: ClusterDatabase
        if network is None:
            database = stack.enter_context(local_database(data / "postgres"))
        else:
            remote = remote_database(data / "postgres", machine("postgres"))
            database = stack.enter_context(remote)
        parts: dict[str, Part] = {}

        def started(part: Part) -> Part:
            parts[part.name] = stack.enter_context(running(part))
            return part

        store = started(redis(folder(data, "redis"), machine("redis")))
        sign_in = auth(data, origins, database.url("postgresql"), TOKEN_LIFETIME)
        started(part_of(sign_in, machine("auth")))
        # The first who asks has the first key made: workers that ask at once would make several.
        key_set = f"{origins.page}/api/auth/jwks"
        httpx2.get(key_set, timeout=START_LIMIT, trust_env=False).raise_for_status()
        make_tables(database.url("postgresql+asyncpg"), data)
        started(part_of(chatbot(data, origins), machine("auth")))
        application = database.url("postgresql+asyncpg", APPLICATION)
        user = (data / "postgres").owner()
        pooler = pgbouncer(folder(data, "pgbouncer"), application, user, machine("pgbouncer"))
        started(pooler)
        url = make_url(application).set(host=pooler.machine.address, port=pooler.port, query={})
        service = backend(data, origins, url.render_as_string(hide_password=False))
        changes = {
            "DATABASE_POOLER": "true",
            "BETTER_AUTH_ALLOW_HTTP": "true",
            "BETTER_AUTH_REVOCATION_STORE": f"redis://{store.machine.address}:{store.port}",
        }
        instances = tuple(started(one) for one in back_ends(service, changes, layout, machine))
        if layout.proxied:
            proxy = folder(data, "haproxy")
            started(haproxy(proxy, port_of(origins.api), instances, machine("haproxy")))
        yield Cluster(origins, database, parts, instances, network)


def back_ends(
    service: Service,
    changes: Mapping[str, str],
    layout: Layout,
    machine: Callable[[str], Machine],
) -> Iterator[Part]:
    """Describe the back end's processes in a layout."""
    environment = {**service.environment, **changes, "PYTHONPATH": str(ROOT)}
    for name in INSTANCES if layout.proxied else INSTANCES[:1]:
        place, log = machine(name), service.log.with_name(f"{name}.log")
        port = free_port() if layout.proxied else port_of(service.origin)
        command = command_for(layout, place.address, port)
        yield Part(name, command, port, log, environment, service.folder, "/api/ready", place)


def command_for(layout: Layout, host: str, port: int) -> tuple[str, ...]:
    """Give the command line that serves the application in a layout."""
    if layout is Layout.GUNICORN:
        bind = ("--worker-class", "asgi", "--workers", str(WORKERS), "--bind", f"{host}:{port}")
        return (sys.executable, "-m", "gunicorn", *bind, APP)
    options = (
        *("--host", host, "--port", str(port), "--timeout-graceful-shutdown", "3"),
        # Longer than a proxy keeps an idle connection (HAProxy: 5 s), which else ends under it.
        *("--timeout-keep-alive", "75"),
    )
    workers = ("--workers", str(WORKERS)) if layout is Layout.UVICORN else ()
    return (sys.executable, "-m", "uvicorn", APP, *options, *workers)


def part_of(service: Service, machine: Machine) -> Part:
    """Make a part of the demo's own services."""
    return Part(
        service.name,
        service.command,
        port_of(service.origin),
        service.log,
        service.environment,
        service.folder,
        service.health,
        machine,
    )


def port_of(origin: str) -> int:
    """Give the port of an origin."""
    return int(origin.rpartition(":")[2])


def folder(data: Path, name: str) -> Path:
    """Make a folder for a part."""
    made = data / name
    made.mkdir(exist_ok=True)
    return made
