"""The demo's back end on Windows: emoji in the line of each request, and a reader that ends."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
import jwt
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from demo.backend.migration import migrate
from demo.postgres import APPLICATION
from tests.console.serving import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.postgres import Postgres

SECRET = "0123456789abcdef0123456789abcdef-windows"
ORIGIN = "http://localhost:3000"
SETTINGS = {
    "BETTER_AUTH_URL": ORIGIN,
    "BETTER_AUTH_SECRET": SECRET,
    "BETTER_AUTH_TOKENS": "secret",
    "FRONTEND_URL": ORIGIN,
}
NEW_ROLE = (
    f"DO $$ BEGIN CREATE ROLE {APPLICATION} LOGIN;"
    " EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$"
)
TASK = {"title": "Gr\u00f6\u00dfe \u65e5\u672c \U0001f389", "done": False}


def bearer() -> dict[str, str]:
    now = int(time.time())
    claims = {"sub": "ada", "iss": ORIGIN, "aud": ORIGIN, "iat": now, "exp": now + 43_200}
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, 'HS256')}"}


@dataclass(frozen=True)
class Backend:
    """The running back end, a client that has signed in, and what it should answer."""

    server: Server
    client: httpx2.Client
    cured: bool

    def expected(self, status: int) -> int:
        return status if self.cured else 500


async def as_better_auth_left_it(url: str) -> None:
    """Create what the demo's tasks refer to: Better Auth's user, who signed up before."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text('CREATE TABLE "user" (id text PRIMARY KEY)'))
        await connection.execute(text("INSERT INTO \"user\" VALUES ('ada')"))
    await engine.dispose()


@pytest.fixture(scope="module", params=[False, True], ids=["without", "with"])
def backend(
    request: pytest.FixtureRequest, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    url = postgres.url("asyncpg", postgres.new_database()).render_as_string()
    asyncio.run(as_better_auth_left_it(url))
    postgres.server.psql(NEW_ROLE)
    asyncio.run(migrate(url, APPLICATION))
    ours = make_url(url).set(username=APPLICATION).render_as_string()
    extra = {**SETTINGS, "DATABASE_URL": ours, **({"CURED": "1"} if request.param else {})}
    folder = tmp_path_factory.mktemp("pids")
    with serving(folder, "tests.windows.talkative:app", processes=1, **extra) as server:
        base = f"http://127.0.0.1:{server.port}/api/user/ada"
        with httpx2.Client(base_url=base, headers=bearer(), timeout=300) as client:
            yield Backend(server, client, request.param)


def test_a_task_is_added_and_the_line_is_printed(backend: Backend) -> None:
    answer = backend.client.post("/tasks", json=TASK)
    assert answer.status_code == backend.expected(201)
    if backend.cured:
        assert answer.json()["title"] == TASK["title"]
        wanted = "\u2705 POST /api/user/ada/tasks \U0001f600"
        while (line := backend.server.line().decode()) != wanted:
            assert line, "stdout ended without that line"


# After the test above: nobody reads from here on.
def test_answers_stay_200_when_nobody_reads(backend: Backend) -> None:
    backend.server.stop_reading()
    answers = [backend.client.get("/tasks").status_code for _ in range(4)]
    assert answers == [backend.expected(200)] * 4
