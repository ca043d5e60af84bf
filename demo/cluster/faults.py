"""What goes wrong while people work: each fault is done, and undone by whoever would undo it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from demo.cluster.stack import Layout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from demo.cluster.part import Part
    from demo.cluster.stack import Cluster

__all__ = ["FAULTS", "Fault"]

OUTAGE = 2.0  # seconds that a part is away before somebody starts it again
EXPIRE_KEYS = text('UPDATE jwks SET "expiresAt" = now()')


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong; when ``cause`` returns, what was broken runs again."""

    title: str
    cause: Callable[[Cluster], Awaitable[None]]
    layouts: frozenset[Layout] = frozenset(Layout)


async def rotate_keys(cluster: Cluster) -> None:
    """Let every key be at its end: Better Auth makes a new one at the next signature."""
    engine = create_async_engine(cluster.database.url("postgresql+asyncpg"))
    async with engine.begin() as connection:
        await connection.execute(EXPIRE_KEYS)
    await engine.dispose()


async def kill_instance(cluster: Cluster) -> None:
    """Kill one instance; the supervisor starts it again."""
    await asyncio.to_thread(cluster.instances[0].kill)
    await asyncio.sleep(OUTAGE)


async def kill_worker(cluster: Cluster) -> None:
    """Kill one of the workers; their parent starts another."""
    parent = cluster.instances[0].process
    assert parent is not None
    workers = psutil.Process(parent.pid).children()
    # uvicorn also starts a process that only tracks resources.
    serving = [worker for worker in workers if "resource_tracker" not in " ".join(worker.cmdline())]
    serving[-1].kill()
    await asyncio.sleep(OUTAGE)


async def restart_postgres(cluster: Cluster) -> None:
    """Restart the database; every connection is cut."""
    await asyncio.to_thread(cluster.restart_postgres)


def kill(name: str) -> Callable[[Cluster], Awaitable[None]]:
    """Give what kills a part, and starts it again two seconds later."""

    async def cause(cluster: Cluster) -> None:
        await away(cluster.parts[name])

    return cause


async def away(part: Part) -> None:
    """Kill a part and start it again after the outage."""
    await asyncio.to_thread(part.kill)
    await asyncio.sleep(OUTAGE)
    await asyncio.to_thread(part.start)


FAULTS = (
    Fault("the keys are rotated", rotate_keys),
    Fault("an instance is killed", kill_instance, frozenset({Layout.PROXY})),
    Fault("a worker is killed", kill_worker, frozenset({Layout.UVICORN, Layout.GUNICORN})),
    Fault("Better Auth is killed", kill("auth")),
    Fault("PostgreSQL is restarted", restart_postgres),
    Fault("Redis is killed, with its data", kill("redis")),
    Fault("PgBouncer is killed", kill("pgbouncer")),
)
