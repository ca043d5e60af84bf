"""Places where applications are put together: a file's top level, and each of its functions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from betterguard.audit.dataflow import bindings
from betterguard.audit.visit import expressions, statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from betterguard.audit.application import Key
    from betterguard.audit.facts import Expr, Stmt
    from betterguard.audit.project import Project
    from betterguard.audit.symbols import File, FunctionRef

_WORDS = frozenset(
    {"fastapi", "starlette", "Middleware", "middleware", "APIRouter", "include_router"}
)
"""Words of files in which anything of an application can stand."""


@dataclass(eq=False)
class Scope:
    """A file's top level or one function of it, with the functions that are defined there."""

    file: File
    function: FunctionRef | None
    functions: Sequence[FunctionRef]

    def key(self, name: str) -> Key:
        """Give what tells a name of this scope from those of all others."""
        prefix = f"{self.function.name}." if self.function is not None else ""
        return (self.file.path, prefix + name)

    @cached_property
    def statements(self) -> Sequence[Stmt]:
        """All its statements, not those of the functions that are defined there."""
        body = self.function.body if self.function is not None else self.file.facts.body
        return statements(body, nested=False)

    @cached_property
    def expressions(self) -> Sequence[Expr]:
        """All its expressions."""
        return expressions(self.statements)

    @cached_property
    def bindings(self) -> Mapping[str, list[Expr]]:
        """For each name that is bound here, the expressions that it is bound to."""
        return bindings(self.statements, self.expressions)


def scopes(project: Project) -> Iterator[Scope]:
    """Give the scopes of the files that can put an application together."""
    for file in project.files.values():
        if not _WORDS.isdisjoint(file.facts.words):
            yield from _of_file(file, project.in_file(file))


def _of_file(file: File, functions: Sequence[FunctionRef]) -> Iterator[Scope]:
    inner: defaultdict[int, list[FunctionRef]] = defaultdict(list)
    for function in functions:
        inner[id(function.outer)].append(function)
    yield Scope(file, None, inner[id(None)])
    for function in functions:
        yield Scope(file, function, inner[id(function)])
