"""Grade what an agent made of a case: nothing here asks a model.

Usage: python -m evals.grade CASE FOLDER    grade what was made
       python -m evals.grade CASE --write FOLDER    write the project as it was

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
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["CASES", "Case", "Criterion", "grade", "write"]

CASES = Path(__file__).resolve().parent / "cases"
BASES = Path(__file__).resolve().parent / "bases"
LIMIT = 300  # seconds for an attack or a run of tests
# What tools leave behind; no part of what was made.
LITTER = {"__pycache__", ".pytest_cache", ".venv", ".git", ".agents", ".claude", "tasks.db"}


@dataclass(frozen=True)
class Case:
    """One task: the project as it was, what was asked, and what may be touched.

    A project is its bases, one over the other, then the case's own files, less what it is
    ``without``. A good outcome is the project with the ``solved`` bases and the case's solution
    over it.
    """

    name: str
    bases: tuple[str, ...]
    without: frozenset[str]
    solved: tuple[str, ...]
    allowed: tuple[str, ...]
    """Patterns of the files that may change or come; none where nothing was to be done."""
    attack: bool
    """Whether the application has users to keep apart."""

    @classmethod
    def named(cls, name: str) -> Case:
        """Read a case."""
        told = json.loads((CASES / name / "case.json").read_text(encoding="utf-8"))
        return cls(
            name,
            tuple(told["bases"]),
            frozenset(told["without"]),
            tuple(told["solved"]),
            tuple(told["allowed"]),
            told["attack"],
        )

    def project(self) -> dict[str, bytes]:
        """Give the project as it was: its files by path."""
        files = _layers(*(BASES / base for base in self.bases), CASES / self.name / "project")
        return {path: text for path, text in files.items() if path not in self.without}

    def solution(self) -> dict[str, bytes]:
        """Give one good outcome, whole."""
        made = _layers(*(BASES / base for base in self.solved), CASES / self.name / "solution")
        return self.project() | made


@dataclass(frozen=True)
class Criterion:
    """One thing that must hold, and what speaks against it."""

    name: str
    problems: tuple[str, ...]


def grade(case: Case, folder: Path) -> Iterator[Criterion]:
    """Judge a folder by each criterion in turn; the folder itself is left as it is."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "project"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(*LITTER))
        yield Criterion("only allowed files changed", tuple(_strayed(case, copy)))
        yield Criterion("the audit is clean", tuple(_found(copy)))
        yield Criterion("the attack finds nothing open", tuple(_open(case, copy)))
        yield Criterion("the project's own tests pass", tuple(_failing(case, copy)))


def _strayed(case: Case, folder: Path) -> Iterator[str]:
    before, after = case.project(), _files(folder)
    for path in sorted(before.keys() | after.keys()):
        changed = before.get(path) != after.get(path)
        if changed and not any(fnmatch.fnmatchcase(path, pattern) for pattern in case.allowed):
            yield path


def _layers(*folders: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for folder in folders:
        files |= _files(folder)
    return files


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
    # The tests as they were: a test that was weakened proves nothing.
    own = {path: text for path, text in case.project().items() if path.startswith("tests/")}
    if not own:
        return
    write(own, folder)
    ran = _run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", *sorted(own))
    if ran.returncode:
        yield ran.stdout[-2_000:]


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files into a folder."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text)


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
    """Grade one folder, or write one."""
    match arguments:
        case [name, "--write", folder] if (CASES / name).is_dir():
            write(Case.named(name).project(), Path(folder))
            return 0
        case [name, folder] if (CASES / name).is_dir() and Path(folder).is_dir():
            return told(grade(Case.named(name), Path(folder)))
    print(__doc__, file=sys.stderr)
    return 2


def told(criteria: Iterable[Criterion]) -> int:
    """Print each criterion as it is judged; give the exit code."""
    outcome = 0
    for criterion in criteria:
        print(f"{'failed' if criterion.problems else 'passed'}  {criterion.name}")
        for problem in criterion.problems:
            print(f"        {problem}")
            outcome = 1
    return outcome


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
