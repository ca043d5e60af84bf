"""What the application does for its caller."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.auth import get_current_user
from app.main import app


@pytest.fixture
def client() -> Iterator[TestClient]:
    app.dependency_overrides[get_current_user] = lambda: "ada"
    with TestClient(app) as client:
        yield client
    app.dependency_overrides.clear()


def test_tasks_come_and_go(client: TestClient) -> None:
    made = client.post("/api/user/ada/tasks", json={"title": "write"}).json()
    assert made["title"] == "write"
    assert [task["id"] for task in client.get("/api/user/ada/tasks").json()] == [made["id"]]
    assert client.delete(f"/api/user/ada/tasks/{made['id']}").status_code == 204
    assert client.get("/api/user/ada/tasks").json() == []
