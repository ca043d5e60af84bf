from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from betterguard.audit import audit
from betterguard.audit.cache import Cache
from betterguard.audit.loading import WORTH_A_PROCESS
from betterguard.audit.rules import RULES

if TYPE_CHECKING:
    from pathlib import Path


def told(folder: Path, cache: Cache | None = None, jobs: int = 1) -> list[tuple[str, int, int]]:
    steps: list[tuple[str, int, int]] = []
    audit([folder], cache=cache, jobs=jobs, progress=lambda *step: steps.append(step))
    return steps


def test_every_phase_is_told_to_its_end(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text("x = 1\n")
    phases = {name: list(steps) for name, steps in groupby(told(tmp_path), key=lambda s: s[0])}
    assert list(phases) == ["reading", "indexing", "rules"]
    assert phases["reading"] == [("reading", 1, 2), ("reading", 2, 2)]
    assert [done for _, done, _ in phases["rules"]] == list(range(len(RULES)))
    assert {total for _, _, total in phases["rules"]} == {len(RULES)}


def test_an_unchanged_project_takes_no_step(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "a.py").write_text("x = 1\n")
    cache = Cache(tmp_path / "cache")
    assert told(project, cache)
    assert told(project, cache) == []
    cache.close()


def test_what_two_processes_read_is_told_and_kept(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    files = 2 * WORTH_A_PROCESS
    for number in range(files):
        (project / f"m{number}.py").write_text("x = 1\n")
    cache = Cache(tmp_path / "cache")
    steps = told(project, cache, jobs=2)
    assert steps[:files] == [("reading", done, files) for done in range(1, files + 1)]
    (project / "m0.py").write_text("x = 2\n")
    assert told(project, cache, jobs=2)[0] == ("reading", 1, 1)
    cache.close()
