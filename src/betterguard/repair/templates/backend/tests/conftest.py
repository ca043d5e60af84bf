"""What the tests share: a database of their own, and people with tokens."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from betterguard.testing.tokens import TokenIssuer
from fastapi.testclient import TestClient

# Read when the application is imported, below. TEST_DATABASE_URL names an empty PostgreSQL.
_folder = tempfile.TemporaryDirectory(prefix="tasks-")
os.environ["DATABASE_URL"] = os.environ.get(
    "TEST_DATABASE_URL", f"sqlite+aiosqlite:///{Path(_folder.name).as_posix()}/tasks.db"
)
os.environ["DATABASE_OWNER_URL"] = os.environ.get("TEST_DATABASE_OWNER_URL", "")

from app.auth import guard  # noqa: E402
from app.main import app  # noqa: E402
from app.prepare import prepare  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

BETTER_AUTH = TokenIssuer()  # stands in for Better Auth, with a key of its own


@pytest.fixture(scope="session", autouse=True)
def _database() -> Iterator[None]:
    asyncio.run(prepare())
    yield
    _folder.cleanup()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Give the running application, which takes the tokens of `as_user`."""
    monkeypatch.setattr(guard, "verifier", BETTER_AUTH.verifier())
    with TestClient(app) as client:
        yield client


def as_user(user_id: str) -> dict[str, str]:
    """Give the headers of a person who is signed in."""
    return {"Authorization": f"Bearer {BETTER_AUTH.token(user_id)}"}
