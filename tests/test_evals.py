"""The evaluations grade as they should: solutions pass, and what was broken does not."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from betterguard.cli.program import app
from betterguard.skill import skill_folder
from evals.grade import CASES, Case, grade, write

if TYPE_CHECKING:
    from pathlib import Path

NAMES = sorted(folder.name for folder in CASES.iterdir())
UNTOUCHED = [name for name in NAMES if not Case.named(name).allowed]
AS_SOMEBODY = ("-c", "user.email=a@example.com", "-c", "user.name=a")
LEAST_CASES = 12
LEAST_QUERIES = 20


def problems(case: Case, folder: Path) -> dict[str, tuple[str, ...]]:
    return {one.name: one.problems for one in grade(case, folder) if one.problems}


def written(files: dict[str, bytes], folder: Path) -> Path:
    write(files, folder / "made")
    return folder / "made"


def test_there_are_enough_of_them() -> None:
    assert len(NAMES) >= LEAST_CASES
    for name in NAMES:
        assert (CASES / name / "prompt.md").read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNTOUCHED])
def test_a_solution_passes(name: str, tmp_path: Path) -> None:
    case = Case.named(name)
    assert problems(case, written(case.solution(), tmp_path)) == {}


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in {*UNTOUCHED, "empty-folder"}]
)
def test_the_project_as_it_was_fails(name: str, tmp_path: Path) -> None:
    case = Case.named(name)
    criteria = grade(case, written(case.project(), tmp_path))
    assert next(one.problems for one in criteria if one.name == "the audit is clean")


@pytest.mark.parametrize("name", UNTOUCHED)
def test_where_nothing_is_wrong_any_change_fails(name: str, tmp_path: Path) -> None:
    case = Case.named(name)
    made = written(case.project(), tmp_path)
    assert problems(case, made) == {}
    (made / "app" / "auth.py").write_text("# tidied\n", encoding="utf-8")
    assert next(grade(case, made)).problems == ("app/auth.py",)


def test_a_weakened_test_does_not_help(tmp_path: Path) -> None:
    case = Case.named("way-around-the-signature")
    made = written(case.solution(), tmp_path)
    (made / "tests" / "test_tasks.py").write_text("def test_nothing() -> None: ...\n")
    assert next(grade(case, made)).problems == ("tests/test_tasks.py",)


def test_queries_tell_of_both_kinds() -> None:
    queries = json.loads((CASES.parent / "triggers.json").read_text(encoding="utf-8"))
    assert len(queries) >= LEAST_QUERIES
    for wanted in (True, False):
        assert sum(query["trigger"] is wanted for query in queries) >= LEAST_QUERIES // 3
    assert all(set(query) == {"query", "trigger", "why"} for query in queries)


def test_the_skills_commands_for_a_project_that_is_guarded_touch_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Done to the letter, without a thought: `init` is for projects that have no guard yet."""
    case = Case.named("naive-times")
    made = written(case.project(), tmp_path)
    for arguments in (["init", "-q", "."], ["add", "."], [*AS_SOMEBODY, "commit", "-qm", "base"]):
        subprocess.run(["git", *arguments], cwd=made, check=True)
    monkeypatch.chdir(made)
    for line in _commands("Then, in every project:"):
        ran = CliRunner().invoke(app, [*shlex.split(line)[1:], "--allow-dirty"])
        assert ran.exit_code == 0, ran.output
    assert problems(case, made) == {}


def _commands(introduction: str) -> list[str]:
    text = (skill_folder() / "SKILL.md").read_text(encoding="utf-8")
    _, found, rest = text.partition(introduction)
    assert found
    return rest.split("```")[1].removeprefix("sh\n").splitlines()
