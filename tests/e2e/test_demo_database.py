"""The demo's database: who owns what in it, and what becomes of an older one."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url

from betterguard import rows
from demo.backend.migration import OtherVersion, migrate
from demo.backend.models import Task
from demo.ports import HOST, free_port
from demo.postgres import APPLICATION, running_database
from tests.servers.demo import data_folder, started_demo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.postgres import Database

ROOT = Path(__file__).resolve().parents[2]
# What the demo made when the back end's role owned the tables and every route filtered by hand.
FORMER = """
CREATE TABLE "user" (id text PRIMARY KEY);
CREATE TABLE task (
  title varchar NOT NULL, done boolean NOT NULL,
  created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
  id serial PRIMARY KEY, user_id varchar NOT NULL REFERENCES "user" ON DELETE CASCADE
);
CREATE INDEX ix_task_user_id ON task (user_id);
INSERT INTO "user" VALUES ('ada'), ('bob');
INSERT INTO task (title, done, created_at, updated_at, user_id) VALUES
  ('Adas', false, now(), now(), 'ada'), ('Bobs', false, now(), now(), 'bob');
"""
# A connection of Better Auth's that PostgreSQL closes while somebody holds it.
CUT = """
import { createAuth } from "./auth.js";
const settings = { baseURL: "http://localhost:3000", secret: "s".repeat(32), tokenLifetime: "1m" };
const { pool } = createAuth({ ...settings, databaseURL: process.env.DATABASE_URL });
const [held, other] = [await pool.connect(), await pool.connect()];
const cut = new Promise((resolve) => held.once("end", resolve));
await other.query("SELECT pg_terminate_backend($1)", [held.processID]);
await cut;
console.log("still here");
process.exit(0);
"""
START = "import asyncio; from demo.backend.db import answers; asyncio.run(answers())"
TOO_OLD = "CREATE TABLE task (id serial PRIMARY KEY, user_id varchar NOT NULL, title varchar)"


@pytest.fixture
def database() -> Iterator[Database]:
    with data_folder() as folder, running_database(folder) as database:
        yield database


def run_as_owner(database: Database, sql: str) -> None:
    engine = create_engine(database.url("postgresql+psycopg"))
    with engine.begin() as connection:
        connection.exec_driver_sql(sql)
    engine.dispose()


def migrated(database: Database) -> None:
    asyncio.run(migrate(database.url("postgresql+asyncpg"), APPLICATION))


def test_an_older_database_comes_along_with_its_tasks(database: Database) -> None:
    run_as_owner(database, FORMER)
    for _ in range(2):  # at every start
        migrated(database)
    engine = create_engine(database.url("postgresql+psycopg", APPLICATION))
    rows.isolate(engine, Task.metadata, verify=True)
    with rows.session(engine, "ada") as session:
        assert [task.title for task in session.query(Task)] == ["Adas"]
    engine.dispose()


def test_who_leaves_takes_their_tasks_along_and_no_others(database: Database) -> None:
    run_as_owner(database, FORMER)
    migrated(database)
    run_as_owner(database, "DELETE FROM \"user\" WHERE id = 'ada'")
    everything = create_engine(database.url("postgresql+psycopg", "postgres"))
    with everything.connect() as connection:
        assert connection.exec_driver_sql("SELECT title FROM task").scalars().all() == ["Bobs"]
    everything.dispose()


async def starting(url: str) -> asyncio.subprocess.Process:
    """Begin what a worker of the back end does before its first request."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "BETTER_AUTH_URL": "http://localhost:3000",
        "PYTHONPATH": str(ROOT),
    }
    command = (sys.executable, "-c", START)
    return await asyncio.create_subprocess_exec(
        *command, env=environment, stderr=asyncio.subprocess.PIPE
    )


def socket_in(folder: Path) -> Path:
    """Find the server's Unix socket, beside its lock."""
    return next(folder.glob(".s.PGSQL.*[0-9]"))


async def forward(port: int, socket: Path) -> asyncio.Server:
    """Let the server at a Unix socket be there at a port, too."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(str(socket))
        await asyncio.gather(pump(reader, server_writer), pump(server_reader, writer))

    return await asyncio.start_server(joined, HOST, port)


@pytest.mark.anyio
async def test_a_worker_that_starts_without_its_database_waits_for_it(database: Database) -> None:
    run_as_owner(database, FORMER)
    await asyncio.to_thread(migrated, database)
    address = make_url(database.url("postgresql+asyncpg", APPLICATION))
    port = free_port()
    away = address.set(host=HOST, port=port, query={}).render_as_string(hide_password=False)
    worker = await starting(away)
    assert worker.stderr is not None
    assert b"waiting for the database (ConnectionRefusedError)" in await worker.stderr.readline()
    async with await forward(port, socket_in(Path(str(address.query["host"])))):
        _, said = await worker.communicate()
    assert worker.returncode == 0, said.decode()


@pytest.mark.anyio
async def test_a_role_that_policies_do_not_bind_is_refused_at_once(database: Database) -> None:
    run_as_owner(database, FORMER)
    await asyncio.to_thread(migrated, database)
    worker = await starting(database.url("postgresql+asyncpg", "postgres"))
    _, said = await worker.communicate()
    assert worker.returncode == 1
    assert b"ConfigurationError" in said
    assert b"waiting" not in said


@pytest.mark.node
def test_better_auth_outlives_a_connection_that_is_cut(database: Database) -> None:
    ran = subprocess.run(
        ["node", "--input-type=module", "-e", CUT],
        cwd=ROOT / "demo" / "auth",
        env={**os.environ, "DATABASE_URL": database.url("postgresql")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "still here" in ran.stdout, ran.stderr
    assert "database connection lost" in ran.stderr


def test_a_database_that_is_too_old_is_refused(database: Database) -> None:
    run_as_owner(database, TOO_OLD)
    with pytest.raises(OtherVersion, match="without created_at, done, updated_at"):
        migrated(database)


@pytest.mark.node
@pytest.mark.timeout(1800)
def test_data_of_another_version_are_refused_with_a_way_out() -> None:
    with data_folder() as data:
        with running_database(data / "postgres") as database:
            run_as_owner(database, TOO_OLD)
        with started_demo(data) as demo:
            assert demo.exit_code() == 1
            assert "another version of the demo" in demo.printed()
            assert "remove that folder" in demo.printed()


def test_the_demo_proves_its_isolation() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--betterguard"]
    ran = subprocess.run(
        [*command, "demo/tests"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"^19 passed", ran.stdout, re.MULTILINE)
