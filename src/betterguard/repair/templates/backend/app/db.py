"""The database: an engine whose statements touch the caller's rows alone."""

from __future__ import annotations

from typing import Annotated

from betterguard.rows import isolate
from betterguard.web.sessions import user_session
from fastapi import Depends
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from app import models  # noqa: F401  so that the metadata below knows the tables
from app.auth import guard
from app.settings import settings

__all__ = ["UserSession", "engine"]

# On PostgreSQL the first connection inspects role and policies, and refuses to go on without them.
engine = isolate(
    create_async_engine(settings.database_url, pool_pre_ping=True, hide_parameters=True),
    SQLModel.metadata,
    verify=settings.database_url.startswith("postgresql"),
)

UserSession = Annotated[
    AsyncSession, Depends(user_session(engine, guard, session_class=AsyncSession))
]
"""The caller's session: every statement sees and changes the caller's rows, and no others."""
