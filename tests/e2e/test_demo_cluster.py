"""The demo as a cluster, two faults while load runs; and the judge that would notice."""

from __future__ import annotations

from collections import Counter
from threading import Event
from typing import TYPE_CHECKING

import httpx2
import pytest
from fastapi import FastAPI, Response
from rich.console import Console

from demo.cluster.check import run_cluster_check
from demo.cluster.faults import FAULTS
from demo.cluster.people import People, Person
from demo.cluster.stack import Layout
from demo.cluster.traffic import Traffic
from demo.stack import Origins
from tests.servers.asgi import running_app

if TYPE_CHECKING:
    from typing import Any

pytestmark = pytest.mark.timeout(300)

SHORTER = ("an instance is killed", "Redis is killed, with its data")


@pytest.mark.node
def test_nobody_gets_anothers_data_and_service_comes_back_by_itself() -> None:
    faults = [fault for fault in FAULTS if fault.title in SHORTER]
    outcomes = run_cluster_check(Console(quiet=True), Event(), [Layout.PROXY], faults)
    assert [outcome.title for outcome in outcomes] == list(SHORTER)
    assert [outcome for outcome in outcomes if not outcome.passed] == []
    assert all(outcome.answers > 20 for outcome in outcomes)


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
        async with httpx2.AsyncClient() as client:
            persons = [Person(name, httpx2.Cookies(), f"a.b.{name}") for name in ("ada", "bob")]
            people = People(client, Origins(api, api, api))
            traffic = Traffic(client, api, people, persons)
            traffic.revoked.append(Person("eve", httpx2.Cookies(), "a.b.eve"))
            async with traffic.running():
                while len(traffic.record.answers) < 40:
                    await client.get(f"{api}/api/user/ada/tasks")
    seen = Counter(answer.kind for answer in traffic.record.answers if answer.violation)
    assert {"add", "list", "foreign path", "foreign row", "forged", "revoked"} <= set(seen)
