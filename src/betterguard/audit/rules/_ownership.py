"""What the isolation rules ask of a route: who is calling, and is a caller's word trusted?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from betterguard.audit.application import Route
    from betterguard.audit.code import Code
    from betterguard.audit.facts import Param
    from betterguard.audit.symbols import FunctionRef

OWNER_FIELD = re.compile(r"(?:user_?id|owner_?id|uid)", re.IGNORECASE)
_GIVEN = frozenset({"self", "request", "response", "background_tasks"})
"""Parameters that the framework fills."""
OWNER_PARAM = re.compile(r"^(?:user_?id|owner_?id|uid|userid|current_user_id|user)$", re.IGNORECASE)


def path_owners(route: Route) -> list[str]:
    """Path parameters that name a user."""
    return [
        name
        for name in route.path_params
        if re.match(r"^(?:user_?id|owner_?id|uid)$", name, re.IGNORECASE)
    ]


def param(function: FunctionRef, name: str) -> Param | None:
    """Give a function's parameter by name."""
    return next((p for p in function.params if p.name == name), None)


def client_names(code: Code, route: Route) -> set[str]:
    """Give the route's parameters whose value the caller chooses: path, query, body."""
    injected = {d.param for d in code.calls.dependencies(route.function)}
    return {
        p.name
        for p in route.function.params
        if p.name not in injected and (p.name not in _GIVEN or _is_body(code, route, p))
    }


def _is_body(code: Code, route: Route, param: Param) -> bool:
    """Whether a parameter called ``request`` is the project's own model of a body."""
    note = param.annotation
    return note is not None and code.project.annotated(route.file, note) is not None


def body_owners(code: Code, route: Route) -> list[str]:
    """Fields of a route's body that name a user, where its code reads them: ``form.user_id``."""
    chosen = client_names(code, route)
    return sorted(
        name
        for name in route.function.names
        if name.partition(".")[0] in chosen and OWNER_FIELD.fullmatch(name.partition(".")[2])
    )
