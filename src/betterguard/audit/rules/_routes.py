"""What a route's code touches: whose rows, and whether it writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.visit import chain, method, receiver

if TYPE_CHECKING:
    from betterguard.audit.application import Route
    from betterguard.audit.code import Code
    from betterguard.audit.models import Model
    from betterguard.audit.symbols import FunctionRef

WRITES = frozenset({"add", "add_all", "delete", "merge", "bulk_save_objects", "commit"})
"""Methods of a session that write."""
_DOCUMENT_WRITES = frozenset(
    {"insert_one", "insert_many", "update_one", "update_many", "replace_one", "delete_one"}
    | {"delete_many", "bulk_write", "find_one_and_update", "find_one_and_delete"}
)
"""Methods of a collection of documents that write."""
_TABLES = frozenset({"table", "from_"})
_TABLE_WRITES = frozenset({"insert", "upsert", "update", "delete"})
"""Methods that write over HTTP: ``supabase.table("tasks").insert(…)``."""
_DRIVERS = re.compile(r"(?:Connection|Database|Session|Engine|Transaction|UnitOfWork|DB|Db)$")
_SESSIONS = re.compile(
    r"(?:^|\.)(?:session|db|database|uow|conn|connection|tx|async_session|_db|_session)$"
)


def owned_models(code: Code, route: Route, *, counts: bool = True) -> list[Model]:
    """Tables with an owner, or of users, that the route's code reads or writes.

    Without ``counts``, statements that only count rows are passed over.
    """
    found: dict[str, Model] = {}
    for function in code.calls.reach(route.function):
        for query in code.queries.of(function):
            if not counts and query.only_counts:
                continue
            if query.model.owner or query.model.is_user:
                found[query.model.name] = query.model
        for call in function.calls:
            if call.base is None and call.text[:1].isupper():
                model = code.models.get(code.calls.name(function, call.text))
                if model is not None and (model.owner or model.is_user):
                    found[model.name] = model
        told = [raw for raw in code.queries.raw(function) if counts or not raw.only_counts]
        for name in {table for raw in told for table in raw.tables}:
            model = code.models.by_table(name)
            if model is not None and (model.owner or model.is_user):
                found[model.name] = model
    return list(found.values())


def people(code: Code, route: Route) -> list[str]:
    """Tables of people's addresses that the route reads, although no column says whose they are."""
    found = {
        query.model.name
        for function in code.calls.reach(route.function)
        for query in code.queries.of(function)
        if not query.model.owner and query.model.holds_people
    }
    return sorted(found)


def touches_database(code: Code, route: Route) -> bool:
    """Whether the route's code uses a session at all."""
    return any(
        code.queries.of(function) or code.queries.raw_tables(function)
        for function in code.calls.reach(route.function)
    )


def writes(code: Code, route: Route) -> bool:
    """Whether the route's code adds, changes or deletes rows."""
    for function in code.calls.reach(route.function):
        passive = _gives_session(function) or _is_of_driver(function)
        verbs = WRITES - {"commit"} if passive else WRITES
        for call in function.calls:
            owner = receiver(call)
            if method(call) in _DOCUMENT_WRITES:
                return True
            if method(call) in verbs and owner is not None and _SESSIONS.search(owner.text):
                return True
            if method(call) in _TABLE_WRITES and any(
                method(step) in _TABLES and step.parts for step in chain(call)
            ):
                return True
    return False


def siblings(code: Code, route: Route) -> list[str]:
    """Tables that the route reads and that protected reading routes of its router read too."""
    own = _tables(code, route)
    return sorted(
        {
            name
            for other in code.app.routes
            if other.router == route.router
            and other is not route
            and other.methods == route.methods
            for name in own & _tables(code, other)
            if code.security.protection(other)[0] == "required"
        }
    )


def _tables(code: Code, route: Route) -> set[str]:
    return {
        query.model.name
        for function in code.calls.reach(route.function)
        for query in code.queries.of(function)
        if not query.model.is_user
    }


def _is_of_driver(function: FunctionRef) -> bool:
    """Whether a method of a connection or a database commits whatever it is asked to run."""
    return function.owner is not None and bool(_DRIVERS.search(function.owner.name))


def _gives_session(function: FunctionRef) -> bool:
    """Whether a function is a dependency that yields, and commits whatever others did."""
    return any(expr.kind == "other" and expr.text == "yield" for expr in function.expressions)
