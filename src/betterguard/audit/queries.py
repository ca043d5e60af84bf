"""The database statements of a function: which table, which conditions, whose rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from betterguard.audit import sqltext
from betterguard.audit.symbols import ClassRef, Value
from betterguard.audit.visit import (
    chain,
    keyword,
    keywords,
    method,
    names_in,
    positional,
    subexpressions,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.calls import Calls
    from betterguard.audit.facts import Expr
    from betterguard.audit.models import Model, Models
    from betterguard.audit.project import Project
    from betterguard.audit.symbols import FunctionRef

STARTS = frozenset({"select", "query", "update", "delete", "exists"})
_STARTS_OR_GETS = STARTS | {"get"}
CONDITIONS = frozenset(
    {"where", "filter", "filter_by", "having", "join", "outerjoin", "select_from"}
)
_TABLES = re.compile(
    r"\b(?:from|join|into|update)\s+(?:only\s+)?(?:\w+\.)?[\"`]?(\w+)", re.IGNORECASE
)
_TOLD = re.compile(
    r"\b(?:insert|update|delete)\b|\bselect\b(?!\s*\(?\s*(?:select|count)\b)", re.IGNORECASE
)
"""A statement that does more than count."""
_STATEMENT = re.compile(r"^\s*(?:select|insert|update|delete|with)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RawQuery:
    """SQL written as text: where it begins, all of it that literals tell, and its tables."""

    function: FunctionRef
    text: Expr
    sql: str
    tables: tuple[str, ...]

    @property
    def only_counts(self) -> bool:
        """Whether it tells how many rows there are, and nothing of them."""
        return not _TOLD.search(self.sql) and "count" in self.sql.lower()


@dataclass(frozen=True, slots=True)
class Query:
    """One statement over a mapped table."""

    function: FunctionRef
    model: Model
    call: Expr
    verb: str
    """``select``, ``query``, ``update``, ``delete`` or ``get``."""
    conditions: tuple[Expr, ...]
    """The calls of ``where``, ``filter``, ``join`` and the like, later ones included."""
    names: frozenset[str]
    """Local names that hold the statement or its result."""

    @property
    def only_counts(self) -> bool:
        """Whether it tells how many rows there are, and nothing of them."""
        steps = list(chain(self.call))
        if any(method(step) == "count" for step in steps):
            return True
        asked = [part for step in steps if method(step) in STARTS for part in positional(step)]
        return bool(asked) and all(
            part.kind == "call" and part.text.rsplit(".", 1)[-1] == "count" for part in asked
        )


Write = tuple[str, "Expr", "Model | None"]
"""A column's name, the value that is put into it, and the table where the code names it."""


class Queries:
    """Finds, with memory, the statements of functions."""

    def __init__(self, project: Project, calls: Calls, models: Models) -> None:
        self.project = project
        self.calls = calls
        self.models = models
        self._of: dict[int, tuple[Query, ...]] = {}
        self._writes: dict[int, tuple[Write, ...]] = {}
        self._raw: dict[int, tuple[RawQuery, ...]] = {}

    def of(self, function: FunctionRef) -> tuple[Query, ...]:
        """Every statement of a function."""
        key = id(function.function)
        if key not in self._of:
            self._of[key] = tuple(self._find(function))
        return self._of[key]

    def writes(self, function: FunctionRef) -> tuple[Write, ...]:
        """Every value that a function puts into an attribute or a model's constructor."""
        key = id(function.function)
        if key not in self._writes:
            self._writes[key] = tuple(self._find_writes(function))
        return self._writes[key]

    def _find_writes(self, function: FunctionRef) -> Iterator[Write]:
        mapped = function.owner is None or self.models.get(function.owner) is not None
        for stmt in function.statements:
            if stmt.kind == "assign":
                for target in stmt.exprs[:-1]:
                    if target.kind == "name" and "." in target.text:
                        of, _, name = target.text.rpartition(".")
                        dated = name.endswith("_at") or name in self.models.dated
                        if (mapped or of != "self") and not (
                            dated and self._is_elsewhere(function, of)
                        ):
                            yield name, stmt.exprs[-1], None
        for call in function.calls:
            if call.names:
                model = self._constructed(function, call)
                if model is not None or method(call) == "values":
                    for name, value in keywords(call):
                        yield name, value, model

    def _is_elsewhere(self, function: FunctionRef, name: str) -> bool:
        """Whether a local name holds an object that is no row, nor what a row is made of."""
        if name == "self" or "." in name:
            return False
        klass = self.calls.local_class(function, name)
        if klass is None or self.models.get(klass) is not None:
            return False
        return not any(
            call.text in {f"{name}.dict", f"{name}.model_dump"}
            or (method(call) == "sqlmodel_update" and any(part.text == name for part in call.parts))
            for call in function.calls
        )

    def _constructed(self, function: FunctionRef, call: Expr) -> Model | None:
        if call.base is not None or not method(call)[:1].isupper():
            return None
        return self.models.get(self.calls.target(function, call))

    def raw(self, function: FunctionRef) -> tuple[RawQuery, ...]:
        """Every SQL text in a function."""
        key = id(function.function)
        if key not in self._raw:
            self._raw[key] = tuple(self._find_raw(function))
        return self._raw[key]

    def _find_raw(self, function: FunctionRef) -> Iterator[RawQuery]:
        for expr in function.texts:
            if _STATEMENT.match(expr.text):
                sql = "\n".join(sqltext.literals(function, expr))
                yield RawQuery(function, expr, sql, tuple(dict.fromkeys(_TABLES.findall(sql))))
        if sqltext.RUNS.isdisjoint(function.methods):
            return
        for call in function.calls:
            if method(call) in sqltext.RUNS and call.parts and call.parts[0].kind == "name":
                target = self.calls.name(function, call.parts[0].text)
                held = target.expr if isinstance(target, Value) else None
                if held is not None and held.kind == "str" and _STATEMENT.match(held.text):
                    tables = tuple(dict.fromkeys(_TABLES.findall(held.text)))
                    yield RawQuery(function, call.parts[0], held.text, tables)

    def raw_tables(self, function: FunctionRef) -> set[str]:
        """Give the tables that SQL texts of a function name."""
        return {table for raw in self.raw(function) for table in raw.tables}

    def _find(self, function: FunctionRef) -> Iterator[Query]:
        if _STARTS_OR_GETS.isdisjoint(function.methods):
            return
        inner: set[int] = set()
        for call in function.calls:
            if id(call) in inner or (call.base is None and method(call) not in _STARTS_OR_GETS):
                continue
            steps = list(chain(call))
            inner.update(id(step) for step in steps[1:])
            start = self._start(function, steps)
            if start is not None:
                yield self._query(function, call, steps, *start)

    def _start(self, function: FunctionRef, steps: list[Expr]) -> tuple[Model, Expr] | None:
        for step in steps:
            name = method(step)
            if name == "get" and not self._is_session(step):
                continue
            if name in _STARTS_OR_GETS:
                for argument in positional(step)[:4]:
                    model = self.model(function, argument)
                    if model is not None:
                        return model, step
        return None

    def _is_session(self, call: Expr) -> bool:
        return len(call.parts) > 1 and "." in call.text

    def model(self, function: FunctionRef, expr: Expr) -> Model | None:
        """Give the table that an argument names: ``Task``, ``Task.id``, ``func.count(Task.id)``."""
        for part in subexpressions(expr):
            if part.kind != "name":
                continue
            for name in (part.text, part.text.rpartition(".")[0]):
                target = self.calls.name(function, name) if name else None
                if isinstance(target, ClassRef):
                    found = self.models.get(target)
                    if found is not None:
                        return found
        return None

    def _query(
        self, function: FunctionRef, call: Expr, steps: list[Expr], model: Model, start: Expr
    ) -> Query:
        conditions = list(_conditions(steps))
        names = self._names(function, call)
        for later in function.calls:
            if later.pos == call.pos:
                continue
            root = later.text.split(".", 1)[0] if later.base is None else _root(later)
            if root in names:
                conditions.extend(_conditions(list(chain(later))))
        expanded = tuple(self._expand(function, conditions))
        return Query(function, model, call, method(start), expanded, frozenset(names))

    def _names(self, function: FunctionRef, call: Expr) -> set[str]:
        found: set[str] = set()
        for _ in range(3):
            for name, values in function.assigned.items():
                for value in values:
                    inside = value.pos <= call.pos and call.end <= value.end
                    if inside or (_is_plain(value) and _carries_on(value, found)):
                        found.add(name)
        return found

    def _expand(self, function: FunctionRef, conditions: list[Expr]) -> Iterator[Expr]:
        """Conditions, with lists that were built earlier (``*filters``, ``and_(*filters)``)."""
        for condition in conditions:
            yield condition
            for part in subexpressions(condition):
                if part.kind == "name" and "." not in part.text:
                    yield from function.assigned.get(part.text, ())
                    for call in function.calls:
                        if call.text in {f"{part.text}.append", f"{part.text}.extend"}:
                            yield from call.parts


def _is_plain(value: Expr) -> bool:
    """Whether a value carries a statement on: executes it, narrows it, takes its result."""
    return value.kind in {"call", "name"}


def _carries_on(value: Expr, found: set[str]) -> bool:
    """Whether a value takes one of the names, or goes on with it: ``statement.limit(9)``."""
    if any(part in found for part in names_in(value)):
        return True
    return value.kind == "call" and value.base is not None and _root(value) in found


def _root(call: Expr) -> str:
    step: Expr = call
    while step.base is not None:
        step = step.base
    return step.text.split(".", 1)[0]


def _conditions(steps: list[Expr]) -> Iterator[Expr]:
    for step in steps:
        if method(step) in CONDITIONS or method(step) in {"get", "get_one"}:
            yield step


def restricts(query: Query, owner: str) -> bool:
    """Whether a condition names the owner column, whatever it is compared with."""
    for condition in query.conditions:
        if condition.kind == "call" and keyword(condition, owner) is not None:
            return True
        for name in names_in(condition):
            if name.endswith(f".{owner}"):
                return True
        if any(p.kind == "str" and p.text == owner for p in subexpressions(condition)):
            return True
    return False
