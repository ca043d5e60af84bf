"""The agent skill that the package carries: where it lies, and how it gets into a project."""

from __future__ import annotations

import filecmp
import shutil
import tempfile
from enum import StrEnum
from pathlib import Path

from betterguard.errors import ConfigurationError

__all__ = ["NAME", "Outcome", "install_skill", "skill_folder"]

NAME = "auth-integration"
AGENTS = Path(".agents") / "skills" / NAME
CLAUDE = Path(".claude") / "skills" / NAME


class Outcome(StrEnum):
    """What installing did at one place."""

    WRITTEN = "written"
    UP_TO_DATE = "up to date"
    REPLACED = "replaced"


def skill_folder() -> Path:
    """Give the folder of the skill, which holds ``SKILL.md`` and what it refers to."""
    return Path(__file__).resolve().parent / ".agents" / "skills" / NAME


def install_skill(
    project: Path, *, claude: bool = False, force: bool = False
) -> dict[Path, Outcome]:
    """Copy the skill into a project's ``.agents/skills``, and ``.claude/skills`` where wanted.

    A copy that is older or was changed is left alone unless ``force``: ConfigurationError names
    each such place, and nothing is written then.
    """
    if not project.is_dir():
        raise ConfigurationError([f"{project} is not a folder"])
    targets = [project / AGENTS, *([project / CLAUDE] if claude else [])]
    changed = [target for target in targets if target.exists() and not _same(target)]
    if changed and not force:
        raise ConfigurationError(
            [
                f"{target} is not this version's: it is older or was changed; --force replaces it"
                for target in changed
            ]
        )
    return {target: _installed(target) for target in targets}


def _installed(target: Path) -> Outcome:
    existed = target.exists()
    if existed and _same(target):
        return Outcome.UP_TO_DATE
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that the rename is one step and no half a skill is ever there.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{NAME}-") as beside:
        copy = Path(beside) / NAME
        shutil.copytree(skill_folder(), copy)
        if existed:
            target.rename(Path(beside) / "old")
        copy.rename(target)
    return Outcome.REPLACED if existed else Outcome.WRITTEN


def _same(target: Path) -> bool:
    return _files(target) == _files(skill_folder()) and not _differing(target)


def _files(folder: Path) -> set[Path]:
    return {file.relative_to(folder) for file in folder.rglob("*") if file.is_file()}


def _differing(target: Path) -> bool:
    names = [str(file) for file in _files(skill_folder())]
    return filecmp.cmpfiles(skill_folder(), target, names, shallow=False)[0] != names
