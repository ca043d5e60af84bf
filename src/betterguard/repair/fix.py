"""What a fixer is given, and what it answers: edits, or the reason why a person has to decide."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from betterguard.repair import syntax
from betterguard.repair.imports import Imports
from betterguard.repair.outside import Outside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.finding import Hit
    from betterguard.audit.symbols import File, FunctionRef
    from betterguard.repair.edits import Edit


class Safety(StrEnum):
    """Whether a fix may be made without being asked for."""

    SAFE = "safe"
    """Behaviour stays, or becomes stricter in the way that the rule tells."""
    UNSAFE = "unsafe"
    """It may be what is wanted, and only a person can say."""


@dataclass(frozen=True, slots=True, order=True)
class Concern:
    """A place that no fix touches, and that a fix concerns: a test of what was taken away."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits by path that make one finding vanish; a path that is not there is a new file.

    ``exposes`` names rules whose findings were hidden behind this one: they may come to light.
    """

    edits: Mapping[str, tuple[Edit, ...]]
    summary: str
    safety: Safety = Safety.SAFE
    exposes: frozenset[str] = frozenset()
    alone: bool = False
    """It makes what the next fix of its kind will use: one of them at a time."""
    concerns: tuple[Concern, ...] = ()


@dataclass(frozen=True, slots=True)
class ByHand:
    """Why no fix can be given: what a person has to know or to decide."""

    reason: str


@dataclass
class Site:
    """One finding in its file, and everything that a fixer may look at; nothing of it changes."""

    code: Code
    hit: Hit
    texts: Mapping[str, bytes]
    emoji: bool = False
    """Whether characters that consoles lack are to be replaced."""
    outside: Outside = field(default_factory=Outside)
    """Tests and other files that stay as they are."""
    _roots: dict[str, Node] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The file that the finding is in."""
        return self.hit.path

    @property
    def text(self) -> bytes:
        """Its text, in UTF-8 without a byte order mark."""
        return self.texts[self.path]

    @property
    def file(self) -> File:
        """Its names and facts."""
        return self.code.project.files[self.path]

    def root(self, path: str | None = None) -> Node:
        """Give the syntax tree of a file of the project."""
        wanted = path or self.path
        if wanted not in self._roots:
            self._roots[wanted] = syntax.parse(self.texts[wanted])
        return self._roots[wanted]

    def node(self, *types: str) -> Node | None:
        """Give the outermost node of these types that begins where the finding is."""
        return syntax.at(self.root(), self.hit.pos, *types)

    def node_of(self, expr: Expr) -> Node:
        """Give the node of an expression of the same file."""
        return self.root().named_descendant_for_byte_range(expr.pos, expr.end) or self.root()

    def source(self, expr: Expr) -> str:
        """Give an expression as it is written."""
        return self.text[expr.pos : expr.end].decode()

    @cached_property
    def function(self) -> FunctionRef | None:
        """The innermost function around the finding."""
        return self.function_at(self.hit.pos)

    def function_at(self, pos: int) -> FunctionRef | None:
        """Give the innermost function of the file around a position, its name included."""
        around = [
            ref
            for ref in self.code.project.in_file(self.file)
            if ref.function.pos <= pos < ref.function.end
        ]
        return min(around, key=lambda ref: ref.function.end - ref.function.pos, default=None)

    def imports(self, path: str | None = None, before: int | None = None) -> Imports:
        """Give the imports of a file, to be added to; used from ``before`` on, or the finding."""
        if before is None:
            before = self.hit.pos if path in {None, self.path} else sys.maxsize
        return Imports(self.texts[path or self.path], self._own, before)

    @cached_property
    def _own(self) -> frozenset[str]:
        return frozenset(
            part.removesuffix(".py")
            for path in self.code.project.files
            for part in path.split("/")[:2]
        )

    def fix(
        self,
        summary: str,
        *edits: Edit,
        imports: Imports | None = None,
        safety: Safety = Safety.SAFE,
        exposes: tuple[str, ...] = (),
    ) -> Fix:
        """Give a fix of this file alone."""
        wished = imports.edits() if imports is not None else []
        return Fix({self.path: (*edits, *wished)}, summary, safety, frozenset(exposes))
