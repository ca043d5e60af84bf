"""What a project is made of, as far as `betterguard init` asks: nothing of it is run."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from betterguard.audit.config import find_config
from betterguard.audit.engine import index
from betterguard.audit.loading import gather, modules
from betterguard.audit.sources import kind
from betterguard.audit.symbols import FunctionRef, Value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from betterguard.audit.application import Router
    from betterguard.audit.code import Code
    from betterguard.audit.config import Config
    from betterguard.audit.facts import Stmt
    from betterguard.audit.loading import Inputs
    from betterguard.audit.symbols import File

__all__ = ["App", "Guard", "Reading", "read"]

MANIFESTS = ("pyproject.toml", "requirements.txt", "requirements.in", "Pipfile", "setup.py")
SOURCES = frozenset({"src", "app"})


@dataclass(frozen=True, eq=False)
class App:
    """The application object: where it is made, and the function that makes it, if one does."""

    router: Router
    stmt: Stmt
    factory: FunctionRef | None

    @property
    def file(self) -> File:
        """The file that makes it."""
        return self.router.file

    @property
    def name(self) -> str:
        """Its name where it is made."""
        return self.stmt.exprs[0].text


@dataclass(frozen=True, eq=False)
class Guard:
    """A guard that the project has by now."""

    file: File
    name: str


class Reading:
    """A folder's code as the audit sees it. Paths of files are relative to ``root``."""

    def __init__(self, root: Path, inputs: Inputs, code: Code, config: Config) -> None:
        self.root = root
        self.code = code
        self._config = config
        self._texts = {source.path: source.text for source in inputs.sources}
        self.scripts = tuple(s for s in inputs.sources if kind(s.path) == "script")

    def place(self, path: str) -> Path:
        """Give a file's place on disk."""
        return self.root / path

    def text(self, file: File) -> bytes:
        """Give the text that the facts' positions count in."""
        return self._texts[file.path]

    def is_editable(self, file: File) -> bool:
        """Whether positions in the text are positions in the file: it is UTF-8, and it parses."""
        raw = self.place(file.path).read_bytes().removeprefix(codecs.BOM_UTF8)
        return raw == self.text(file) and file.facts.broken_at < 0

    @cached_property
    def with_tests(self) -> Reading:
        """The same folder, its tests among the code."""
        return _read(self.root, replace(self._config, tests=True))

    @cached_property
    def apps(self) -> list[App]:
        """Every FastAPI application, the one with the most routes first."""
        found = [app for router in self.code.app.routers.values() for app in self._app(router)]
        return sorted(
            found, key=lambda app: (-self._routes(app), len(app.file.path), app.file.path)
        )

    def _app(self, router: Router) -> Iterator[App]:
        project, file = self.code.project, router.file
        if not project.qualify(file, router.call.text).endswith("FastAPI"):
            return
        for stmt in file.flat.statements.items:
            if stmt.kind == "assign" and stmt.exprs[-1] is router.call:
                yield App(router, stmt, self._function_around(file, stmt.pos))

    def _function_around(self, file: File, pos: int) -> FunctionRef | None:
        around = [
            ref
            for ref in self.code.project.in_file(file)
            if ref.function.pos < pos < ref.function.end
        ]
        return around[-1] if around else None

    def _routes(self, app: App) -> int:
        return sum(app.router.key in route.apps for route in self.code.app.routes)

    @cached_property
    def guard(self) -> Guard | None:
        """The guard that the project makes already."""
        project = self.code.project
        for file in self.code.files("betterguard"):
            for name, stmts in file.values.items():
                made = Value(file, name, stmts).expr
                if made is not None and made.kind == "call":
                    full = project.qualify(file, made.text)
                    if full.startswith("betterguard.") and "BetterGuard" in full:
                        return Guard(file, name)
        return None

    def backend(self, app: App) -> Path:
        """Give the folder that the back end's requirements and tests stand in."""
        start = self.place(app.file.path).parent
        for folder in (start, *start.parents):
            if any((folder / name).is_file() for name in MANIFESTS):
                return folder
            if folder == self.root:
                break
        while start != self.root and (_is_package(start) or start.name in SOURCES):
            start = start.parent
        return start

    def shown(self, folder: Path) -> str:
        """Give a folder's path from the root, with forward slashes; ``.`` for the root."""
        return folder.relative_to(self.root).as_posix()


def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").is_file()


def read(root: Path) -> Reading:
    """Read a folder, with the front end's ``auth.ts`` beside it in the same repository."""
    return _read(root, find_config(root))


def _read(root: Path, config: Config) -> Reading:
    inputs = gather([root], config, root)
    code = index(inputs, modules(inputs.sources), config)
    return Reading(root, inputs, code, config)
