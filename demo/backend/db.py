"""The database: one engine for the application, one session of the caller's for each request."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import Depends
from sqlalchemy import select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from betterguard.rows import isolate
from betterguard.web.sessions import user_session
from demo.backend.auth import guard
from demo.backend.models import Task
from demo.backend.settings import settings

__all__ = ["UserSession", "answers", "engine"]

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
        connect_args=POOLED if settings.database_pooler else {},
    ),
    Task.metadata,
    verify=True,
)

UserSession = Annotated[
    AsyncSession, Depends(user_session(engine, guard, session_class=AsyncSession))
]
"""The request's session: whatever its statements say, it reaches the caller's rows only."""


async def answers() -> None:
    """Raise unless the database answers; the first call also inspects its roles and policies."""
    async with engine.connect() as connection:
        await connection.execute(select(1))
