from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from betterguard.audit import Severity, audit, find_config
from betterguard.audit.cache import Cache
from betterguard.audit.config import Config, read_config
from betterguard.audit.engine import audit_texts
from betterguard.audit.policy import changed_lines, on_lines, without_baseline, write_baseline
from betterguard.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "SECRET_KEY = 'a-literal'"


def rules(text: str, config: Config | None = None) -> list[str]:
    return [finding.rule for finding in audit_texts({"app.py": text}, config)]


SUPPRESSIONS = [
    pytest.param(f"{SECRET}  # noqa: BG206 the demo's own", [], id="with-a-reason"),
    pytest.param(f"{SECRET}  # noqa: BG206", ["BG002", "BG206"], id="without-a-reason"),
    pytest.param(f"{SECRET}  # noqa: BG402 why", ["BG002", "BG206"], id="of-another-rule"),
    pytest.param("x = 1  # noqa: BG206 nothing here", ["BG002"], id="unused"),
    pytest.param(f'{SECRET}; s = "# noqa: BG206 text"', ["BG206"], id="inside-a-string"),
    pytest.param(f"{SECRET}  # noqa", ["BG206"], id="bare-noqa-belongs-to-others"),
]


@pytest.mark.parametrize(("line", "expected"), SUPPRESSIONS)
def test_a_suppression_needs_a_reason_and_a_finding(line: str, expected: list[str]) -> None:
    assert sorted(rules(line + "\n")) == expected


def test_a_suppression_of_a_rule_that_did_not_run_is_not_called_unused() -> None:
    config = Config(select=("BG0", "BG4"))
    assert rules("x = 1  # noqa: BG206 a reason\n", config) == []


CONFIGS = [
    pytest.param({"select": ["BG4"]}, [], id="select"),
    pytest.param({"ignore": ["BG2"]}, [], id="ignore"),
    pytest.param({"per-file-ignores": {"app.py": ["BG206"]}}, [], id="per-file"),
    pytest.param({"per-file-ignores": {"other/*": ["BG206"]}}, ["BG206"], id="other-file"),
    pytest.param({"severity": "critical"}, [], id="severity-floor"),
]


@pytest.mark.parametrize(("table", "expected"), CONFIGS)
def test_configuration_decides_what_counts(table: dict[str, object], expected: list[str]) -> None:
    assert rules(SECRET + "\n", read_config(table)) == expected


ROUTE = """
from fastapi import Depends, FastAPI
from sqlmodel import Field, Session, SQLModel, select
app = FastAPI()
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    {owner}: str
@app.get("/tasks")
def tasks(who=Depends(gatekeeper), session: Session = Depends(get_session)):
    return session.exec(select(Task).where(Task.{owner} == who)).all()
"""


def test_a_public_route_is_not_reported() -> None:
    text = ROUTE.format(owner="user_id")
    assert "BG101" in rules(text)
    assert "BG101" not in rules(text, read_config({"public-routes": ["/tasks"]}))


def test_a_named_dependency_authenticates() -> None:
    config = read_config({"auth-dependencies": ["gatekeeper"]})
    assert "BG101" not in rules(ROUTE.format(owner="user_id"), config)


def test_owner_columns_are_configurable() -> None:
    text = ROUTE.format(owner="tenant")
    assert "BG101" not in rules(text)
    assert "BG101" in rules(text, read_config({"owner-columns": ["tenant"]}))


def test_every_fault_of_a_configuration_is_told_at_once() -> None:
    table = {"selct": [], "select": ["XX1"], "severity": "awful", "ignore": "BG1"}
    with pytest.raises(ConfigurationError) as caught:
        read_config(table)
    assert len(caught.value.faults) == 4


def test_the_nearest_configuration_above_is_found(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.betterguard]\nfail-on = "low"\n')
    inner = tmp_path / "src"
    inner.mkdir()
    (inner / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert find_config(inner).fail_on is Severity.LOW


def test_a_baseline_hides_what_it_holds_and_no_more(tmp_path: Path) -> None:
    old = audit_texts({"app.py": f"{SECRET}\n"})
    write_baseline(tmp_path / "base.json", old)
    moved = audit_texts({"app.py": f"\n\n{SECRET}\n{SECRET}\n"})
    assert len(moved) == 2
    assert len(without_baseline(moved, tmp_path / "base.json")) == 1


BASELINES = [
    pytest.param("", id="empty"),
    pytest.param("[]", id="another-shape"),
    pytest.param('{"version": 99, "findings": []}', id="another-version"),
]


@pytest.mark.parametrize("text", BASELINES)
def test_an_unusable_baseline_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "base.json").write_text(text)
    with pytest.raises(ConfigurationError):
        without_baseline([], tmp_path / "base.json")


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_only_changed_lines_count_against_a_revision(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "app.py").write_text(f"{SECRET}\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    (tmp_path / "app.py").write_text(f"{SECRET}\nx = 1\nJWT_SECRET = 'another'\n")
    (tmp_path / "new.py").write_text(f"{SECRET}\n")
    found = on_lines(audit([tmp_path]).findings, changed_lines(tmp_path, "HEAD"))
    assert [(f.path, f.line) for f in found] == [("app.py", 3), ("new.py", 1)]


def test_an_unknown_revision_is_an_error(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(ConfigurationError):
        changed_lines(tmp_path, "nowhere")


def test_a_revision_is_never_taken_for_an_option(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expected a git revision"):
        changed_lines(tmp_path, "--output=/tmp/x")


def test_a_committed_env_file_with_a_secret_is_reported(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / ".env").write_text("BETTER_AUTH_SECRET=kZ9sQ2mW8xT4vB7nL3pR6yD1fH5jC0aE\n")
    assert audit([tmp_path]).findings == []
    git(tmp_path, "add", ".")
    assert [(f.path, f.line, f.rule) for f in audit([tmp_path]).findings] == [(".env", 1, "BG206")]


def test_the_auth_server_is_found_outside_of_the_audited_folder(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for name in ("backend", "frontend"):
        (tmp_path / name).mkdir()
    (tmp_path / "frontend" / "auth.ts").write_text("betterAuth({ plugins: [jwt()] });\n")
    (tmp_path / "backend" / "app.py").write_text(
        "import jwt\ndef f(t):\n    return jwt.decode(t, KEY, algorithms=['HS256'])\n"
    )
    found = [f for f in audit([tmp_path / "backend"]).findings if f.rule == "BG211"]
    assert [f.evidence for f in found] == [("../frontend/auth.ts:1",)]


def test_an_unchanged_project_comes_from_the_cache(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "app.py").write_text(f"{SECRET}\n")
    cache = Cache(tmp_path / "cache")
    first = audit([project], cache=cache)
    second = audit([project], cache=cache)
    (project / "app.py").write_text(f"{SECRET}\nJWT_SECRET = 'another'\n")
    third = audit([project], cache=cache)
    cache.close()
    assert (first.from_cache, second.from_cache, third.from_cache) == (False, True, False)
    assert first.findings == second.findings
    assert len(third.findings) == 2


def test_the_cache_is_not_kept_in_the_project(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x = 1\n")
    before = sorted(path.name for path in tmp_path.iterdir())
    audit([tmp_path])
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_many_processes_find_what_one_finds(tmp_path: Path) -> None:
    for number in range(900):
        (tmp_path / f"m{number}.py").write_text(f"{SECRET}\n")
    one, two = audit([tmp_path]), audit([tmp_path], jobs=2)
    assert len(one.findings) == 900
    assert one.findings == two.findings


def test_a_baseline_is_plain_json(tmp_path: Path) -> None:
    write_baseline(tmp_path / "base.json", audit_texts({"app.py": f"{SECRET}\n"}))
    data = json.loads((tmp_path / "base.json").read_text())
    assert data["findings"] == [{"rule": "BG206", "path": "app.py", "source": SECRET, "count": 1}]


def test_the_cache_is_found_again_by_another_process(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "app.py").write_text(f"{SECRET}\n")
    script = (
        "import sys; from pathlib import Path\n"
        "from betterguard.audit import audit\nfrom betterguard.audit.cache import Cache\n"
        "cache = Cache(Path(sys.argv[2])); report = audit([Path(sys.argv[1])], cache=cache)\n"
        "cache.close(); print(report.from_cache)\n"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", script, str(project), str(tmp_path / "cache")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert answers == ["False", "True"]
