"""By which name one file of a project imports another: as its files do by now."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from betterguard.audit.project import Project
    from betterguard.audit.symbols import File
    from betterguard.repair.scaffold.reading import App, Reading

__all__ = ["absolute_name", "import_base", "module_name"]

COMMAND_FILES = (
    "Dockerfile*",
    "Procfile",
    "Makefile",
    "README*",
    "docker-compose*.y*ml",
    "package.json",
    "*.sh",
    "*.toml",
)
MAX_BYTES = 200_000
"""Of a file that is searched for the command that serves the application."""


def import_base(reading: Reading, app: App) -> str:
    """Give the folder, from the root, that absolute names begin in.

    The application's own imports tell, or those of other files, or the command that serves it
    (``uvicorn app.main:app``); else it is the folder of the requirements, or a ``src``.
    """
    project, file = reading.code.project, app.file
    folder = PurePosixPath(file.path).parent
    for files in ([file], project.files.values()):
        shown = Counter(base for one in files for base in _bases(project, one))
        fitting = [base for base, _ in shown.most_common() if folder.is_relative_to(base)]
        if fitting:
            return fitting[0]
    return _served(reading, app) or _packaged(reading, app)


def _bases(project: Project, file: File) -> Iterator[str]:
    """Give the folders that a file's absolute imports of the project begin in."""
    for imported in file.facts.imports:
        if imported.module.startswith("."):
            continue
        target = project.modules.find(file, imported.module)
        if target is not None and target is not file:
            parts = _parts(target.path)
            names = imported.module.split(".")
            if parts[-len(names) :] == names:
                yield str(PurePosixPath(*parts[: -len(names)]))


def _served(reading: Reading, app: App) -> str | None:
    """Give the folder that a command such as ``uvicorn app.main:app`` begins in."""
    parts = _parts(app.file.path)
    pattern = re.compile(rf"\b((?:\w+\.)*{re.escape(parts[-1])}):\w+")
    for text in _commands(reading.backend(app)):
        for match in pattern.finditer(text):
            names = match[1].split(".")
            if parts[-len(names) :] == names:
                return str(PurePosixPath(*parts[: -len(names)]))
    return None


def _commands(folder: Path) -> Iterator[str]:
    for pattern in COMMAND_FILES:
        for path in sorted(folder.glob(pattern)):
            if path.is_file() and path.stat().st_size < MAX_BYTES:
                yield path.read_text(encoding="utf-8", errors="replace")


def _packaged(reading: Reading, app: App) -> str:
    folder = PurePosixPath(app.file.path).parent
    while f"{folder}/__init__.py" in reading.code.project.files:
        folder = folder.parent
    if folder.name == "src":
        return str(folder)
    return reading.shown(reading.backend(app))


def module_name(reading: Reading, file: File, target: str) -> str:
    """Give the name by which ``file`` imports the file at ``target``: ``app.auth`` or ``.auth``."""
    project = reading.code.project
    if _is_relative(project, file):
        return _relative(PurePosixPath(file.path).parent, _parts(target))
    return absolute_name(import_base(reading, reading.apps[0]), target)


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
