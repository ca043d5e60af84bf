"""What a name can mean: a file, a class, a function, a variable, or something of a library."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from betterguard.audit.dataflow import bindings
from betterguard.audit.flat import Flat
from betterguard.audit.visit import methods

if TYPE_CHECKING:
    from collections.abc import Mapping

    from betterguard.audit.facts import Class, Expr, Function, Import, Module, Param, Stmt
    from betterguard.audit.flat import Ordered, Record


@dataclass(eq=False, slots=True)
class File:
    """One module of the project with its symbol table."""

    facts: Module
    functions: dict[str, FunctionRef] = field(default_factory=dict)
    classes: dict[str, ClassRef] = field(default_factory=dict)
    values: dict[str, list[Stmt]] = field(default_factory=dict)
    imports: dict[str, Import] = field(default_factory=dict)
    stars: list[Import] = field(default_factory=list)
    known: dict[str, Target] = field(default_factory=dict)
    _flat: Flat | None = None

    @property
    def path(self) -> str:
        """Its path from the root."""
        return self.facts.path

    @property
    def flat(self) -> Flat:
        """Everything in the file, in the order in which it stands there."""
        if self._flat is None:
            self._flat = Flat(self.facts.body)
        return self._flat

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """Every expression of the file, in order."""
        return self.flat.expressions.items

    @property
    def calls(self) -> tuple[Expr, ...]:
        """Every call of the file, in order."""
        return self.flat.calls.items

    @property
    def methods(self) -> frozenset[str]:
        """What the file calls, each by its last part."""
        return self.flat.methods


@dataclass(eq=False)
class ClassRef:
    """A class and the file that it stands in."""

    file: File
    klass: Class
    methods: dict[str, FunctionRef] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name."""
        return self.klass.name


@dataclass(eq=False)
class FunctionRef:
    """A function and where it stands; ``outer`` is the function that it is nested in."""

    file: File
    function: Function
    owner: ClassRef | None = None
    outer: FunctionRef | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.function.name

    @property
    def body(self) -> tuple[Stmt, ...]:
        """Its statements, not those of nested blocks."""
        return self.function.body

    @cached_property
    def statements(self) -> tuple[Stmt, ...]:
        """All statements, those of nested functions included."""
        return self._span(self.file.flat.statements)

    @cached_property
    def expressions(self) -> tuple[Expr, ...]:
        """All expressions, those of nested functions included."""
        return self._span(self.file.flat.expressions)

    @cached_property
    def calls(self) -> tuple[Expr, ...]:
        """All calls, those of nested functions included."""
        return self._span(self.file.flat.calls)

    def holders(self, pos: int) -> set[str]:
        """Give the local names whose value is, or is made of, what stands at a position."""
        return {
            name
            for name, values in self.assigned.items()
            for value in values
            if value.pos <= pos < value.end
        }

    @cached_property
    def methods(self) -> frozenset[str]:
        """What it calls, each by its last part: lets a question pass over most functions."""
        return methods(self.calls)

    @cached_property
    def texts(self) -> tuple[Expr, ...]:
        """All literals of text, those of nested functions included."""
        return self._span(self.file.flat.texts)

    @cached_property
    def names(self) -> frozenset[str]:
        """Every dotted name that its body reads or calls."""
        return frozenset(
            [
                expr.text
                for expr in self.expressions
                if expr.kind == "name" or (expr.kind == "call" and expr.text[0] not in ".(")
            ]
        )

    def _span(self, flat: Ordered[Record]) -> tuple[Record, ...]:
        body = self.function.body
        return flat.between(body[0].pos, self.function.end) if body else ()

    @cached_property
    def assigned(self) -> Mapping[str, list[Expr]]:
        """For each local name, the expressions that it is bound to, in order."""
        return bindings(self.statements, self.expressions)

    @property
    def params(self) -> tuple[Param, ...]:
        """Its parameters."""
        return self.function.params


@dataclass(eq=False, slots=True)
class Value:
    """A module's or class's variable: the statements that bind it."""

    file: File
    name: str
    stmts: list[Stmt]
    owner: ClassRef | None = None

    @property
    def expr(self) -> Expr | None:
        """What it is bound to last; None for a bare annotation."""
        bound = [stmt for stmt in self.stmts if stmt.kind == "assign"]
        return bound[-1].exprs[-1] if bound else None


@dataclass(frozen=True, slots=True)
class External:
    """A name of a library: ``datetime.datetime.utcnow``."""

    name: str


Target = FunctionRef | ClassRef | Value | File | External
