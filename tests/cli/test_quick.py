from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from betterguard.audit.engine import audit
from betterguard.audit.reports import text
from betterguard.cli.auditing import run
from betterguard.cli.program import app
from betterguard.cli.quick import quick, request

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "SECRET_KEY = 'a-literal'\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BETTERGUARD_CACHE_DIR", str(tmp_path / ".cache"))
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "app.py").write_text("import datetime\n" + SECRET)
    (tmp_path / "old.py").write_text("import datetime\n\tx = datetime.datetime.utcnow()\n")
    (tmp_path / "base.json").write_text('{"version": 1, "findings": []}')
    return tmp_path


PLAIN = [
    pytest.param((), id="nothing"),
    pytest.param(("backend",), id="a-folder"),
    pytest.param(("backend", "old.py"), id="a-folder-and-a-file"),
    pytest.param(("-f", "json"), id="json"),
    pytest.param(("--format=concise", "old.py"), id="with-an-equals-sign"),
    pytest.param(("--format", "json", "--format", "github"), id="the-last-format-counts"),
    pytest.param(("--format", "sarif"), id="sarif"),
    pytest.param(("--select", "bg2,BG4", "--ignore", "BG206"), id="select-and-ignore"),
    pytest.param(("--severity", "medium"), id="severity"),
    pytest.param(("--fail-on", "critical"), id="fail-on"),
    pytest.param(("--fail-on", "low", "old.py"), id="fails-on-low"),
    pytest.param(("--tests", "--no-cache", "--jobs", "1"), id="flags"),
    pytest.param(("--baseline", "base.json"), id="baseline"),
    pytest.param(("nowhere",), id="no-such-path"),
    pytest.param(("--select", "XX9"), id="no-such-rule"),
    pytest.param(("--severity", "awful"), id="no-such-severity"),
    pytest.param(("--baseline", "nowhere.json"), id="no-such-baseline"),
    pytest.param(("--diff-base", "HEAD"), id="no-repository"),
]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("words", PLAIN)
def test_what_is_plain_is_answered_as_the_whole_command_line_does(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = CliRunner().invoke(app, ["audit", *words])
    code = quick(["audit", *words])
    shown = capsys.readouterr()
    assert (code, shown.out, shown.err) == (wanted.exit_code, wanted.stdout, wanted.stderr)


def test_output_goes_to_the_same_file(project: Path) -> None:
    CliRunner().invoke(app, ["audit", "-o", "slow.txt"])
    quick(["audit", "-o", "quick.txt"])
    assert (project / "quick.txt").read_text() == (project / "slow.txt").read_text() != ""


OTHER = [
    pytest.param(("--help",), id="help"),
    pytest.param(("--routes",), id="routes"),
    pytest.param(("--fix", "backend"), id="fix"),
    pytest.param(("--explain", "BG206"), id="explain"),
    pytest.param(("--checklist",), id="checklist"),
    pytest.param(("--write-baseline", "x.json"), id="write-baseline"),
    pytest.param(("-fjson",), id="a-short-option-with-its-value"),
    pytest.param(("--format", "xml"), id="no-such-format"),
    pytest.param(("--format",), id="a-value-is-missing"),
    pytest.param(("--select", "--tests"), id="an-option-for-a-value"),
    pytest.param(("--jobs", "-1"), id="too-few-processes"),
    pytest.param(("--jobs", "two"), id="no-number"),
    pytest.param(("--no-cache=1",), id="a-value-for-a-flag"),
    pytest.param(("--nonsense",), id="unknown"),
    pytest.param(("--", "backend"), id="the-end-of-options"),
    pytest.param(("-",), id="a-dash"),
]


@pytest.mark.parametrize("words", OTHER)
def test_all_else_is_left_to_the_whole_command_line(words: tuple[str, ...]) -> None:
    assert request(words) is None
    assert quick(["audit", *words]) is None


@pytest.mark.parametrize("words", [(), ("doctor",), ("--version",), ("audit.py",)])
def test_other_commands_are_left_alone(words: tuple[str, ...]) -> None:
    assert quick(list(words)) is None


def test_windows_expands_what_no_shell_does(monkeypatch: pytest.MonkeyPatch) -> None:
    assert request(("*.py",)) is not None
    monkeypatch.setattr(sys, "platform", "win32")
    assert request(("*.py",)) is None


@pytest.mark.usefixtures("project")
def test_an_unchanged_project_is_answered_for_without_large_libraries() -> None:
    heavy = ("typer", "pydantic", "rich", "fastapi", "sqlalchemy", "tree_sitter", "logging")
    code = (
        "import sys; from betterguard.cli.quick import quick;"
        "assert quick(['audit', 'backend']) == 1;"
        f"print([n for n in sys.modules if n.startswith({(*heavy, 'betterguard.audit.rules.bg')})])"
    )
    command = [sys.executable, "-c", code]
    subprocess.run(command, capture_output=True, check=True)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.usefixtures("project")
def test_the_command_ends_without_a_look_at_all_that_the_audit_made() -> None:
    code = (
        "import atexit, gc, sys; from betterguard.cli import main;"
        "seen = []; gc.collect(); gc.callbacks.append(lambda phase, _: seen.append(phase));"
        "atexit.register(lambda: print(seen));"
        "sys.argv[1:] = ['audit', 'backend', '--no-cache']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "[]"


def test_colours_change_nothing_but_the_colours(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "old.py").write_text(SECRET.replace("a-literal", "[bold]\t:smile:[/bold]"))
    plain = text.text(audit([project], relative_to=project))
    monkeypatch.setenv("FORCE_COLOR", "1")
    asked = request(["--no-cache"])
    assert asked is not None
    run(asked)
    assert "\x1b[" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    run(asked)
    assert capsys.readouterr().out == plain + "\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is POSIX's")
def test_a_terminal_sees_how_far_it_is_and_nothing_once_it_is_known(project: Path) -> None:
    first, again = seen_on_a_terminal(project), seen_on_a_terminal(project)
    assert b"rules" in first
    assert again == b""


def seen_on_a_terminal(project: Path) -> bytes:
    """Give what an audit writes to its standard error stream where that is a terminal."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "betterguard", "audit", "backend"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.DEVNULL, stderr=theirs) as child:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # Linux says so when the other side has closed
            while part := os.read(ours, 4096):
                shown += part
    os.close(ours)
    assert child.returncode == 1
    return shown
