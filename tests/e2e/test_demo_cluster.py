"""The demo as a cluster, some of the faults while load runs; and the judge that would notice."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import httpx2
import pytest
from fastapi import FastAPI, Response
from rich.console import Console

from demo.cluster import network
from demo.cluster.check import run_cluster_check
from demo.cluster.faults import FAULTS
from demo.cluster.people import People, Person
from demo.cluster.stack import Layout
from demo.cluster.traffic import WAITED_IN_VAIN, Traffic
from demo.stack import Origins
from tests.servers.asgi import running_app

if TYPE_CHECKING:
    from typing import Any

pytestmark = pytest.mark.timeout(1800)

ROOT = Path(__file__).resolve().parents[2]
FEWER = (
    "the keys are rotated",
    "an instance is killed",
    "PostgreSQL is restarted",
    "Redis is killed, with its data",
    "PgBouncer is killed",
)
CUT_OFF = (
    "an instance is cut off",
    "Better Auth is cut off",
    "PostgreSQL is cut off",
    "Redis is cut off",
    "PgBouncer is cut off",
)
LIMIT = 1200.0  # seconds; only ever reached when something is broken


@pytest.mark.node
def test_nobody_gets_anothers_data_and_service_comes_back_by_itself() -> None:
    faults = [fault for fault in FAULTS if fault.title in FEWER]
    outcomes = run_cluster_check(Console(quiet=True), Event(), [Layout.PROXY], faults)
    assert [outcome.title for outcome in outcomes] == list(FEWER)
    assert [outcome for outcome in outcomes if not outcome.passed] == []
    assert all(outcome.answers > 20 for outcome in outcomes)


@pytest.mark.node
def test_nobody_waits_for_a_machine_that_is_cut_off() -> None:
    """In network namespaces; in a process of its own, since they are the process's."""
    refusal = network.refusal()
    if refusal is not None:
        pytest.skip(refusal)
    options = [word for title in CUT_OFF for word in ("--fault", title)]
    command = [sys.executable, "-m", "demo", "cluster-check", "--layout", "network", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8")
    try:
        printed, _ = process.communicate(timeout=LIMIT)
    finally:
        process.terminate()
        process.communicate()
    seen = [line for line in printed.splitlines() if line.startswith(("✓", "✗"))]
    assert (process.returncode, seen) == (0, [f"✓ network: {one}" for one in CUT_OFF]), printed


def careless() -> FastAPI:
    """An API that does all that must not be."""
    app = FastAPI()

    @app.get("/api/user/{user_id}/tasks")
    async def tasks(user_id: str) -> list[dict[str, Any]]:  # noqa: ARG001
        return [{"id": 2, "title": "somebody's secret"}]

    @app.post("/api/user/{user_id}/tasks", status_code=201)
    async def add() -> dict[str, Any]:
        return {"id": 1, "title": "another's"}

    @app.get("/api/user/{user_id}/tasks/1")
    async def task() -> Response:
        return Response("Traceback (most recent call last): …", 500)

    return app


@pytest.mark.anyio
async def test_the_judge_sees_all_that_must_not_be() -> None:
    with running_app(careless()) as api:
        async with httpx2.AsyncClient(timeout=LIMIT) as client:
            persons = [Person(name, httpx2.Cookies(), f"a.b.{name}") for name in ("ada", "bob")]
            people = People(client, Origins(api, api, api))
            traffic = Traffic(client, api, people, persons)
            traffic.revoked.append(Person("eve", httpx2.Cookies(), "a.b.eve"))
            async with traffic.running():
                while len(traffic.record.answers) < 40:
                    await client.get(f"{api}/api/user/ada/tasks")
    seen = Counter(answer.kind for answer in traffic.record.answers if answer.violation)
    assert {"add", "list", "foreign path", "foreign row", "forged", "revoked"} <= set(seen)


@pytest.mark.anyio
async def test_the_judge_sees_who_waits_in_vain() -> None:
    api, asked, over = careless(), Event(), Event()

    @api.get("/api/user/{user_id}/tasks/2")
    def silence() -> None:
        asked.set()
        over.wait()

    limits = httpx2.Timeout(LIMIT, read=0.5)
    with running_app(api) as origin:
        async with httpx2.AsyncClient(timeout=limits) as client:
            ada = Person("ada", httpx2.Cookies(), "a.b.ada")
            people = People(client, Origins(origin, origin, origin))
            traffic = Traffic(client, origin, people, [ada])
            call = partial(traffic._refused, ada, 404, "tasks/2")
            waiting = asyncio.create_task(traffic._judged("foreign row", call))
            await asyncio.to_thread(asked.wait)
            await traffic.calls_under_way()
            await waiting
            over.set()
    [answer] = traffic.record.answers
    assert (answer.failure, answer.violation) == ("hung", WAITED_IN_VAIN)
