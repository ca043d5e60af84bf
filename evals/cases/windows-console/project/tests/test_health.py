"""The worker answers."""

from fastapi.testclient import TestClient

from app.main import app


def test_it_is_healthy() -> None:
    assert TestClient(app).get("/health").json() == {"status": "ok"}
