"""Does code make sure that a row, or a path's user id, belongs to the caller?"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from betterguard.audit.dataflow import derived, mentions
from betterguard.audit.queries import restricts
from betterguard.audit.refusals import answers_error
from betterguard.audit.symbols import External, FunctionRef
from betterguard.audit.visit import keyword, method, names_in, positional, subexpressions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from betterguard.audit.application import Route
    from betterguard.audit.calls import Calls, Dependency
    from betterguard.audit.facts import Expr, Stmt
    from betterguard.audit.queries import Queries, Query, RawQuery
    from betterguard.audit.symbols import Target

NEAR = 6
"""Functions of a helper's reach in which a check of its own is looked for."""
MAX_HELPERS = 3
"""Helpers followed from a route to the comparison."""
GUARD_NAMES = re.compile(
    r"verify|check|ensure|authori[sz]e|validate|access|owner|assert|require|permission|match"
    r"|belongs|isolat|enforce|guard|forbid",
    re.IGNORECASE,
)
_CALLER = re.compile(
    r"current|user|token|auth|payload|claims|(?:^|[._])me$|principal|caller|jwt|session|request|self",
    re.IGNORECASE,
)
_OUTPUT = re.compile(r"(?:^|\.)(?:print|debug|info|warning|error|exception|critical|log)$")


class Ownership:
    """Recognises comparisons with the caller: inline, in helpers, in dependencies."""

    def __init__(self, calls: Calls, queries: Queries) -> None:
        self.calls = calls
        self.queries = queries
        self._checks: dict[int, bool] = {}

    # a user id in the path

    def path_is_compared(self, route: Route, name: str) -> bool:
        """Whether a path parameter is compared with the caller, and a mismatch refused."""
        dependencies = (*route.dependencies, *self.calls.dependencies(route.function))
        if any(self._demands_own_path(dependency, name) for dependency in dependencies):
            return True
        return self.is_compared(route.function, name)

    def _demands_own_path(self, dependency: Dependency, name: str) -> bool:
        """Whether a dependency, or one of its own, compares the path with the caller."""
        if _is_path_user(dependency):
            return True
        return any(
            self._reads_path(ref, name) or any(map(_is_path_user, self.calls.dependencies(ref)))
            for start in self.calls.entry_points(dependency.target)
            for ref in self.calls.reach(start)
        )

    def _reads_path(self, function: FunctionRef, name: str) -> bool:
        takes = any(param.name == name for param in function.params)
        reads = any("path_params" in part.text for part in function.expressions)
        return (takes or reads) and any(
            part.kind == "cmp" and part.text in {"==", "!=", "in", "not in"}
            for part in function.expressions
        )

    def is_compared(self, function: FunctionRef, name: str, depth: int = 0) -> bool:
        """Whether a parameter is compared with something that is not a literal, and acted upon."""
        names = derived(function, {name})
        for comparison, stmt in comparisons(function, names):
            if (
                comparison.text in {"==", "!=", "is not", "not in"}
                and acts(stmt)
                and not self._with_row(comparison, names)
            ):
                return True
        return depth < MAX_HELPERS and any(
            self._helper_compares(function, call, names, depth) for call in function.calls
        )

    def _with_row(self, comparison: Expr, names: set[str]) -> bool:
        """Whether the other side is a row's owner, which says nothing about the caller."""
        for side in comparison.parts:
            base, _, last = side.text.rpartition(".")
            if (
                side.kind == "name"
                and last in self.queries.models.owners
                and base
                and not _CALLER.search(base)
                and not mentions(side, names)
            ):
                return True
        return False

    def _helper_compares(
        self, function: FunctionRef, call: Expr, names: set[str], depth: int
    ) -> bool:
        if _OUTPUT.search(call.text) or not any(mentions(part, names) for part in call.parts):
            return False
        target = self.calls.target(function, call)
        for helper in self.calls.entry_points(target):
            for param, value in bound_arguments(helper, call):
                if mentions(value, names) and self.is_compared(helper, param, depth + 1):
                    return True
        last = call.text.rsplit(".", 1)[-1]
        return (
            depth == 0
            and isinstance(target, External)
            and len(call.parts) > 1
            and bool(GUARD_NAMES.search(last))
            and not last.startswith("model_")
        )

    def is_used(self, function: FunctionRef, name: str) -> bool:
        """Whether a parameter goes into a call that is neither output nor a conversion."""
        names = derived(function, {name})
        return any(
            not _OUTPUT.search(call.text)
            and call.text not in {"str", "int", "UUID", "uuid.UUID", "isinstance", "len"}
            and any(mentions(part, names) for part in call.parts)
            for call in function.calls
        )

    # rows

    def checks_owner(self, function: FunctionRef, owner: str) -> bool:
        """Whether a function compares an object's owner column, itself or by a helper."""
        if self._hands_owner_over(function, owner):
            return True
        held = {
            name
            for name, values in function.assigned.items()
            for value in values
            if "." not in name and _is_owner_of_row(value, owner)
        }
        return any(
            part.kind == "cmp"
            and part.text in {"==", "!="}
            and any(_reads_owner(side, owner) or side.text in held for side in part.parts)
            and not any(side.kind in {"str", "const"} for side in part.parts)
            for part in function.expressions
        )

    def _hands_owner_over(self, function: FunctionRef, owner: str) -> bool:
        """``check_access(task.user_id, caller)``: the helper compares what it is given."""
        suffix = f".{owner}"
        for call in function.calls:
            if not any(part.kind == "name" and part.text.endswith(suffix) for part in call.parts):
                continue
            target = self.calls.target(function, call)
            if isinstance(target, External):
                last = call.text.rsplit(".", 1)[-1]
                if len(call.parts) > 1 and GUARD_NAMES.search(last):
                    return True
            for helper in self.calls.entry_points(target):
                for param, value in bound_arguments(helper, call):
                    if value.text.endswith(suffix) and self.is_compared(helper, param, 1):
                        return True
        return False

    def verified_before(self, function: FunctionRef, pos: int, owner: str, ids: set[str]) -> bool:
        """Whether the function made sure of the row's, or its parent's, owner before an offset."""
        heads = {name.split(".", 1)[0] for name in ids}
        if any(
            query.call.pos < pos and _is_own(query) and _about(query, heads, ids)
            for query in self.queries.of(function)
        ):
            return True
        if any(
            raw.text.pos < pos and re.search(rf"\b{owner}\b", raw.sql)
            for raw in self.queries.raw(function)
        ):
            return True
        return any(
            call.pos < pos and self._secured_by(function, call, target, heads, ids)
            for call, target in self.calls.callees(function)
        )

    def own_rows(self, function: FunctionRef) -> set[str]:
        """Local names that hold rows which were found by their owner, here or in a helper."""
        found = {
            name for query in self.queries.of(function) if _is_own(query) for name in query.names
        }
        holding: defaultdict[int, set[str]] = defaultdict(set)
        for name, values in function.assigned.items():
            for value in values:
                holding[id(value)].add(name)
        for call, target in self.calls.callees(function) if holding else ():
            held = holding.get(id(call), set())
            if held - found and any(
                self.secures(ref)
                for start in self.calls.entry_points(target)
                for ref in self.calls.reach(start)[:NEAR]
            ):
                found |= held
        return found

    def verified_after(
        self, function: FunctionRef, pos: int, ids: set[str], rows: Collection[str] = ()
    ) -> bool:
        """Whether the function makes sure of the ids after it read by them, and refuses others.

        Or of the rows: by a helper that refuses by itself.
        """
        refuses = any(stmt.kind == "raise" and stmt.pos > pos for stmt in function.statements)
        return any(
            call.pos > pos
            and (
                (refuses and self._secured_by(function, call, target, set(), ids))
                or (
                    self._raises(target)
                    and self._secured_by(function, call, target, set(), {*ids, *rows})
                )
            )
            for call, target in self.calls.callees(function)
        )

    def _raises(self, target: Target) -> bool:
        """Whether a helper refuses by itself."""
        return any(
            stmt.kind == "raise"
            for start in self.calls.entry_points(target)
            for stmt in start.statements
        )

    def _secured_by(
        self, function: FunctionRef, call: Expr, target: Target, heads: set[str], ids: set[str]
    ) -> bool:
        """Whether a call made sure of the ids, or gave the row that they belong to."""
        gave = any(call in function.assigned.get(head, ()) for head in heads)
        if ids and not gave and not any(mentions(part, ids) for part in call.parts):
            return False
        if isinstance(target, External):
            return bool(GUARD_NAMES.search(call.text.rsplit(".", 1)[-1]))
        return any(
            self.secures(ref)
            for start in self.calls.entry_points(target)
            for ref in self.calls.reach(start)
        )

    def secures(self, function: FunctionRef) -> bool:
        """Whether a function checks owners itself: by comparison or by a filtered query."""
        key = id(function.function)
        if key not in self._checks:
            owners = self.queries.models.owners
            self._checks[key] = any(self.checks_owner(function, owner) for owner in owners) or any(
                query.model.owner and restricts(query, query.model.owner)
                for query in self.queries.of(function)
            )
        return self._checks[key]

    def is_narrowed(self, query: Query) -> bool:
        """Whether a helper that the statement is handed to puts the owner into its conditions."""
        owner = query.model.owner
        return any(
            call.pos > query.call.pos
            and any(part.kind == "name" and part.text in query.names for part in call.parts)
            and any(
                _names_column(ref, owner)
                for start in self.calls.entry_points(target)
                for ref in self.calls.reach(start)
            )
            for call, target in self.calls.callees(query.function)
        )

    def is_checked(self, query: Query) -> bool:
        """Whether the row that a query finds is compared, here or in a helper it is handed to."""
        function, owner = query.function, query.model.owner
        if self.checks_owner(function, owner):
            return True
        for call in function.calls:
            if call.pos > query.call.pos and any(mentions(p, set(query.names)) for p in call.parts):
                target = self.calls.target(function, call)
                for start in self.calls.entry_points(target):
                    if any(self.checks_owner(ref, owner) for ref in self.calls.reach(start)[:NEAR]):
                        return True
                last = call.text.rsplit(".", 1)[-1]
                if (
                    isinstance(target, External)
                    and GUARD_NAMES.search(last)
                    and (not last.startswith("model_"))
                ):
                    return True
        return False


def comparisons(function: FunctionRef, names: set[str]) -> Iterator[tuple[Expr, Stmt]]:
    """Comparisons of one of the names with something that is not a literal, and their statement."""
    for stmt in function.statements:
        for expr in stmt.exprs:
            for part in subexpressions(expr):
                if part.kind != "cmp" or not part.parts[1:]:
                    continue
                sides = [mentions(side, names) for side in part.parts]
                plain = any(
                    not mine and (side.kind not in {"str", "num", "const", "list", "tuple", "set"})
                    for side, mine in zip(part.parts, sides, strict=True)
                )
                if any(sides) and plain and not _is_column(part, sides):
                    yield part, stmt


def _is_column(comparison: Expr, sides: list[bool]) -> bool:
    """``Task.user_id == user_id`` filters a query; it compares nothing."""
    return any(
        not mine and side.kind == "name" and side.text[:1].isupper() and "." in side.text
        for side, mine in zip(comparison.parts, sides, strict=True)
    )


def acts(stmt: Stmt) -> bool:
    """Whether a statement with a comparison does something about it."""
    if stmt.kind == "if":
        return answers_error(stmt.body) or answers_error(stmt.orelse)
    return stmt.kind in {"assert", "return", "assign", "raise"}


def bound_arguments(function: FunctionRef, call: Expr) -> Iterator[tuple[str, Expr]]:
    """Which parameter of a function receives which argument of a call."""
    params = [param.name for param in function.params if not param.name.startswith("*")]
    if params and params[0] in {"self", "cls"}:
        params = params[1:]
    yield from zip(params, positional(call), strict=False)
    for name in params:
        if (value := keyword(call, name)) is not None:
            yield name, value


def _names_column(function: FunctionRef, owner: str) -> bool:
    """``Task.user_id == …`` in a condition, or ``filter_by(user_id=…)``."""
    return any(
        (part.kind == "cmp" and any(_is_owner_of_class(name, owner) for name in names_in(part)))
        or (part.kind == "call" and method(part) == "filter_by" and owner in part.names)
        for part in function.expressions
    )


def _is_owner_of_class(name: str, owner: str) -> bool:
    return name[:1].isupper() and name.endswith(f".{owner}")


def _is_owner_of_row(value: Expr, owner: str) -> bool:
    """Whether a value is a row's owner and nothing else: ``str(task.user_id).lower()``."""
    if value.kind == "if":
        return bool(value.parts) and _is_owner_of_row(value.parts[0], owner)
    if value.kind == "call":
        if value.base is not None:
            return not value.parts and _is_owner_of_row(value.base, owner)
        converts = value.text in {"str", "int", "UUID", "uuid.UUID"}
        return converts and len(value.parts) == 1 and _is_owner_of_row(value.parts[0], owner)
    return value.kind in {"name", "attr"} and _reads_owner(value, owner)


def _reads_owner(side: Expr, owner: str) -> bool:
    """``task.user_id``, also inside of ``str(…)``; a column, ``Task.user_id``, filters instead."""
    for part in subexpressions(side):
        if part.kind == "name" and part.text.endswith(f".{owner}"):
            return not part.text[:1].isupper()
        if (part.kind == "attr" and part.text == owner) or _gets(part, owner):
            return True
    return False


def _gets(expr: Expr, key: str) -> bool:
    """``row["user_id"]`` or ``row.get("user_id")``."""
    if expr.kind in {"sub", "call"} and expr.parts:
        return any(part.kind == "str" and part.text == key for part in expr.parts[:1])
    return False


def condition_names(query: Query | RawQuery, call: Expr | None = None) -> set[str]:
    """Give the local names that the conditions of a query read."""
    conditions = getattr(query, "conditions", ())
    found = {name for condition in conditions for name in names_in(condition)}
    if call is not None:
        found |= {name for part in call.parts for name in names_in(part)}
    return {name for name in found if not name[:1].isupper()}


def _is_path_user(dependency: Dependency) -> bool:
    """``guard.path_user`` of betterguard."""
    return isinstance(dependency.target, External) and "path_user" in dependency.target.name


def _is_own(query: Query) -> bool:
    return bool(query.model.owner) and restricts(query, query.model.owner)


def _about(query: Query, heads: set[str], ids: set[str]) -> bool:
    """Whether a statement found the row that the ids belong to, or was asked for them."""
    if not ids or heads & query.names:
        return True
    return any(mentions(condition, ids) for condition in query.conditions)
