"""The back end that `betterguard init` makes in an empty folder, against the real parts."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx2
import pytest

from demo.ports import free_port
from tests.servers.better_auth import running_better_auth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.better_auth import BetterAuth
    from tests.servers.postgres import Postgres

SECONDS = 300.0  # only ever reached when something is broken
LINES = ("--line-length", "100")


@pytest.fixture(scope="module")
def better_auth() -> Iterator[BetterAuth]:
    with running_better_auth() as server:
        yield server


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "tasks"
    run(folder.parent, {}, "-m", "betterguard", "init", "tasks", "--yes")
    return folder


@pytest.fixture(scope="module")
def databases(postgres: Postgres) -> dict[str, str]:
    name = postgres.new_database()
    role = f"role_of_{name}"
    application = postgres.url("asyncpg", name, role).set(password="pass-'word")
    return {
        "DATABASE_URL": application.render_as_string(hide_password=False),
        "DATABASE_OWNER_URL": postgres.url("asyncpg", name).render_as_string(hide_password=False),
    }


def run(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextlib.contextmanager
def serving(folder: Path, environment: dict[str, str]) -> Iterator[httpx2.Client]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, env=os.environ | environment) as process:
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client:
                wait_for(client, process)
                yield client
        finally:
            process.terminate()


def wait_for(client: httpx2.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            client.get("/openapi.json")
        except httpx2.TransportError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


@pytest.mark.node
def test_two_people_of_better_auth_have_their_own_tasks(
    backend: Path, databases: dict[str, str], better_auth: BetterAuth
) -> None:
    environment = {**databases, "BETTER_AUTH_URL": better_auth.url, "FRONTEND_URL": better_auth.url}
    run(backend, environment, "-m", "app.prepare")
    run(backend, environment, "-m", "app.prepare")  # as often as you like
    ada, bob = better_auth.sign_up("Ada"), better_auth.sign_up("Bob")
    headers = {
        person.user_id: {"Authorization": f"Bearer {better_auth.token(person)}"}
        for person in (ada, bob)
    }
    with serving(backend, environment) as client:
        path = f"/api/user/{ada.user_id}/tasks"
        added = client.post(path, json={"title": "milk"}, headers=headers[ada.user_id])
        assert added.status_code == 201
        assert [t["title"] for t in client.get(path, headers=headers[ada.user_id]).json()] == [
            "milk"
        ]
        assert client.get(path).status_code == 401
        assert client.get(path, headers=headers[bob.user_id]).status_code == 403
        other = f"/api/user/{bob.user_id}/tasks"
        assert client.get(other, headers=headers[bob.user_id]).json() == []
        task = added.json()["id"]
        assert client.delete(f"{other}/{task}", headers=headers[bob.user_id]).status_code == 404


def test_its_own_tests_pass_on_postgresql(backend: Path, postgres: Postgres) -> None:
    name = postgres.new_database()
    role = postgres.url("asyncpg", name, f"role_of_{name}").set(password="password")
    environment = {
        "TEST_DATABASE_URL": role.render_as_string(hide_password=False),
        "TEST_DATABASE_OWNER_URL": postgres.url("asyncpg", name).render_as_string(),
    }
    assert "18 passed" in run(backend, environment, "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_its_own_tests_pass_at_once(backend: Path) -> None:
    assert "18 passed" in run(backend, {}, "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_a_role_that_no_policy_binds_is_refused(backend: Path, databases: dict[str, str]) -> None:
    owner = databases["DATABASE_OWNER_URL"]
    run(
        backend, {"DATABASE_URL": owner, "BETTER_AUTH_URL": "http://localhost"}, "-m", "app.prepare"
    )
    connected = (
        "import asyncio\n"
        "from app.db import engine\n"
        "from betterguard import ConfigurationError\n"
        "async def connect():\n"
        "    try:\n"
        "        async with engine.connect(): print('connected')\n"
        "    except ConfigurationError as refused: print(refused)\n"
        "asyncio.run(connect())\n"
    )
    environment = {"DATABASE_URL": owner, "BETTER_AUTH_URL": "http://localhost"}
    assert "superuser" in run(backend, environment, "-c", connected)


def test_a_second_init_changes_nothing(backend: Path) -> None:
    before = {path: path.read_bytes() for path in backend.rglob("*.py")}
    output = run(backend, {}, "-m", "betterguard", "init", "--yes")
    assert output.rstrip().endswith("nothing to write")
    assert {path: path.read_bytes() for path in backend.rglob("*.py")} == before


def test_linters_find_nothing(backend: Path) -> None:
    run(backend, {}, "-m", "ruff", "check", "--isolated", "--select", "B,E,F,I,UP,W", *LINES, ".")
    run(backend, {}, "-m", "ruff", "format", "--isolated", "--check", *LINES, ".")


def test_the_audit_finds_nothing(backend: Path, tmp_path: Path) -> None:
    environment = {"BETTERGUARD_CACHE_DIR": str(tmp_path)}
    shown = run(backend, environment, "-m", "betterguard", "audit", "--format", "concise")
    assert shown.strip() == ""
