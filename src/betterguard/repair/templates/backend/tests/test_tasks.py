"""Each person has tasks of their own; the others' are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import as_user

if TYPE_CHECKING:
    from fastapi.testclient import TestClient


def add(client: TestClient, user_id: str, title: str = "milk") -> int:
    answer = client.post(
        f"/api/user/{user_id}/tasks", json={"title": title}, headers=as_user(user_id)
    )
    assert answer.status_code == 201
    return int(answer.json()["id"])


def test_a_task_from_its_beginning_to_its_end(client: TestClient) -> None:
    path = f"/api/user/ada/tasks/{add(client, 'ada')}"
    headers = as_user("ada")
    assert client.patch(path, json={"done": True}, headers=headers).json()["done"] is True
    assert client.put(path, json={"title": "bread"}, headers=headers).json()["done"] is False
    assert client.get(path, headers=headers).json()["title"] == "bread"
    assert client.delete(path, headers=headers).status_code == 204
    assert client.get(path, headers=headers).status_code == 404


def test_a_list_holds_ones_own_tasks(client: TestClient) -> None:
    mine, other = add(client, "cleo"), add(client, "dora")
    found = [
        task["id"] for task in client.get("/api/user/cleo/tasks", headers=as_user("cleo")).json()
    ]
    assert mine in found
    assert other not in found


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_task_of_another_is_not_there(client: TestClient, method: str) -> None:
    path = f"/api/user/bob/tasks/{add(client, 'ada')}"
    answer = client.request(method, path, json={"title": "mine now"}, headers=as_user("bob"))
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_path_of_another_is_forbidden(client: TestClient, method: str) -> None:
    path = f"/api/user/ada/tasks/{add(client, 'ada')}"
    answer = client.request(method, path, json={"title": "mine now"}, headers=as_user("bob"))
    assert (answer.status_code, answer.json()) == (403, {"detail": "Forbidden"})


def test_an_owner_in_the_body_is_ignored(client: TestClient) -> None:
    forged = {"title": "milk", "user_id": "bob"}
    client.post("/api/user/eve/tasks", json=forged, headers=as_user("eve"))
    assert len(client.get("/api/user/eve/tasks", headers=as_user("eve")).json()) == 1
