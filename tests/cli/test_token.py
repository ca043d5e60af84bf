from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

from betterguard import Settings
from betterguard.cli.program import app
from betterguard.errors import ConfigurationError
from betterguard.live.explanation import STATIONS
from betterguard.live.minting import read_claims, read_duration
from betterguard.web import BetterGuard
from tests.live.doctor.diagnosing import SECRET, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS = ("BETTER_AUTH", "FRONTEND", "ENVIRONMENT", "APP_ENV", "VERCEL", "RAILWAY")


@pytest.fixture(autouse=True)
def with_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BETTER_AUTH_SECRET", SECRET)
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["token", *arguments], input=stdin)


def minted(*arguments: str) -> str:
    ran = run("mint", "--user", "alice", *arguments)
    assert ran.exit_code == 0, ran.output
    return ran.stdout.strip()


def payload_of(token: str, settings: Settings) -> dict[str, Any]:
    claims = asyncio.run(BetterGuard(settings).verifier.verify(token))
    return {"user": claims.user_id, **claims.payload}


def test_a_minted_token_is_what_the_guard_takes() -> None:
    token = minted("--email", "a@example.com", "--claim", "role=admin", "--claim", "teams=[1,2]")
    payload = payload_of(token, Settings.from_env(None))
    assert {name: payload[name] for name in ("user", "email", "role", "teams")} == {
        "user": "alice",
        "email": "a@example.com",
        "role": "admin",
        "teams": (1, 2),
    }


def test_a_minted_token_lives_as_long_as_it_is_told() -> None:
    payload = payload_of(minted("--expires", "2h"), Settings.from_env(None))
    assert payload["exp"] - payload["iat"] == 7200


def test_a_minted_token_may_have_expired() -> None:
    ran = run("explain", minted("--expires=-5m"), "--json")
    data = json.loads(ran.stdout)
    bad = [step["station"] for step in data["steps"] if step["verdict"] == "failed"]
    assert (bad, data["accepted"], ran.exit_code) == (["expiry"], False, 1)


@pytest.mark.parametrize("name", ["ENVIRONMENT", "APP_ENV", "VERCEL_ENV"])
def test_nothing_is_minted_in_production(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "production")
    monkeypatch.setenv("FRONTEND_URL", "https://example.com")
    ran = run("mint", "--user", "alice")
    assert (ran.exit_code, ran.stdout) == (2, "")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--expires", "soon"), id="no-duration"),
        pytest.param(("--claim", "role"), id="no-value"),
        pytest.param(("--claim", "=admin"), id="no-name"),
    ],
)
def test_what_cannot_be_minted_is_usage(arguments: tuple[str, ...]) -> None:
    assert run("mint", "--user", "alice", *arguments).exit_code == 2


def test_hs256_needs_a_secret_that_is_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BETTER_AUTH_SECRET", "short")
    ran = run("mint", "--user", "alice", "--secret")
    assert (ran.exit_code, "short" in ran.output) == (2, False)


@pytest.fixture
def key_set_mint() -> Iterator[subprocess.Popen[str]]:
    """A key set that is served until somebody ends it, as by Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-m", "betterguard", "token", "mint", "--user", "alice", "--key-set"],
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.send_signal(signal.SIGINT)
        assert process.wait(300) == 0


def test_a_throwaway_key_set_is_served(key_set_mint: subprocess.Popen[str]) -> None:
    assert key_set_mint.stdout is not None
    assert key_set_mint.stderr is not None
    token = key_set_mint.stdout.readline().strip()
    lines = [key_set_mint.stderr.readline().strip() for _ in range(5)]
    variables = dict(line.split("=", 1) for line in lines if "=" in line)
    assert {name.removeprefix("BETTER_AUTH_") for name in variables} == {
        *("TOKENS", "JWKS_URL", "ISSUER", "AUDIENCE"),
    }
    settings = _settings(variables)
    assert payload_of(token, settings)["user"] == "alice"


def _settings(variables: dict[str, str]) -> Settings:
    settings = subject_of(variables).settings
    assert settings is not None
    return settings


def test_an_explanation_names_the_step_that_fails() -> None:
    token = minted()
    header, payload, signature = token.split(".")
    forged = signature.swapcase()[:-1] + signature[-1]
    ran = run("explain", f"{header}.{payload}.{forged}")
    assert ran.exit_code == 1
    assert "4  signature  failed" in ran.stdout
    assert forged not in ran.stdout


def test_a_token_comes_from_stdin_too() -> None:
    token = minted()
    assert run("explain", stdin=f"Bearer {token}\n").exit_code == 0
    assert run("explain", "-", stdin=token).exit_code == 0


def test_no_token_is_usage() -> None:
    assert run("explain", stdin=" \n").exit_code == 2


def test_without_settings_the_structure_is_told() -> None:
    token = minted()
    ran = run("explain", token, "--no-settings")
    assert ran.exit_code == 0
    assert "alg      'HS256'" in ran.stdout
    assert token.rpartition(".")[2] not in ran.stdout


def test_faulty_settings_are_told_and_the_structure_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = minted()
    monkeypatch.setenv("BETTER_AUTH_SECRET", "short")
    ran = run("explain", token)
    assert "BETTER_AUTH_SECRET has 5 bytes" in ran.stderr
    assert "structure  passed" in ran.stdout


def test_json_holds_every_step() -> None:
    token = minted()
    data = json.loads(run("explain", token, "--json").stdout)
    assert (data["version"], data["accepted"]) == (1, True)
    assert tuple(step["station"] for step in data["steps"]) == STATIONS
    assert data["says"]["sub"] == "'alice'"
    assert token.rpartition(".")[2] not in json.dumps(data)


@pytest.mark.parametrize(
    ("text", "seconds"), [("15m", 900), ("90s", 90), ("2h", 7200), ("1d", 86400), ("-5m", -300)]
)
def test_durations(text: str, seconds: int) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "m", "1.5h", "15 m", "1w", "--1m"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no duration"):
        read_duration(text)


def test_claims_are_json_or_texts() -> None:
    claims = read_claims(["a=1", "b=x=y", 'c={"d": null}', "e=", "f=true"])
    assert claims == {"a": 1, "b": "x=y", "c": {"d": None}, "e": "", "f": True}


def test_input_without_end_is_no_token() -> None:
    """It is read up to a limit that no token comes near."""
    with subprocess.Popen(
        [sys.executable, "-c", "while True: print('a' * 100_000)"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as endless:
        ran = subprocess.run(
            [sys.executable, "-m", "betterguard", "token", "explain", "--no-settings"],
            stdin=endless.stdout,
            capture_output=True,
            timeout=300,
            check=False,
        )
        endless.kill()
    assert ran.returncode == 1
    assert b"token_too_large" in ran.stdout


def test_a_token_for_nobody_is_not_minted() -> None:
    ran = run("mint", "--user", "", "--secret")
    assert ran.exit_code == 2
    assert "needs a user" in ran.stderr
