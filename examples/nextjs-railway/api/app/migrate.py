"""Create the tables, the application's role and its policies: ``python -m app.migrate``.

Run as the tables' owner before each deployment. An application with a history uses Alembic for
the tables and keeps the rest.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlmodel import SQLModel

from app import models
from app.settings import for_asyncpg, settings
from betterguard.rows import grants, policies

__all__ = ["migrate", "models"]

# DDL takes no parameters: PostgreSQL itself quotes what goes into it.
CREATE_ROLE = "SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', :name ::text, :password ::text)"
ALTER_ROLE = "SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :name ::text, :password ::text)"


async def migrate() -> None:
    """Bring the database to what the application expects."""
    application = for_asyncpg(settings.database_url)
    engine = create_async_engine(for_asyncpg(settings.owner_database_url))
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
        await make_role(connection, application)
        role = str(application.username)
        for statement in (
            *policies(SQLModel.metadata, role=role),
            *grants(SQLModel.metadata, role=role),
        ):
            await connection.exec_driver_sql(statement)
    await engine.dispose()


async def make_role(connection: AsyncConnection, application: URL) -> None:
    """Make the application's role, which owns nothing, or give it its present password."""
    known = await connection.scalar(
        text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": application.username}
    )
    ddl = await connection.scalar(
        text(ALTER_ROLE if known else CREATE_ROLE),
        {"name": application.username, "password": application.password},
    )
    await connection.exec_driver_sql(str(ddl))


if __name__ == "__main__":
    asyncio.run(migrate())
