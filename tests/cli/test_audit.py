from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

from betterguard.cli.program import app

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "SECRET_KEY = 'a-literal'\n"
ROUTES = """
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
from sqlmodel import Field, Session, SQLModel, select
app = FastAPI()
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    user_id: str
def get_user(authorization: str = Header()) -> str:
    try:
        return jwt.decode(authorization, KEY, algorithms=["EdDSA"])["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401) from err
@app.get("/tasks")
def tasks(me: str = Depends(get_user), session: Session = Depends(get_session)):
    return session.exec(select(Task).where(Task.user_id == me)).all()
@app.get("/all")
def everything(session: Session = Depends(get_session)):
    return session.exec(select(Task)).all()
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BETTERGUARD_CACHE_DIR", str(tmp_path / ".cache"))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments])


CODES = [
    pytest.param("x = 1\n", (), 0, id="clean"),
    pytest.param(SECRET, (), 1, id="a-high-finding"),
    pytest.param(SECRET, ("--fail-on", "critical"), 0, id="below-the-limit"),
    pytest.param("import datetime\nx = datetime.datetime.utcnow()\n", (), 0, id="a-low-finding"),
    pytest.param(
        "import datetime\nx = datetime.datetime.utcnow()\n",
        ("--fail-on", "low"),
        1,
        id="a-low-finding-that-counts",
    ),
    pytest.param(SECRET, ("--ignore", "BG2"), 0, id="ignored"),
    pytest.param(SECRET, ("--select", "BG9"), 2, id="unknown-rule"),
    pytest.param(SECRET, ("--severity", "awful"), 2, id="unknown-severity"),
    pytest.param(SECRET, ("nowhere",), 2, id="no-such-path"),
    pytest.param(SECRET, ("--format", "xml"), 2, id="unknown-format"),
    pytest.param(SECRET, ("--baseline", "nowhere.json"), 2, id="no-such-baseline"),
    pytest.param(SECRET, ("--explain", "BG999"), 2, id="no-such-rule"),
]


@pytest.mark.parametrize(("text", "arguments", "code"), CODES)
def test_the_exit_code_tells(
    project: Path, text: str, arguments: tuple[str, ...], code: int
) -> None:
    (project / "app.py").write_text(text)
    assert run(*arguments).exit_code == code


def test_text_shows_the_line_and_the_evidence(project: Path) -> None:
    (project / "app.py").write_text(ROUTES)
    shown = run().stdout
    assert "def everything(session: Session = Depends(get_session)):" in shown
    assert "no dependency, router, middleware or own code refuses an unknown caller" in shown


def test_markup_in_source_is_shown_as_it_is(project: Path) -> None:
    (project / "app.py").write_text("SECRET_KEY = '[bold]x[/bold]'\n")
    assert "SECRET_KEY = '[bold]x[/bold]'" in run().stdout


def test_concise_is_one_line_a_finding(project: Path) -> None:
    (project / "app.py").write_text(SECRET)
    assert run("--format", "concise").stdout == (
        "app.py:1:1: BG206 [high] SECRET_KEY has a literal value\n"
    )


def test_json_holds_every_field(project: Path) -> None:
    (project / "app.py").write_text(SECRET)
    assert json.loads(run("--format", "json").stdout) == {
        "version": 1,
        "files": 1,
        "lines": 2,
        "suppressed": 0,
        "findings": [
            {
                "rule": "BG206",
                "name": "secret-in-code",
                "severity": "high",
                "confidence": "high",
                "path": "app.py",
                "line": 1,
                "column": 1,
                "message": "SECRET_KEY has a literal value",
                "evidence": ["9 characters, less than 32"],
                "fixable": True,
                "fix": "unsafe",
                "source": SECRET.strip(),
            }
        ],
    }


def sarif(*arguments: str) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(run("--format", "sarif", *arguments).stdout)
    return log


def test_sarif_results_point_to_their_rule(project: Path) -> None:
    (project / "app.py").write_text(SECRET)
    (run_,) = sarif()["runs"]
    (result,) = run_["results"]
    assert run_["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_sarif_has_what_code_scanning_asks_for(project: Path) -> None:
    (project / "app.py").write_text(SECRET)
    log = sarif()
    (result,) = log["runs"][0]["results"]
    (location,) = result["locations"]
    assert log["version"] == "2.1.0"
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "app.py"
    assert location["physicalLocation"]["region"] == {"startLine": 1, "startColumn": 1}
    assert list(result["partialFingerprints"]) == ["betterguard/v1"]
    for rule in log["runs"][0]["tool"]["driver"]["rules"]:
        assert 0 <= float(rule["properties"]["security-severity"]) <= 10
        assert "security" in rule["properties"]["tags"]


def test_a_fingerprint_stays_when_lines_move(project: Path) -> None:
    (project / "app.py").write_text(SECRET)
    before = sarif()["runs"][0]["results"][0]["partialFingerprints"]
    (project / "app.py").write_text("\n\n" + SECRET)
    assert sarif()["runs"][0]["results"][0]["partialFingerprints"] == before


def test_github_annotations_escape_what_ends_a_property(project: Path) -> None:
    (project / "a,b:c.py").write_text(SECRET)
    assert run("--format", "github").stdout.startswith(
        "::error file=a%2Cb%3Ac.py,line=1,col=1,title=BG206 secret-in-code (high)::"
    )


def test_findings_go_to_a_file(project: Path) -> None:
    (project / "app.py").write_text(SECRET)
    run("--format", "json", "--output", "out.json")
    assert len(json.loads((project / "out.json").read_text())["findings"]) == 1


def test_a_baseline_lets_only_what_is_new_fail(project: Path) -> None:
    (project / "app.py").write_text(SECRET)
    assert run("--write-baseline", "base.json").exit_code == 0
    assert run("--baseline", "base.json").exit_code == 0
    (project / "app.py").write_text(SECRET + "JWT_SECRET = 'another'\n")
    assert run("--baseline", "base.json").exit_code == 1


def test_the_project_s_configuration_is_used(project: Path) -> None:
    (project / "app.py").write_text(SECRET)
    (project / "pyproject.toml").write_text('[tool.betterguard]\nignore = ["BG206"]\n')
    assert run().exit_code == 0


def test_the_command_line_wins_over_the_configuration(project: Path) -> None:
    (project / "app.py").write_text(SECRET)
    (project / "pyproject.toml").write_text('[tool.betterguard]\nfail-on = "critical"\n')
    assert (run().exit_code, run("--fail-on", "high").exit_code) == (0, 1)


def test_routes_as_a_table(project: Path) -> None:
    (project / "app.py").write_text(ROUTES)
    shown = run("--routes").stdout
    assert "/tasks" in shown
    assert "dependency get_user" in shown


def test_routes_as_json_tell_authentication_and_rows(project: Path) -> None:
    (project / "app.py").write_text(ROUTES)
    data = json.loads(run("--routes", "--format", "json").stdout)
    assert {(r["path"], r["authentication"], *r["rows"]) for r in data["routes"]} == {
        ("/tasks", "required", "Task: user_id"),
        ("/all", "none", "Task: unfiltered"),
    }


def test_explain_tells_what_a_rule_is_about() -> None:
    assert run("--explain", "bg206").stdout.startswith("# BG206 secret-in-code")


def test_explain_all_lists_every_family() -> None:
    shown = run("--explain", "all").stdout
    assert all(f"BG{family}0" in shown for family in range(8))


def test_a_fault_of_the_program_is_exit_code_2(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "app.py").write_text(SECRET)
    monkeypatch.setattr("betterguard.cli.auditing.run_audit", lambda *_, **__: 1 / 0)
    assert run().exit_code == 2


def test_a_second_run_comes_from_the_cache_and_says_the_same(project: Path) -> None:
    (project / "app.py").write_text(SECRET)
    assert run("--format", "concise").stdout == run("--format", "concise").stdout
    assert (project / ".cache" / "audit.sqlite3").exists()


def test_help_has_examples() -> None:
    shown = run("--help").stdout
    assert "Examples" in shown
    assert "betterguard audit --explain BG302" in shown


def test_no_colours_where_they_are_not_wanted(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "app.py").write_text(SECRET)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run().stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in run().stdout


def test_what_was_suppressed_is_told_again_from_the_cache(project: Path) -> None:
    (project / "app.py").write_text(SECRET.rstrip() + "  # noqa: BG206 a demo\n")
    assert "1 suppressed" in run().stdout
    assert "1 suppressed" in run().stdout


def test_an_unchanged_project_needs_no_parser(project: Path) -> None:
    (project / "app.py").write_text(SECRET)
    run()
    code = (
        "import sys; from typer.testing import CliRunner; from betterguard.cli.program import app;"
        "assert CliRunner().invoke(app, ['audit']).exit_code == 1;"
        "heavy = ('tree_sitter', 'betterguard.audit.rules.bg');"
        "print([name for name in sys.modules if name.startswith(heavy)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_file_that_cannot_be_written_is_wrong_usage(project: Path, style: str) -> None:
    (project / "app.py").write_text(SECRET)
    ran = run("-f", style, "-o", "no/file")
    assert ran.exit_code == 2
    assert "--output: no/file is no place for a file" in ran.stderr


def test_settings_that_cannot_be_read_are_told(project: Path) -> None:
    """Without them the audit would let through what they forbid."""
    (project / "pyproject.toml").write_text('[tool.betterguard]\nfail-on = "low\n')
    ran = run()
    assert ran.exit_code == 2
    assert "pyproject.toml is no TOML" in ran.stderr


def test_a_broken_file_without_settings_keeps_no_audit_from_running(project: Path) -> None:
    (project / "pyproject.toml").write_text("[project\n")
    assert run().exit_code == 0
