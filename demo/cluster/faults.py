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
    from demo.cluster.traffic import Traffic

__all__ = ["FAULTS", "Fault"]

OUTAGE = 2.0  # seconds that a part is away before somebody starts it again
CUT = 5.0  # seconds that a line is cut, at least
STORE_BACK = 10.0  # seconds after which everybody has heard from the store of revocations
EXPIRE_KEYS = text('UPDATE jwks SET "expiresAt" = now()')


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong; when ``cause`` returns, what was broken runs again."""

    title: str
    cause: Callable[[Cluster, Traffic], Awaitable[None]]
    layouts: frozenset[Layout] = frozenset(Layout)


async def rotate_keys(cluster: Cluster, _: Traffic) -> None:
    """Let every key be at its end: Better Auth makes a new one at the next signature."""
    engine = create_async_engine(cluster.database.url("postgresql+asyncpg"))
    async with engine.begin() as connection:
        await connection.execute(EXPIRE_KEYS)
    await engine.dispose()


async def kill_instance(cluster: Cluster, _: Traffic) -> None:
    """Kill one instance; the supervisor starts it again."""
    await asyncio.to_thread(cluster.instances[0].kill)
    await asyncio.sleep(OUTAGE)


async def kill_worker(cluster: Cluster, _: Traffic) -> None:
    """Kill one of the workers; their parent starts another."""
    parent = cluster.instances[0].process
    assert parent is not None
    workers = psutil.Process(parent.pid).children()
    # uvicorn also starts a process that only tracks resources.
    serving = [worker for worker in workers if "resource_tracker" not in " ".join(worker.cmdline())]
    serving[-1].kill()
    await asyncio.sleep(OUTAGE)


async def restart_postgres(cluster: Cluster, _: Traffic) -> None:
    """Restart the database; every connection is cut."""
    await asyncio.to_thread(cluster.database.restart)


def kill(name: str) -> Callable[[Cluster, Traffic], Awaitable[None]]:
    """Give what kills a part, and starts it again two seconds later."""

    async def cause(cluster: Cluster, _: Traffic) -> None:
        await away(cluster.parts[name])

    return cause


def cut(name: str) -> Callable[[Cluster, Traffic], Awaitable[None]]:
    """Give what cuts a machine off, and connects it again.

    It stays cut off until those who waited for something then were answered, or gave up: what
    only goes on when the line is back would else pass for an answer.
    """

    async def cause(cluster: Cluster, traffic: Traffic) -> None:
        assert cluster.network is not None
        await asyncio.to_thread(cluster.network.cut, name)
        await asyncio.sleep(CUT)
        await traffic.calls_under_way()
        await asyncio.to_thread(cluster.network.mend, name)

    return cause


async def cut_off_redis(cluster: Cluster, traffic: Traffic) -> None:
    """Cut Redis off, and let somebody sign out meanwhile: that must hold when it is back."""
    leaving = await traffic.people.new()

    async def leave() -> None:
        await asyncio.sleep(CUT / 2)
        await traffic.people.sign_out(leaving)

    await asyncio.gather(cut("redis")(cluster, traffic), leave())
    await asyncio.sleep(STORE_BACK)
    traffic.revoked.append(leaving)


async def away(part: Part) -> None:
    """Kill a part and start it again after the outage."""
    await asyncio.to_thread(part.kill)
    await asyncio.sleep(OUTAGE)
    await asyncio.to_thread(part.start)


CUT_OFF = frozenset({Layout.NETWORK})
FAULTS = (
    Fault("the keys are rotated", rotate_keys),
    Fault("an instance is killed", kill_instance, frozenset({Layout.PROXY, Layout.NETWORK})),
    Fault("a worker is killed", kill_worker, frozenset({Layout.UVICORN, Layout.GUNICORN})),
    Fault("Better Auth is killed", kill("auth")),
    Fault("PostgreSQL is restarted", restart_postgres),
    Fault("Redis is killed, with its data", kill("redis")),
    Fault("PgBouncer is killed", kill("pgbouncer")),
    Fault("an instance is cut off", cut("backend-0"), CUT_OFF),
    Fault("Better Auth is cut off", cut("auth"), CUT_OFF),
    Fault("PostgreSQL is cut off", cut("postgres"), CUT_OFF),
    Fault("Redis is cut off", cut_off_redis, CUT_OFF),
    Fault("PgBouncer is cut off", cut("pgbouncer"), CUT_OFF),
)
