"""From a route along its calls: statements that what the caller chooses reaches unfiltered."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from betterguard.audit.dataflow import derived, holds, mentions
from betterguard.audit.finding import Hit, Severity
from betterguard.audit.ownership import bound_arguments, condition_names
from betterguard.audit.queries import restricts
from betterguard.audit.refusals import UNAUTHORIZED, answers_error
from betterguard.audit.rules import _ownership as owners
from betterguard.audit.sqltext import RUNS
from betterguard.audit.visit import method, names_in, subexpressions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from betterguard.audit.application import Route
    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Param
    from betterguard.audit.queries import Query, RawQuery
    from betterguard.audit.symbols import FunctionRef

__all__ = ["Walk", "is_row"]

MAX_STEPS = 5
_KEY = re.compile(r"(?:^|[._])(?:id|uuid|slug|key)s?$|Id$")
_SECRET_COLUMN = re.compile(r"token|hash|secret|(?:^|_)code$|api_?key|jti|nonce", re.IGNORECASE)


class Walk:
    """One walk from a route along its calls, with what is its caller's own on the way."""

    def __init__(self, code: Code, route: Route) -> None:
        self.code = code
        self.route = route
        self.seen: set[tuple[int, frozenset[str]]] = set()
        self.own: dict[int, set[str]] = {}
        """For each function, the names that hold rows of the caller's, or parts of them."""
        self.callers: dict[int, set[str]] = {}
        """For each function, the parameters that were given who is calling."""
        if guarded := self._guarded():
            self.own[id(route.function.function)] = guarded

    def function(
        self, function: FunctionRef, chosen: set[str], depth: int, *, verified: bool
    ) -> Iterator[Hit]:
        key = (id(function.function), frozenset(chosen))
        if key in self.seen or depth > MAX_STEPS or not self.code.reaches_owned(function):
            return
        self.seen.add(key)
        names = self._chosen(function, chosen)
        if not verified:
            yield from self._statements(function, names)
        yield from self._calls(function, names, depth, verified=verified)

    def _chosen(self, function: FunctionRef, seeds: set[str]) -> set[str]:
        """Give what is computed from the caller's values; rows that were found by them are not."""
        rows = {name for query in self.code.queries.of(function) for name in query.names}
        holding: defaultdict[int, set[str]] = defaultdict(set)
        for name, values in function.assigned.items():
            for value in values:
                holding[id(value)].add(name)
        for call, target in self.code.calls.callees(function) if holding else ():
            held = holding.get(id(call))
            if held and any(
                self.code.queries.of(ref) or self.code.queries.raw(ref)
                for start in self.code.calls.entry_points(target)
                for ref in self.code.calls.reach(start)[:8]
            ):
                rows |= held
        found = set(seeds)
        for _ in range(3):
            for name, values in function.assigned.items():
                if name not in rows and any(mentions(value, found) for value in values):
                    found.add(name)
        return found - rows

    def _statements(self, function: FunctionRef, names: set[str]) -> Iterator[Hit]:
        for query in self.code.queries.of(function):
            if self._leaks(function, query, names):
                hit = self._hit(function, query.call, query.model.name, query.verb)
                # Rows that need not have an owner are often meant for more than one.
                yield (
                    replace(hit, severity=Severity.MEDIUM) if query.model.owner_is_optional else hit
                )
        for raw in self.code.queries.raw(function):
            model = self._raw_leak(function, raw, names)
            if model:
                yield self._hit(function, raw.text, model, raw.sql.split()[0].lower())

    def _hit(self, function: FunctionRef, place: Expr, model: str, verb: str) -> Hit:
        what = {"update": "changes", "delete": "deletes"}.get(verb, "reads")
        return Hit(
            function.file.path,
            place.pos,
            f"{what} rows of {model} without asking whose they are",
            evidence=(f"reached from {self._shown_route()}",),
        )

    def _shown_route(self) -> str:
        return f"{'/'.join(self.route.methods)} {self.route.path} ({self.route.file.path})"

    def _leaks(self, function: FunctionRef, query: Query, names: set[str]) -> bool:
        own, owner = self.code.ownership, query.model.owner
        if not owner or query.model.is_user or restricts(query, owner) or own.is_narrowed(query):
            return False
        if not query.conditions:
            told = _is_list(query) and not own.is_checked(query)
            return told and not self._asks_caller(function, query)
        read = condition_names(query)
        if not any(holds(names, name) for name in read) or _by_secret(query):
            return False
        if self._asks_caller(function, query) or own.is_checked(query):
            return False
        if any(holds(self._own(function), name) for name in read):
            return False
        ids = {name for name in read if holds(names, name)}
        reads = query.verb not in {"update", "delete"}
        return not (
            own.verified_before(function, query.call.pos, owner, ids)
            or (reads and self._is_sure_later(query, ids))
            or self._is_allowed(function, ids, query.call.pos, query.names if reads else ())
        )

    def _guarded(self) -> set[str]:
        """Give what the caller chose and a dependency of the route lets pass only for some."""
        chosen = owners.client_names(self.code, self.route)
        calls, found = self.code.calls, set[str]()
        for dependency in (*self.route.dependencies, *calls.dependencies(self.route.function)):
            for start in calls.entry_points(dependency.target):
                asked = chosen & {param.name for param in start.params}
                found |= {name for name in asked if self._lets_some(start, {name})}
        return found

    def _lets_some(self, function: FunctionRef, ids: set[str]) -> bool:
        """Whether a dependency refuses by the ids and by who is calling."""
        refs = (function, *self.code.calls.next(function))
        refuses = self.code.refusals.refusal
        return any(
            stmt.kind == "raise" and refuses(ref, stmt) != UNAUTHORIZED
            for ref in refs
            for stmt in ref.statements
        ) and (
            self.code.ownership.verified_before(function, function.function.end, "user_id", ids)
            or self._is_allowed(function, ids, function.function.end)
        )

    def _is_allowed(
        self, function: FunctionRef, ids: set[str], pos: int, rows: Collection[str] = ()
    ) -> bool:
        """``if project_id not in allowed: raise``, where who is calling decides what is allowed.

        Rows that were read may also be kept back after that.
        """
        conditions = [
            stmt.exprs[0]
            for stmt in function.statements
            if stmt.kind == "if" and (rows or stmt.pos < pos) and answers_error(stmt.body)
        ]
        if not conditions:
            return False
        asked = derived(function, {*ids, *rows})
        asked |= {
            stmt.exprs[0].text
            for stmt in function.statements
            if stmt.kind == "for" and mentions(stmt.exprs[1], asked)
        }
        callers = derived(function, self._callers(function))
        callers -= {
            name
            for name, values in function.assigned.items()
            if any(mentions(value, ids) for value in values)
        }
        if any(_excludes(condition, asked, callers) for condition in conditions):
            return True
        return any(
            query.call.pos < pos
            and any(mentions(condition, ids) for condition in query.conditions)
            and self._asks_caller(function, query)
            and any(_is_missing(condition, query) for condition in conditions)
            for query in self.code.queries.of(function)
        )

    def _own(self, function: FunctionRef) -> set[str]:
        """Rows of the caller's that a function found or was given."""
        key = id(function.function)
        return self.own.get(key, set()) | self.code.ownership.own_rows(function)

    def _is_sure_later(self, query: Query, ids: set[str]) -> bool:
        """Whether what is read is only asked about, or kept back unless a check succeeds."""
        later = self.code.ownership.verified_after
        return _is_only_tested(query) or later(query.function, query.call.end, ids, query.names)

    def _asks_caller(self, function: FunctionRef, query: Query) -> bool:
        """Whether a condition is on the caller by another column: a team, a household, a role."""
        callers = self._callers(function)
        return any(mentions(condition, callers) for condition in query.conditions) or any(
            name.startswith(("self.user", "self.current_user", "current_user"))
            for condition in query.conditions
            for name in names_in(condition)
        )

    def _callers(self, function: FunctionRef) -> set[str]:
        """Names that hold who is calling: found out here, or handed over."""
        given = self.callers.get(id(function.function), set())
        return self.code.security.principals(function) | given

    def _raw_leak(self, function: FunctionRef, raw: RawQuery, names: set[str]) -> str:
        for table in raw.tables:
            model = self.code.models.by_table(table)
            if model is None or not model.owner or model.is_user:
                continue
            if re.search(rf"\b{model.owner}\b", raw.sql):
                return ""
            values = self._bound_values(function, raw)
            used = {name for value in values for name in names_in(value)}
            has_where = re.search(r"\bwhere\b", raw.sql, re.IGNORECASE)
            if has_where and not any(holds(names, name) for name in used):
                return ""
            owner = model.owner
            if self.code.ownership.checks_owner(function, owner):
                return ""
            if self.code.ownership.verified_before(function, raw.text.pos, owner, set()):
                return ""
            return model.name
        return ""

    def _bound_values(self, function: FunctionRef, raw: RawQuery) -> Iterator[Expr]:
        """Give what is bound where the text, or the name that holds it, is executed."""
        holders = function.holders(raw.text.pos)
        for call in function.calls:
            inside = call.pos <= raw.text.pos < call.end
            if method(call) in RUNS - {"text"} and (
                inside or any(mentions(part, holders) for part in call.parts[:1])
            ):
                yield from call.parts[1:]

    def _calls(
        self, function: FunctionRef, names: set[str], depth: int, *, verified: bool
    ) -> Iterator[Hit]:
        for call, target in self.code.calls.callees(function):
            for helper in self.code.calls.entry_points(target):
                if helper.name in {"__init__", "__call__"}:
                    continue
                bound = list(bound_arguments(helper, call))
                chosen = {param for param, value in bound if mentions(value, names)}
                chosen = {
                    name
                    for name in chosen
                    if not owners.OWNER_PARAM.match(name) and not self._is_row(helper, name)
                }
                mine = {param for param, value in bound if mentions(value, self._own(function))}
                self.own.setdefault(id(helper.function), set()).update(mine)
                callers = {
                    param
                    for param, value in bound
                    if value.kind == "name" and value.text in self._callers(function)
                }
                self.callers.setdefault(id(helper.function), set()).update(callers)
                if chosen or not bound:
                    ids = {n for _, value in bound for n in names_in(value) if holds(names, n)}
                    sure = verified or self._is_sure(function, call, ids)
                    yield from self.function(helper, chosen, depth + 1, verified=sure)

    def _is_row(self, helper: FunctionRef, name: str) -> bool:
        param = owners.param(helper, name)
        return param is not None and is_row(self.code, helper, param)

    def _is_sure(self, function: FunctionRef, call: Expr, ids: set[str]) -> bool:
        """Whether the caller of a helper already made sure, or will with what it gets back."""
        own = self.code.ownership
        for owner in self.code.models.owners:
            if own.checks_owner(function, owner):
                return True
        if own.verified_before(function, call.pos, "user_id", ids):
            return True
        if ids and self._is_allowed(function, ids, call.pos):
            return True
        names = function.holders(call.pos)
        if names and _is_only_asked(function, names, call):
            return True
        return any(
            later.pos > call.pos
            and any(mentions(part, names) for part in later.parts)
            and any(
                own.checks_owner(ref, owner)
                for start in self.code.calls.entry_points(self.code.calls.target(function, later))
                for ref in self.code.calls.reach(start)[:6]
                for owner in self.code.models.owners
            )
            for later in function.calls
            if names
        )


def is_row(code: Code, function: FunctionRef, param: Param) -> bool:
    """Whether a parameter takes a row that somebody else has found."""
    note = param.annotation
    return (
        note is not None
        and code.models.get(code.project.annotated(function.file, note)) is not None
    )


def _by_secret(query: Query) -> bool:
    """Found by something that only its owner knows: a token, a hash of one, a code."""
    return any(
        _SECRET_COLUMN.search(name.rsplit(".", 1)[-1])
        for condition in query.conditions
        for name in names_in(condition)
        if name[:1].isupper() and "." in name
    )


def _is_only_tested(query: Query) -> bool:
    """Whether the row that is found is only asked about: is there one, and which."""
    return _is_only_asked(query.function, set(query.names), query.call)


def _is_only_asked(function: FunctionRef, names: set[str], call: Expr) -> bool:
    """Whether names that hold what a call gave are tested, and used in no other way."""
    tested = False
    for stmt in function.statements:
        for expr in stmt.exprs:
            inside = expr.pos <= call.pos < expr.end
            if inside or not mentions(expr, names):
                continue
            if stmt.kind in {"if", "while", "assert"}:
                tested = True
            elif not (stmt.kind == "assign" and stmt.exprs[0].text in names):
                return False
    return tested


def _excludes(condition: Expr, asked: set[str], callers: set[str]) -> bool:
    """``project_id not in allowed``, also for any of several: ``any(one not in mine for …)``."""
    parts = list(subexpressions(condition))
    several = any(part.kind == "comp" and mentions(part, asked) for part in parts)
    return any(
        part.kind == "cmp"
        and part.text == "not in"
        and mentions(part.parts[-1], callers)
        and (several or (mentions(part.parts[0], asked) and _is_key(part.parts[0])))
        for part in parts
    )


def _is_key(side: Expr) -> bool:
    """``project_id`` or ``task.project_id``, not ``task.status``."""
    names = list(names_in(side))
    return all("." not in name or _KEY.search(name) for name in names)


def _is_missing(condition: Expr, query: Query) -> bool:
    """``if not member`` or ``if member is None``, of what a statement found."""
    return any(
        (part.kind == "not" or (part.kind == "cmp" and part.text in {"is", "=="}))
        and (mentions(part, set(query.names)) or part.pos <= query.call.pos < part.end)
        for part in subexpressions(condition)
    )


def _is_list(query: Query) -> bool:
    """Whether it is a statement for every row; not a bare subquery or an alias."""
    return query.verb in {"select", "query", "update", "delete"}
