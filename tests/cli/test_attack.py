from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from betterguard.cli.program import app
from tests.live.attack.apis import ISSUER
from tests.live.attack.vulnerable.app import vulnerable_app
from tests.servers.asgi import running_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

APPLICATION = """
import os
from fastapi import Depends, FastAPI
from betterguard import BetterGuard

guard = BetterGuard.from_env(env_file=None)
app = FastAPI(title="Small", lifespan=guard.lifespan)
guard.install(app)

@app.get("/me", dependencies=[Depends(guard.user)])
async def me() -> str:
    return "me"

if os.environ.get("OPEN"):
    @app.post("/hole")
    async def hole() -> str:
        return "open"
"""
# Made when tests are collected, which may be long before their use.
TOMORROW = int(time.time()) + 86_400
TOKENS = {
    "TOKEN_A": ISSUER.token("alice-1", exp=TOMORROW),
    "TOKEN_B": ISSUER.token("bob-22", exp=TOMORROW),
}
SECRET = "kQ4v9ZtW2mXr7LpN8sBd3FgH6jYc1RaE"


KEPT = {name: value for name, value in os.environ.items() if not name.startswith("BETTER_AUTH")}


def process(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, where it may import an application."""
    return subprocess.run(
        [sys.executable, "-m", "betterguard", "attack", *arguments],
        cwd=folder,
        env={**KEPT, "FRONTEND_URL": "http://localhost:3000", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        encoding="utf-8",
    )


def command(*arguments: str, stdin: str = "", **environment: str) -> Result:
    """Run the command here."""
    return CliRunner().invoke(app, ["attack", *arguments], input=stdin, env=environment)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "small.py").write_text(APPLICATION, encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "deep.json").write_text("[" * 1_000_000, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    """An API at an address, with a fault of medium severity."""
    with running_app(vulnerable_app(ISSUER, "token-in-query")) as address:
        yield address


ONE = ("--include", "GET /api/me", "--only", "credential", "--variants", "1")


def test_an_application_is_attacked_with_keys_made_for_it(folder: Path) -> None:
    ran = process("small:app", "--mint", "keys", folder=folder)
    assert ran.returncode == 0, ran.stderr
    assert "nothing open" in ran.stdout


def test_an_application_is_attacked_with_its_secret(folder: Path) -> None:
    environment = {
        "BETTER_AUTH_SECRET": SECRET,
        "BETTER_AUTH_URL": "http://localhost:3000",
        "BETTER_AUTH_TOKENS": "secret",
    }
    ran = process("small:app", "--mint", "secret", folder=folder, **environment)
    assert ran.returncode == 0, ran.stderr
    assert SECRET not in ran.stdout + ran.stderr


def test_the_refusals_that_it_provokes_are_not_told(folder: Path) -> None:
    ran = process("small:app", "--mint", "keys", "--variants", "1", folder=folder)
    assert ran.stderr == ""


def test_what_is_open_ends_with_1(folder: Path) -> None:
    ran = process("small:app", "--mint", "keys", folder=folder, OPEN="1")
    assert ran.returncode == 1, ran.stderr
    assert "missing-credential" in ran.stdout
    assert "POST /hole" in ran.stdout


def test_tokens_come_from_the_environment(api: str) -> None:
    ran = command(api, *ONE, "--format", "json", **TOKENS)
    assert ran.exit_code == 1, ran.stderr
    assert json.loads(ran.stdout)["totals"]["open"] == 1
    assert all(token not in ran.stdout + ran.stderr for token in TOKENS.values())


def test_tokens_come_from_files_and_standard_input(api: str, folder: Path) -> None:
    (folder / "a").write_text(TOKENS["TOKEN_A"] + "\n", encoding="utf-8")
    sources = ("--token-a", f"file:{folder / 'a'}", "--token-b", "-")
    ran = command(api, *ONE, *sources, stdin=TOKENS["TOKEN_B"])
    assert ran.exit_code == 1, ran.stderr


@pytest.mark.parametrize(("threshold", "code"), [("low", 1), ("medium", 1), ("high", 0)])
def test_the_exit_code_has_a_threshold(api: str, threshold: str, code: int) -> None:
    ran = command(api, *ONE, "--fail-on", threshold, **TOKENS)
    assert ran.exit_code == code, ran.stderr


@pytest.mark.parametrize("style", ["text", "json", "junit", "html"])
def test_a_result_is_written_to_a_file(api: str, folder: Path, style: str) -> None:
    ran = command(api, *ONE, "-f", style, "-o", "result", **TOKENS)
    assert ran.exit_code == 1, ran.stderr
    assert ran.stdout == ""
    assert "token-in-query" in (folder / "result").read_text(encoding="utf-8")


WRONG = [
    pytest.param(["https://api.example.com"], "--i-own-this api.example.com", id="elsewhere"),
    pytest.param(["nonsense"], "neither an address", id="no-target"),
    pytest.param(["no.such:app"], "cannot be imported", id="no-module"),
    pytest.param(
        ["http://127.0.0.1:9", "--token-a", "eyJ.x.y"], "env:NAME", id="token-as-argument"
    ),
    pytest.param(["http://127.0.0.1:9", "--token-a", "env:NO"], "NO is not set", id="no-variable"),
    pytest.param(["http://127.0.0.1:9", "--token-b", "file:no"], "cannot be read", id="no-file"),
    pytest.param(["http://127.0.0.1:9"], "no OpenAPI document", id="nobody-there"),
    pytest.param(
        ["http://127.0.0.1:9", "--mint", "keys"], "is for module:app", id="keys-elsewhere"
    ),
    pytest.param(["http://127.0.0.1:9", "--only", "magic"], "no family magic", id="family"),
    pytest.param(["http://127.0.0.1:9", "--fail-on", "x"], "--fail-on", id="severity"),
    pytest.param(["http://127.0.0.1:9", "--header", "x"], "'Name: value'", id="header"),
    pytest.param(["http://127.0.0.1:9", "--jwks", "no.json"], "no key set", id="key-set"),
    pytest.param(["http://127.0.0.1:9", "-o", "no/file"], "no place for a file", id="output"),
    pytest.param(["http://127.0.0.1:9", "-o", "."], "no place for a file", id="output-folder"),
    pytest.param(["http://127.0.0.1:9", "--token-a", "file:binary"], "UTF-8", id="binary-token"),
    pytest.param(["http://127.0.0.1:9", "--openapi", "deep.json"], "is not JSON", id="deep"),
    pytest.param(["http://127.0.0.1:9", "--jwks", "deep.json"], "no key set", id="deep-keys"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
@pytest.mark.usefixtures("folder")
def test_a_wrong_call_ends_with_2_and_says_what_to_do(arguments: list[str], message: str) -> None:
    ran = command(*arguments, **TOKENS)
    assert ran.exit_code == 2
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr
    assert all(token not in ran.stderr for token in (*TOKENS.values(), "eyJ.x.y"))


def test_in_production_nothing_is_minted(folder: Path) -> None:
    ran = process("small:app", "--mint", "keys", folder=folder, ENVIRONMENT="production")
    assert ran.returncode == 2
    assert "production" in ran.stderr
