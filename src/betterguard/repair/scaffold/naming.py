"""By which name one file of a project imports another: as its files do by now."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.project import File, Project

__all__ = ["import_base", "module_name"]


def import_base(project: Project, file: File) -> str:
    """Give the folder that absolute names begin in: the one that the project's imports show.

    The file's own imports count first, then those of the files around it; where none tells, it
    is the first folder above that is no package.
    """
    folder = PurePosixPath(file.path).parent
    for files in ([file], project.files.values()):
        shown = Counter(base for one in files for base in _bases(project, one))
        fitting = [base for base, _ in shown.most_common() if folder.is_relative_to(base)]
        if fitting:
            return fitting[0]
    while folder.name and f"{folder}/__init__.py" in project.files:
        folder = folder.parent
    return str(folder)


def _bases(project: Project, file: File) -> Iterator[str]:
    for imported in file.facts.imports:
        if imported.module.startswith("."):
            continue
        target = project.module(file, imported.module)
        if target is not None and target is not file:
            parts = _parts(target.path)
            names = imported.module.split(".")
            if parts[-len(names) :] == names:
                yield str(PurePosixPath(*parts[: -len(names)]))


def module_name(project: Project, file: File, target: str) -> str:
    """Give the name by which ``file`` imports the file at ``target``: ``app.auth`` or ``.auth``."""
    if _is_relative(project, file):
        return _relative(PurePosixPath(file.path).parent, _parts(target))
    return absolute_name(import_base(project, file), target)


def absolute_name(base: str, target: str) -> str:
    """Give a file's name from the folder that names begin in."""
    return ".".join(PurePosixPath(*_parts(target)).relative_to(base).parts)


def _is_relative(project: Project, file: File) -> bool:
    modules = [imported.module for imported in file.facts.imports]
    relative = any(module.startswith(".") for module in modules)
    return relative and not any(True for _ in _bases(project, file))


def _relative(folder: PurePosixPath, target: list[str]) -> str:
    here = list(folder.parts)
    shared = 0
    while shared < min(len(here), len(target) - 1) and here[shared] == target[shared]:
        shared += 1
    return "." * (len(here) - shared + 1) + ".".join(target[shared:])


def _parts(path: str) -> list[str]:
    parts = path.removesuffix(".py").split("/")
    return parts[:-1] if parts[-1] == "__init__" else parts
