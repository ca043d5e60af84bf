from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from betterguard.cli.program import app
from tests.cli.tree import options
from tests.repair.shapes import lay_out

PAGE = Path(__file__).resolve().parents[2] / "docs" / "init.md"
runner = CliRunner()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return lay_out("flat-requirements", tmp_path)


def texts(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def init(*arguments: str | Path) -> tuple[int, str]:
    done = runner.invoke(app, ["init", *map(str, arguments)])
    return done.exit_code, done.output


def test_yes_writes(project: Path) -> None:
    code, output = init(project, "--yes")
    assert code == 0
    assert "6 files written" in output
    assert (project / "auth.py").exists()
    assert "guard.install(app)" in (project / "main.py").read_text(encoding="utf-8")


def test_a_second_time_there_is_nothing_to_write(project: Path) -> None:
    init(project, "--yes")
    before = texts(project)
    code, output = init(project, "--yes")
    assert (code, output.rstrip().splitlines()[-1]) == (0, "nothing to write")
    assert texts(project) == before


@pytest.mark.parametrize("option", ["--dry-run", "--diff", "--json"])
def test_what_only_shows_writes_nothing(project: Path, option: str) -> None:
    before = texts(project)
    code, output = init(project, option)
    assert code == 0
    assert "auth.py" in output
    assert texts(project) == before


def test_the_diff_is_one_that_git_applies(project: Path) -> None:
    git(project, "init", "-q")
    _, output = init(project, "--diff")
    patch = project.parent / "init.patch"
    patch.write_text(output, encoding="utf-8")
    git(project, "apply", str(patch))
    applied = texts(project / "tests") | {"main": (project / "main.py").read_bytes()}
    assert init(project, "--diff", "--allow-dirty")[1] == ""
    assert len(applied) == 2


def test_without_a_terminal_it_asks_nobody_and_writes_nothing(project: Path) -> None:
    before = texts(project)
    code, output = init(project)
    assert code == 2
    assert "--yes" in output
    assert texts(project) == before


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_at_a_terminal_it_asks(project: Path, answer: str, code: int) -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "betterguard", "init", str(project)]
    with subprocess.Popen(
        command, stdin=follower, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        os.write(leader, f"{answer}\n".encode())
        _, asked = process.communicate(timeout=300)
    os.close(leader)
    os.close(follower)
    assert process.returncode == code, asked
    assert b"Write these files?" in asked
    assert (project / "auth.py").exists() is (answer == "y")


def test_a_dirty_tree_is_refused(project: Path) -> None:
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-qm", "as it was")
    (project / "main.py").write_bytes(b"# mine\n" + (project / "main.py").read_bytes())
    before = texts(project)
    code, output = init(project, "--yes")
    assert code == 2
    assert "--allow-dirty" in output
    assert texts(project) == before
    assert init(project, "--yes", "--allow-dirty")[0] == 0


def test_json_tells_the_plan_and_writes_with_yes(project: Path) -> None:
    _, output = init(project, "--json", "--yes")
    data = json.loads(output)
    assert data["written"] is True
    assert {change["path"]: change["kind"] for change in data["changes"]} == {
        ".env.example": "create",
        "auth.py": "create",
        "conftest.py": "create",
        "main.py": "edit",
        "requirements.txt": "edit",
        "tests/test_auth.py": "create",
    }
    assert {advice["title"] for advice in data["advice"]} >= {"Issue tokens", "Send the token"}


def test_env_is_neither_changed_nor_shown(project: Path) -> None:
    held = b"BETTER_AUTH_SECRET=hush-hush-hush\nBETTER_AUTH_URL=http://auth\n"
    (project / ".env").write_bytes(held)
    _, output = init(project, "--yes")
    assert (project / ".env").read_bytes() == held
    assert "hush" not in output
    told = output.partition("Set the settings")[2].partition("\n\n")[0]
    assert "FRONTEND_URL" in told
    assert "BETTER_AUTH_URL" not in told


def test_nothing_is_written_when_one_file_cannot_be(project: Path) -> None:
    before = texts(project)
    (project / "tests").write_bytes(b"a file where a folder has to be")
    code, _ = init(project, "--yes")
    assert code == 2
    (project / "tests").unlink()
    assert texts(project) == before


def test_python_without_an_application_is_refused(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("print(1)\n", encoding="utf-8")
    code, output = init(tmp_path, "--yes")
    assert code == 2
    assert "no FastAPI application" in output


def test_a_file_is_refused(project: Path) -> None:
    assert init(project / "main.py")[0] == 2


def test_help_has_examples() -> None:
    _, output = init("--help")
    assert "betterguard init --vendor" in output


def test_every_option_is_documented() -> None:
    rows = re.findall(r"^\| `(--[a-z-]+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(rows) == options("init")
