"""The database: each session touches its caller's rows and no others."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from app import models
from app.auth import guard
from app.settings import for_asyncpg, settings
from betterguard.rows import isolate
from betterguard.web.sessions import user_session

__all__ = ["UserSession", "engine", "models"]

engine = isolate(
    create_async_engine(for_asyncpg(settings.database_url), pool_pre_ping=True),
    SQLModel.metadata,
    verify=True,  # the first connection checks roles and policies
)

UserSession = Annotated[
    AsyncSession, Depends(user_session(engine, guard, session_class=AsyncSession))
]
"""The request's session, for the caller's own rows."""
