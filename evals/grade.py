"""Grade what an agent made of a case: nothing here asks a model.

Usage: python -m evals.grade CASE FOLDER

Prints a line for each criterion: only allowed files changed, the audit is clean, the attack finds
nothing open, the project's own tests pass. Exit 0 when all hold, 1 when one does not, 2 on wrong
usage.
"""

from __future__ import annotations

import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from betterguard.audit import Config, Severity, audit

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CASES", "Case", "Criterion", "grade"]

CASES = Path(__file__).resolve().parent / "cases"
LIMIT = 300  # seconds for an attack or a run of tests
# What tools leave behind; no part of what was made.
LITTER = {"__pycache__", ".pytest_cache", ".venv", ".git", ".agents", ".claude", "tasks.db"}


@dataclass(frozen=True)
class Case:
    """One task: the project as it was, what was asked, and what may be touched."""

    name: str
    allowed: tuple[str, ...]
    """Patterns of the files that may change or come; none where nothing was to be done."""
    attack: bool
    """Whether the application has users to keep apart."""

    @classmethod
    def named(cls, name: str) -> Case:
        """Read a case."""
        told = json.loads((CASES / name / "case.json").read_text(encoding="utf-8"))
        return cls(name, tuple(told["allowed"]), told["attack"])

    @property
    def project(self) -> Path:
        """The project as it was."""
        return CASES / self.name / "project"


@dataclass(frozen=True)
class Criterion:
    """One thing that must hold, and what speaks against it."""

    name: str
    problems: tuple[str, ...]


def grade(case: Case, folder: Path) -> tuple[Criterion, ...]:
    """Judge a folder by every criterion; the folder itself is left as it is."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "project"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(*LITTER))
        return (
            Criterion("only allowed files changed", tuple(_strayed(case, copy))),
            Criterion("the audit is clean", tuple(_found(copy))),
            Criterion("the attack finds nothing open", tuple(_open(case, copy))),
            Criterion("the project's own tests pass", tuple(_failing(case, copy))),
        )


def _strayed(case: Case, folder: Path) -> Iterator[str]:
    before, after = _files(case.project), _files(folder)
    for path in sorted(before.keys() | after.keys()):
        changed = before.get(path) != after.get(path)
        if changed and not any(fnmatch.fnmatchcase(path, pattern) for pattern in case.allowed):
            yield path


def _files(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and LITTER.isdisjoint(file.relative_to(folder).parts)
    }


def _found(folder: Path) -> Iterator[str]:
    report = audit([folder], Config(), relative_to=folder)
    for finding in report.findings:
        if finding.severity >= Severity.LOW:
            yield f"{finding.path}:{finding.line} {finding.rule} {finding.message}"


def _open(case: Case, folder: Path) -> Iterator[str]:
    if not case.attack:
        return
    command = ("-m", "betterguard", "attack", "app.main:app", "--mint", "keys")
    ran = _run(folder, *command, "--seed", "1", "--variants", "2")
    if ran.returncode:
        yield (ran.stdout or ran.stderr)[-2_000:]


def _failing(case: Case, folder: Path) -> Iterator[str]:
    own = case.project / "tests"
    if not own.is_dir():
        return
    # The tests as they were: a test that was weakened proves nothing.
    shutil.copytree(own, folder / "tests", dirs_exist_ok=True)
    tests = sorted(str(file.relative_to(case.project)) for file in own.glob("test_*.py"))
    ran = _run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
    if ran.returncode:
        yield ran.stdout[-2_000:]


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "BETTER_AUTH_URL": "http://localhost:3000",
        "FRONTEND_URL": "http://localhost:3000",
        "DATABASE_URL": f"sqlite:///{folder.parent / 'tasks.db'}",
        "PYTHONPATH": str(folder),
        "NO_COLOR": "1",
    }
    (folder.parent / "tasks.db").unlink(missing_ok=True)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def main(arguments: list[str]) -> int:
    """Grade one folder."""
    if len(arguments) != 2 or not Path(arguments[1]).is_dir():  # noqa: PLR2004  CASE FOLDER
        print(__doc__, file=sys.stderr)
        return 2
    criteria = grade(Case.named(arguments[0]), Path(arguments[1]))
    for criterion in criteria:
        print(f"{'failed' if criterion.problems else 'passed'}  {criterion.name}")
        for problem in criterion.problems:
            print(f"        {problem}")
    return 1 if any(criterion.problems for criterion in criteria) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
