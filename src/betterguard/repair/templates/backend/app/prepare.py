"""Prepare the database: ``python -m app.prepare`` makes role, tables, policies and grants.

Run it as often as you like. An application with a history puts the same statements into its
migrations: ``policies()`` and ``grants()`` are plain SQL.
"""

from __future__ import annotations

import asyncio

from betterguard.rows import grants, policies
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlmodel import SQLModel

from app import models  # noqa: F401  so that the metadata knows the tables
from app.settings import settings

# The statement that makes the role, with its names quoted; nothing where there is one.
MISSING_ROLE = text(
    "SELECT format('CREATE ROLE %I LOGIN PASSWORD %L',"
    " CAST(:role AS text), CAST(:password AS text))"
    " WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = CAST(:role AS text))"
)


async def prepare() -> None:
    """Make what is missing, in one transaction, as the tables' owner."""
    # Without an owner the application's own role makes the tables, and no policy binds it.
    engine = create_async_engine(
        settings.database_owner_url or settings.database_url, hide_parameters=True
    )
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
        if settings.database_owner_url and connection.dialect.name == "postgresql":
            await _bind_role(connection)
    await engine.dispose()


async def _bind_role(connection: AsyncConnection) -> None:
    """Give the application's role its own rows, and nothing else."""
    application = make_url(settings.database_url)
    role = application.username or ""
    named = {"role": role, "password": application.password or ""}
    missing = await connection.scalar(MISSING_ROLE, named)
    if missing:
        await connection.exec_driver_sql(missing)
    for statement in (
        *policies(SQLModel.metadata, role=role),
        *grants(SQLModel.metadata, role=role),
    ):
        await connection.exec_driver_sql(statement)


if __name__ == "__main__":
    asyncio.run(prepare())
