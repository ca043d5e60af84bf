"""A file's records as flat lists, in the order in which they stand there."""

from __future__ import annotations

import bisect
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

from betterguard.audit.visit import expressions, methods, statements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from betterguard.audit.facts import Expr, Stmt

Record = TypeVar("Record", "Stmt", "Expr")


class Ordered(Generic[Record]):
    """Records by where they stand, so that those of one function are a slice."""

    def __init__(self, items: Iterable[Record]) -> None:
        self.items: tuple[Record, ...] = tuple(items)
        self._starts: list[int] = [item.pos for item in self.items]

    def between(self, start: int, end: int) -> tuple[Record, ...]:
        """Give the records that begin in a stretch of the text."""
        first = bisect.bisect_left(self._starts, start)
        return self.items[first : bisect.bisect_left(self._starts, end, first)]


class Flat:
    """A file's statements, expressions and calls as flat lists, made once."""

    def __init__(self, body: tuple[Stmt, ...]) -> None:
        self.statements = Ordered(statements(body))
        self.expressions = Ordered(expressions(self.statements.items))
        self.calls = Ordered([expr for expr in self.expressions.items if expr.kind == "call"])
        self.methods = methods(self.calls.items)

    @cached_property
    def texts(self) -> Ordered[Expr]:
        """Its literals of text."""
        return Ordered([expr for expr in self.expressions.items if expr.kind in {"str", "fstr"}])
