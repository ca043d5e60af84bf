"""The database: one engine for the application, one session of the caller's for each request."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
import uuid
from typing import Annotated

from fastapi import Depends
from sqlalchemy import AdaptedConnection, event, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from betterguard.rows import isolate
from betterguard.web.sessions import user_session
from demo.backend.auth import guard
from demo.backend.models import Task
from demo.backend.settings import settings

__all__ = ["UserSession", "answers", "engine"]

logger = logging.getLogger(__name__)

PATIENCE = 20.0  # seconds that a start waits for a database that is away
RETRY = 0.5

# A database that is cut off says nothing, and the system waits for it for a quarter of an hour.
POOL_SECONDS = 5.0
LIMITS = {"timeout": 2.0, "command_timeout": 3.0}  # seconds
UNHEARD = 3_000  # milliseconds that what was sent may stay without the system's acknowledgement

# A pooler gives each transaction another connection, so that no prepared statement may be meant
# to last: asyncpg keeps none, and each has a name of its own.
POOLED = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: f"__asyncpg_{uuid.uuid4()}__",
}

engine = isolate(
    create_async_engine(
        settings.database_url,
        pool_pre_ping=True,
        pool_timeout=POOL_SECONDS,
        connect_args=LIMITS | (POOLED if settings.database_pooler else {}),
    ),
    Task.metadata,
    verify=True,
)


@event.listens_for(engine.sync_engine, "connect")
def limit_silence(connection: AdaptedConnection, _: object) -> None:
    """Let the system give up a connection that nobody hears.

    asyncpg's own limits leave out the closing of a statement, which comes before the next one.
    """
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        return  # an option of Linux
    transport = connection.driver_connection._transport  # noqa: SLF001  # as SQLAlchemy does
    line = transport.get_extra_info("socket")
    if line.family != socket.AF_UNIX:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD)


UserSession = Annotated[
    AsyncSession, Depends(user_session(engine, guard, session_class=AsyncSession))
]
"""The request's session: whatever its statements say, it reaches the caller's rows only."""


async def answers() -> None:
    """Wait until the database answers; the first call also inspects its roles and policies.

    A worker that gives up at once takes the others with it: uvicorn and gunicorn end as a whole
    when one cannot start. What the inspection refuses is raised at once, an absence in the end.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            async with engine.connect() as connection:
                await connection.execute(select(1))
        except (DBAPIError, OSError) as away:
            if time.monotonic() > deadline:
                raise
            logger.warning("waiting for the database (%s)", type(away).__name__)
            await asyncio.sleep(RETRY)
        else:
            return
