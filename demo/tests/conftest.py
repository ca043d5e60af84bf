"""The demo proves its isolation: ``pytest --betterguard demo/tests``.

The engine is the application's own, on a PostgreSQL that is thrown away afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from betterguard.testing.isolation import IsolationCase
from demo.backend.migration import migrate
from demo.postgres import APPLICATION, running_database

if TYPE_CHECKING:
    import pytest
    from sqlalchemy.ext.asyncio import AsyncEngine

    from demo.postgres import Database

USERS = ("ada", "bob")
SUPERUSER = "postgres"
USER_TABLE = text('CREATE TABLE "user" (id text PRIMARY KEY)')  # Better Auth's
USER = text('INSERT INTO "user" VALUES (:user)')
TASK = text(
    "INSERT INTO task (user_id, title, done, created_at, updated_at)"
    " VALUES (:user, 'Tell nobody', false, now(), now())"
)


def pytest_betterguard_case(config: pytest.Config) -> IsolationCase:
    """Give the demo's engine, and tasks of two people in its database."""
    with contextlib.ExitStack() as stack:
        # A short name: a Unix socket's path is at most 107 bytes long.
        folder = Path(tempfile.mkdtemp(prefix="bg-demo-"))
        stack.callback(shutil.rmtree, folder)
        database = stack.enter_context(running_database(folder))
        every_row = create_async_engine(database.url("postgresql+asyncpg", SUPERUSER))
        asyncio.run(fill(database, every_row))
        config.add_cleanup(stack.pop_all().close)
    os.environ["DATABASE_URL"] = database.url("postgresql+asyncpg", APPLICATION)
    os.environ.setdefault("BETTER_AUTH_URL", "http://localhost:3000")
    from demo.backend.db import engine  # noqa: PLC0415  # reads the environment
    from demo.backend.models import Task  # noqa: PLC0415  # as above

    return IsolationCase(engine, every_row, Task.metadata, USERS)


async def fill(database: Database, every_row: AsyncEngine) -> None:
    """Make the tables as the demo does, and a task for each of the two."""
    async with every_row.begin() as connection:
        await connection.execute(USER_TABLE)
        await connection.execute(USER, [{"user": user} for user in USERS])
        await connection.execute(text('ALTER TABLE "user" OWNER TO demo'))
    await migrate(database.url("postgresql+asyncpg"), APPLICATION)
    async with every_row.begin() as connection:
        await connection.execute(TASK, [{"user": user} for user in USERS])
    await every_row.dispose()
