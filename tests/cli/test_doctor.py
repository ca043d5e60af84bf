from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from betterguard.cli import doctor as command
from betterguard.cli.program import app
from betterguard.live.doctor import CHECKS
from betterguard.settings import check
from tests.cli.tree import options
from tests.live.doctor import apps
from tests.live.doctor.databases import METADATA, notes_database
from tests.live.doctor.diagnosing import SECRET, subject_of
from tests.servers.asgi import running_app
from tests.servers.better_auth import running_better_auth

if TYPE_CHECKING:
    from tests.servers.postgres import Postgres

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
OURS = ("BETTER_AUTH", "FRONTEND", "DATABASE", "ENVIRONMENT", "APP_ENV", "PYTHONIOENCODING")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, with nothing set."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["doctor", *arguments], input=stdin)


def write_env(folder: Path, name: str = ".env", **variables: str) -> None:
    lines = (f"{key}={value}\n" for key, value in variables.items())
    (folder / name).write_text("".join(lines), encoding="utf-8")


CODES = [
    pytest.param(("--only", "versions"), 0, id="sound"),
    pytest.param(("--only", "settings"), 1, id="a-fault"),
    pytest.param(("--skip", "settings,versions,console"), 0, id="skipped-is-no-fault"),
    pytest.param(("--only", "setings"), 2, id="unknown-family"),
    pytest.param(("--skip", "all"), 2, id="unknown-family-to-skip"),
    pytest.param(("--env-file", "nowhere.env"), 2, id="no-such-file"),
    pytest.param(("--env-file", "bad.env"), 2, id="file-that-is-no-text"),
    pytest.param(("--api-path", "api/me"), 2, id="no-path"),
    pytest.param(("--api", "localhost:8000"), 2, id="no-address"),
    pytest.param(("--api", "http://user:pass@localhost"), 2, id="credentials-in-the-address"),
]


@pytest.mark.parametrize(("arguments", "code"), CODES)
def test_the_exit_code_tells(arguments: tuple[str, ...], code: int, folder: Path) -> None:
    (folder / "bad.env").write_bytes(b"BETTER_AUTH_SECRET=\xff\xfe")
    assert run(*arguments).exit_code == code


def test_a_set_up_that_is_sound_has_no_fault(postgres: Postgres, folder: Path) -> None:
    with running_better_auth(rate_limit=True) as server, notes_database(postgres) as database:
        variables = {"BETTER_AUTH_URL": server.url, "FRONTEND_URL": server.url}
        write_env(folder, **variables, DATABASE_URL=database.url())
        token = server.token(server.sign_up())
        with running_app(apps.guarded(check(subject_of(variables).environment))) as api:
            arguments = ("--api", api, "--metadata", METADATA, "--token", "-", "--json")
            ran = started(*arguments, stdin=token, PYTHONPATH=str(ROOT))
    data = json.loads(ran.stdout)
    bad = [one for one in data["outcomes"] if one["status"] in {"fault", "warning", "skipped"}]
    assert (bad, data["sound"], ran.returncode) == ([], True, 0)
    assert {one["check"].partition(".")[0] for one in data["outcomes"]} == set(command.NAMES)
    assert token.rpartition(".")[2].encode() not in ran.stdout + ran.stderr


def test_the_environment_wins_over_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_env(folder, "other.env", BETTER_AUTH_SECRET="short", DATABASE_URL="host=db")
    arguments = ("--env-file", "other.env", "--only", "secret,database")
    assert "secret.strength" in run(*arguments).stdout
    assert "database.address" in run(*arguments).stdout
    monkeypatch.setenv("BETTER_AUTH_SECRET", SECRET)
    monkeypatch.setenv("DATABASE_URL", "")
    assert run(*arguments).exit_code == 0


def test_a_bearer_prefix_is_no_part_of_the_token(folder: Path) -> None:
    write_env(folder, BETTER_AUTH_SECRET=SECRET)
    ran = run("--only", "token", "--token", "-", stdin="Bearer a.b\n")
    assert "token.structure" in ran.stdout
    assert "URL-encoded" not in ran.stdout


def test_a_password_is_never_shown(folder: Path) -> None:
    write_env(folder, DATABASE_URL="postgresql+psycopg://app:hunter2@127.0.0.1:9/app")
    ran = run("--only", "database", "--json")
    assert ran.exit_code == 1
    assert "hunter2" not in ran.output


def started(
    *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "betterguard", "doctor", *arguments],
        input=stdin.encode(),
        capture_output=True,
        env={"PATH": os.environ["PATH"], **environment},
        timeout=300,
        check=False,
    )


def test_a_stream_that_cannot_write_everything_is_named() -> None:
    ran = started("--only", "console", PYTHONIOENCODING="cp1252:strict")
    assert (ran.returncode, b"console.streams" in ran.stdout, b"FAULT" in ran.stdout) == (
        1,
        True,
        True,
    )


def test_a_locale_that_cannot_hold_everything_is_a_warning() -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ran = started("--only", "console", **ascii_only)
    assert (ran.returncode, b"warn   console.encoding" in ran.stdout) == (0, True)


def test_what_the_library_logs_does_not_come_between() -> None:
    ran = started(
        *("--only", "keys,token", "--token", "eyJhbGciOiJFZERTQSJ9.e30."),
        BETTER_AUTH_URL="http://127.0.0.1:9",
    )
    assert (ran.returncode, ran.stderr) == (1, b"")


def test_no_colour_where_none_is_wanted() -> None:
    forced = {"FORCE_COLOR": "1", "TERM": "xterm"}
    assert b"\x1b[" in started("--only", "versions", **forced).stdout
    plain = started("--only", "versions", NO_COLOR="1", **forced).stdout
    assert re.findall(rb"\x1b\[[0-9;]*3[0-7]", plain) == []


def test_every_check_is_documented_and_no_other() -> None:
    documented = re.findall(r"^\| `([a-z-]+\.[a-z0-9-]+)` \|", PAGE, re.MULTILINE)
    assert sorted(documented) == sorted(one.id for one in CHECKS)


@pytest.mark.parametrize("path", [("doctor",), ("token", "explain"), ("token", "mint")])
def test_every_option_is_documented(path: tuple[str, ...]) -> None:
    assert options(*path) <= set(re.findall(r"--[a-z-]+", PAGE))


@pytest.mark.parametrize("path", [("doctor",), ("token", "explain"), ("token", "mint")])
def test_help_has_examples(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*path, "--help"]).stdout
    assert f"betterguard {' '.join(path)}" in shown.partition("Examples")[2]
