"""The database: one engine for the application, one session for each request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from demo.backend.settings import settings

__all__ = ["Session", "create_tables", "engine"]

engine = create_async_engine(settings.database_url, pool_pre_ping=True)
new_session = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)


async def session() -> AsyncIterator[AsyncSession]:
    """Give the request a session of its own; what it did not commit is rolled back."""
    async with new_session() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]
"""The request's database session."""


async def create_tables() -> None:
    """Create the tables that are missing. An application with a history uses Alembic instead."""
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
