"""Who names what from files that are not fixed: tests, scripts, migrations, also in text.

A name counts as used where a file imports it from its module, writes it in text as in
``patch("app.auth.verify")``, or knows the module and reads an attribute, or a text, of that name.
What cannot be told apart counts as used: a name kept for nothing does no harm.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from betterguard.audit.flat import Flat
from betterguard.audit.sources import TEST_FOLDERS, is_test, kind, read, walk
from betterguard.audit.walk import read_module
from betterguard.repair.lines import line_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from betterguard.audit.facts import Import, Module

STAND_IN = "TokensOfTheTests"
"""What lets tests go on signing tokens themselves (`betterguard.testing.own_tokens`)."""
MAX_FILES = 20_000
"""Files looked at in search of Python beside the audited folders."""
_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile", ".git")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")


class How(StrEnum):
    """How a file names something."""

    IMPORT = "import"
    CALL = "call"
    NAME = "name"
    TEXT = "text"


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """Where a file outside names something, and how."""

    path: str
    line: int
    how: How


@dataclass(frozen=True)
class Outside:
    """The texts of Python files that are read and never changed, by path."""

    texts: Mapping[str, bytes] = field(default_factory=dict)

    def uses(self, path: str, name: str) -> list[Use]:
        """Give every place that names something of the module in ``path``, in order."""
        word = re.compile(rb"\b" + re.escape(name.encode()) + rb"\b|import \*")
        return sorted(
            use
            for other, text in self.texts.items()
            if word.search(text)
            for use in _uses(self._facts(other), text, path, name)
        )

    def mentions(self, name: str) -> bool:
        """Whether some file has a name in it."""
        return any(name.encode() in text for text in self.texts.values())

    def signing(self) -> list[Use]:
        """Give the first place in each file that signs a token, with PyJWT or python-jose."""
        found = (
            next(_signing(self._facts(path), text), None)
            for path, text in sorted(self.texts.items())
            if b"encode(" in text and (b"jwt" in text or b"jose" in text)
        )
        return [use for use in found if use is not None]

    def _facts(self, path: str) -> Module:
        if path not in self._read:
            self._read[path] = read_module(path, self.texts[path])
        return self._read[path]

    @cached_property
    def _read(self) -> dict[str, Module]:
        return {}


def _signing(facts: Module, text: bytes) -> Iterator[Use]:
    libraries = {
        one.alias
        for one in facts.imports
        if (one.module, one.name) in {("jwt", ""), ("jose", "jwt")}
    }
    for expr in Flat(facts.body).calls.items:
        owner, _, called = expr.text.rpartition(".")
        if owner in libraries and called == "encode":
            yield Use(facts.path, line_of(text, expr.pos), How.CALL)


def _uses(facts: Module, text: bytes, wanted: str, name: str) -> Iterator[Use]:
    """Give the places of one file that name something of the module in ``wanted``."""

    def stands_for(dotted: str) -> bool:
        return _is(dotted, wanted, facts.path)

    def use(pos: int, how: How) -> Use:
        return Use(facts.path, line_of(text, pos), how)

    direct = [one for one in facts.imports if one.name in {name, "*"} and stands_for(one.module)]
    local = {name if one.name == "*" else one.alias for one in direct}
    expressions = Flat(facts.body).expressions.items
    texts = [expr.text for expr in expressions if expr.kind == "str"]
    knows = any(stands_for(_whole(one)) for one in facts.imports) or any(
        # A word alone, such as "security", is a module's name only where that has one word.
        stands_for(text) and ("." in text or "/" not in wanted)
        for text in texts
    )
    yield from (use(one.pos, How.IMPORT) for one in direct)
    for expr in expressions:
        if expr.kind == "str":
            if (knows and expr.text == name) or _names(expr.text, name, stands_for):
                yield use(expr.pos, How.TEXT)
        elif expr.kind in {"name", "call", "attr"}:
            first, *rest = expr.text.split(".")
            if first in local or (knows and name in rest):
                yield use(expr.pos, How.CALL if expr.kind == "call" else How.NAME)


def _whole(imported: Import) -> str:
    """Give the module that an import may bring: ``from app import auth`` brings ``app.auth``."""
    glue = "" if imported.module.endswith(".") else "."
    return f"{imported.module}{glue}{imported.name}" if imported.name else imported.module


def _names(text: str, name: str, stands_for: Callable[[str], bool]) -> bool:
    """Whether a text names it with its module: ``app.auth.verify``, or something below it."""
    if not _DOTTED.fullmatch(text):
        return False
    parts = text.split(".")
    return any(
        part == name and stands_for(".".join(parts[:index]))
        for index, part in enumerate(parts)
        if index
    )


def _is(dotted: str, wanted: str, here: str) -> bool:
    """Whether a module's name in a file may stand for another: one's parts end the other's."""
    parts = wanted.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    if dotted.startswith("."):
        return parts == _absolute(dotted, here)
    names = dotted.split(".")
    shared = min(len(parts), len(names))
    return shared > 0 and parts[-shared:] == names[-shared:]


def _absolute(dotted: str, here: str) -> list[str]:
    below = dotted.lstrip(".")
    folders = here.split("/")[: len(below) - len(dotted)]
    return [*folders, *(below.split(".") if below else ())]


def is_of_tests(path: str) -> bool:
    """Whether a file belongs to tests, by its name or a folder that it stands in."""
    return is_test(path) or not TEST_FOLDERS.isdisjoint(path.split("/")[:-1])


def beside(roots: Iterable[Path], audited: Collection[str], base: Path) -> Outside:
    """Read the Python files of the projects around the roots that are tests, or not audited."""
    texts: dict[str, bytes] = {}
    for folder in {_project(root) for root in roots}:
        for count, (_, path) in enumerate(walk(folder, tests=True)):
            if count > MAX_FILES:
                break
            shown = _shown(path, base)
            if kind(shown) == "python" and (shown not in audited or is_of_tests(shown)):
                texts[shown] = read(shown, path).text
    return Outside(texts)


def _project(root: Path) -> Path:
    """Give the nearest folder that looks like a project's, or the root's own."""
    here = (root if root.is_dir() else root.parent).resolve()
    return next(
        (
            folder
            for folder in (here, *here.parents)
            if any((folder / mark).exists() for mark in _MARKS)
        ),
        here,
    )


def _shown(path: Path, base: Path) -> str:
    return Path(os.path.relpath(path, base)).as_posix()
