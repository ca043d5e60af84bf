"""What the application does for its caller."""

import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from betterguard import User
from betterguard.testing.tokens import TokenIssuer

from app.auth import guard
from app.main import app


@pytest.fixture
def client() -> Iterator[TestClient]:
    app.dependency_overrides[guard.path_user] = lambda: User(id="ada")
    with TestClient(app) as client:
        yield client
    app.dependency_overrides.clear()


def test_tasks_come_and_go(client: TestClient) -> None:
    made = client.post("/api/user/ada/tasks", json={"title": "write"}).json()
    assert made["title"] == "write"
    assert [task["id"] for task in client.get("/api/user/ada/tasks").json()] == [made["id"]]
    assert client.delete(f"/api/user/ada/tasks/{made['id']}").status_code == 204
    assert client.get("/api/user/ada/tasks").json() == []


def test_an_expired_token_is_refused(client: TestClient) -> None:
    """Our mobile app keeps its token for a week."""
    app.dependency_overrides.clear()
    issuer = TokenIssuer()
    guard.verifier.keys = issuer.key.source()
    yesterday = time.time() - 86_400
    token = issuer.token("ada", iat=int(yesterday) - 900, exp=int(yesterday))
    answer = client.get("/api/user/ada/tasks", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
