"""A back end whose tests sign their own tokens: brought to the guard, and its tests with it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "requirements.txt": "fastapi\npyjwt\npydantic-settings\n",
    "app/__init__.py": "",
    "app/config.py": """\
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    jwt_secret: str


settings = Settings()
""",
    "app/auth.py": """\
import time

import jwt
from fastapi import Header, HTTPException

from app.config import settings


def create_access_token(user_id: str) -> str:
    payload = {"sub": user_id, "exp": int(time.time()) + 3600}
    return jwt.encode(payload, settings.jwt_secret, algorithm="HS256")


def get_current_user(authorization: str = Header(None)) -> str:
    if not authorization or not authorization.startswith("Bearer "):
        raise HTTPException(status_code=401, detail="Missing token")
    try:
        token = authorization.split(" ")[1]
        payload = jwt.decode(token, settings.jwt_secret, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(status_code=401, detail="Invalid token")
    return payload["sub"]
""",
    "app/main.py": """\
from fastapi import Depends, FastAPI

from app.auth import create_access_token, get_current_user

app = FastAPI()


@app.post("/api/login")
def login(name: str):
    return {"access_token": create_access_token(name)}


@app.get("/api/me")
def me(user_id: str = Depends(get_current_user)):
    return {"id": user_id}
""",
    "tests/conftest.py": """\
import os

os.environ["JWT_SECRET"] = "the secret of these tests, long enough"

import pytest
from fastapi.testclient import TestClient

from app.main import app


@pytest.fixture
def client():
    return TestClient(app)
""",
    "tests/test_me.py": """\
import time

import jwt
import pytest

from app.auth import create_access_token
from app.config import settings


def ask(client, token):
    return client.get("/api/me", headers={"Authorization": f"Bearer {token}"})


def signed(key, **claims):
    return jwt.encode({"sub": "ada"} | claims, key, algorithm="HS256")


def test_signed_here(client):
    answer = ask(client, signed(settings.jwt_secret))
    assert (answer.status_code, answer.json()) == (200, {"id": "ada"})


def test_signed_by_the_application(client):
    assert ask(client, create_access_token("bob")).json() == {"id": "bob"}


def test_signed_in(client):
    token = client.post("/api/login", params={"name": "eve"}).json()["access_token"]
    assert ask(client, token).json() == {"id": "eve"}


def test_missing(client):
    assert client.get("/api/me").status_code == 401


def test_forged(client):
    assert ask(client, signed("another secret, and long enough as well")).status_code == 401


def test_expired(client):
    assert ask(client, signed(settings.jwt_secret, exp=int(time.time()) - 60)).status_code == 401
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if "BETTER_AUTH" not in name}
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return done.stdout + done.stderr


def own_tests(folder: Path) -> tuple[set[str], set[str]]:
    """Run the project's tests; give the names of those that passed, and of the others."""
    told = run(folder, "pytest", "-v", "-p", "no:cacheprovider", "tests/test_me.py")
    found = re.findall(r"::(\w+) (PASSED|FAILED|ERROR)", told)
    passed = {name for name, outcome in found if outcome == "PASSED"}
    return passed, {name for name, _ in found} - passed


REFUSED = {"test_missing", "test_forged", "test_expired"}
TAKEN = {"test_signed_here", "test_signed_by_the_application", "test_signed_in"}


def test_its_tests_pass_before_fail_with_the_guard_and_pass_with_the_stand_in(
    project: Path,
) -> None:
    assert own_tests(project) == (REFUSED | TAKEN, set())
    told = run(project, "betterguard", "init", "--yes")
    assert "betterguard init --test-tokens" in told
    fixed = run(project, "betterguard", "audit", "--fix", "--unsafe-fixes", "--no-cache")
    assert "tests/test_me.py:15: signs tokens itself" in fixed
    assert "init --test-tokens" in fixed
    assert own_tests(project) == (REFUSED, TAKEN)
    told = run(project, "betterguard", "init", "--yes", "--test-tokens")
    assert "1 file written" in told
    assert own_tests(project) == (REFUSED | TAKEN, set())
    assert "nothing to write" in run(project, "betterguard", "init", "--yes", "--test-tokens")


def test_asked_for_at_once_nothing_is_left_to_say(project: Path) -> None:
    told = run(project, "betterguard", "init", "--yes", "--test-tokens")
    assert "Bring the tests along" not in told
    fixed = run(project, "betterguard", "audit", "--fix", "--unsafe-fixes", "--no-cache")
    assert "signs tokens itself" not in fixed
    assert own_tests(project) == (REFUSED | TAKEN, set())
    take_another_secret(project / "tests" / "conftest.py")
    assert own_tests(project) == (REFUSED, TAKEN)


def take_another_secret(conftest: Path) -> None:
    text = conftest.read_text(encoding="utf-8")
    changed = text.replace("TokensOfTheTests(settings.jwt_secret)", 'TokensOfTheTests("other")')
    assert changed != text
    conftest.write_text(changed, encoding="utf-8")
