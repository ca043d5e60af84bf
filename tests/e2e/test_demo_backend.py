from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.servers.demo import running_demo

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.node, pytest.mark.timeout(1800)]

LONG = 120.0  # seconds; only ever reached when something is broken


@pytest.fixture(scope="module")
def tasks() -> Iterator[httpx2.Client]:
    """The back end as somebody who has signed up sees it, from that person's tasks on."""
    with running_demo() as demo:
        page = demo.origin("To-do page")
        person = {"name": "Ada", "email": "ada@example.com", "password": "correct horse battery"}
        with httpx2.Client(base_url=page, headers={"Origin": page}, timeout=LONG) as auth:
            user = auth.post("/api/auth/sign-up/email", json=person).json()["user"]
            token = auth.get("/api/auth/token").json()["token"]
        own = f"{demo.origin('Back end')}/api/user/{user['id']}"
        headers = {"Authorization": f"Bearer {token}"}
        with httpx2.Client(base_url=own, headers=headers, timeout=LONG) as api:
            yield api


def added(tasks: httpx2.Client, title: str) -> dict[str, Any]:
    answer = tasks.post("/tasks", json={"title": title})
    assert answer.status_code == 201
    task: dict[str, Any] = answer.json()
    return task


def test_a_task_comes_back_as_it_was_written(tasks: httpx2.Client) -> None:
    task = added(tasks, "  Größe 日本 🎉 ")
    assert (task["title"], task["done"]) == ("Größe 日本 🎉", False)
    assert tasks.get(f"/tasks/{task['id']}").json() == task


def test_times_are_utc_and_say_so(tasks: httpx2.Client) -> None:
    created = datetime.fromisoformat(added(tasks, "Tell the time")["created_at"])
    assert created.utcoffset() == timedelta(0)


def test_an_answer_does_not_tell_whose_the_row_is(tasks: httpx2.Client) -> None:
    assert set(added(tasks, "Say little")) == {"id", "title", "done", "created_at", "updated_at"}


def test_an_owner_in_the_body_is_not_believed(tasks: httpx2.Client) -> None:
    answer = tasks.post("/tasks", json={"title": "Mine", "user_id": "somebody else"})
    assert answer.status_code == 201
    assert tasks.get(f"/tasks/{answer.json()['id']}").status_code == 200


def test_put_writes_all_of_a_task(tasks: httpx2.Client) -> None:
    task = added(tasks, "Old")
    tasks.patch(f"/tasks/{task['id']}", json={"done": True})
    written = tasks.put(f"/tasks/{task['id']}", json={"title": "New"}).json()
    assert (written["title"], written["done"]) == ("New", False)
    assert written["updated_at"] > task["updated_at"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"done": True}, ("Old", True), id="one-part"),
        pytest.param({"title": "New"}, ("New", False), id="the-other-part"),
        pytest.param({"title": None}, ("Old", False), id="null"),
        pytest.param({}, ("Old", False), id="nothing"),
    ],
)
def test_patch_writes_what_it_names(
    tasks: httpx2.Client, changes: dict[str, object], expected: tuple[str, bool]
) -> None:
    task = tasks.patch(f"/tasks/{added(tasks, 'Old')['id']}", json=changes).json()
    assert (task["title"], task["done"]) == expected


def test_a_deleted_task_is_gone(tasks: httpx2.Client) -> None:
    path = f"/tasks/{added(tasks, 'Go away')['id']}"
    assert tasks.delete(path).status_code == 204
    assert tasks.delete(path).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"title": ""}', id="empty"),
        pytest.param('{"title": "   "}', id="blank"),
        pytest.param('{"title": "%s"}' % ("x" * 201), id="too-long"),
        pytest.param('{"title": "a\\u0000b"}', id="nul"),
        pytest.param('{"title": 1}', id="number"),
        pytest.param('{"done": true}', id="no-title"),
        pytest.param("{", id="not-json"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_what_is_no_task_is_refused(tasks: httpx2.Client, method: str, body: str) -> None:
    path = f"/tasks/{added(tasks, 'Stay')['id']}" if method == "PUT" else "/tasks"
    headers = {"Content-Type": "application/json"}
    assert tasks.request(method, path, content=body, headers=headers).status_code == 422


@pytest.mark.parametrize("task_id", ["0", "-1", "2147483648", "9" * 40, "one"])
def test_an_id_that_no_task_can_have_is_refused(tasks: httpx2.Client, task_id: str) -> None:
    assert tasks.get(f"/tasks/{task_id}").status_code == 422
