"""What several access rules ask of a route: is it meant to be public, and what does it touch?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.visit import method, receiver

if TYPE_CHECKING:
    from betterguard.audit.application import Route
    from betterguard.audit.code import Code
    from betterguard.audit.models import Model

_SIGNED_OUT = re.compile(
    r"(?:^|[/_-])(?:health\w*|live(?:ness|z)?|ready|readiness|readyz|livez|ping|docs|redoc"
    r"|openapi(?:\.json)?|favicon\.(?:ico|png)|robots\.txt|login|log[_-]?in|sign[_-]?in"
    r"|sign[_-]?up|signup|signin|register|registration|logout|sign[_-]?out|signout|token|refresh"
    r"|refresh[_-]token|forgot[_-]?password|reset[_-]?password|password[_-]recovery"
    r"|verification|(?:send|verify)[_-]?(?:email|code|otp)|recover\w*|oauth\w*|callback|authorize"
    r"|well-known|jwks(?:\.json)?|csrf\w*"
    r"|magic[_-]?link|otp|mfa|sso|providers|auth[_-]?status)(?:$|[/_-])",
    re.IGNORECASE,
)
"""Routes that must work before somebody is signed in."""
_FOR_EVERYBODY = re.compile(
    r"(?:^|[/_-])(?:status|version|info|metrics|verify|confirm\w*|public|static|assets|contact"
    r"|newsletter|unsubscribe|session|exists|about|terms|privacy|pricing|config|welcome|root|home"
    r"|index|lead\w*|waitlist|theme\w*)(?:$|[/_-])",
    re.IGNORECASE,
)
"""Routes that may be public, unless they reach rows that belong to somebody."""
_DEBUG = re.compile(
    r"(?:^|[/_-])(?:tests?|debug|dev|demo|seed|tmp|temp|sandbox)(?:$|[/_-])", re.IGNORECASE
)
_CALLBACK = re.compile(
    r"(?:^|[/_-])(?:jobs?|cron|events?|webhooks?|dapr|subscri(?:be|ptions?)|internal|triggers?|tasks-queue"
    r"|scheduler?|hooks?|consumers?|notify|ingest|bindings?|pubsub|worker)(?:$|[/_-])",
    re.IGNORECASE,
)
WRITES = frozenset(
    {"add", "add_all", "delete", "merge", "bulk_save_objects", "insert_one", "commit"}
)
_SESSIONS = re.compile(
    r"(?:^|\.)(?:session|db|database|uow|conn|connection|tx|async_session|_db|_session)$"
)


def is_public(code: Code, route: Route) -> bool:
    """Whether a route is one that people reach before they are signed in."""
    if any(_matches(route.path, given) for given in code.knowledge.public_routes):
        return True
    if route.path.rstrip("/") in {"", "/api", "/api/v1", "/v1"}:
        return True
    if _SIGNED_OUT.search(route.path) or _SIGNED_OUT.search(route.function.name):
        return True
    if _FOR_EVERYBODY.search(route.path) or _FOR_EVERYBODY.search(route.function.name):
        return not any(model.owner for model in owned_models(code, route))
    return False


def _matches(path: str, given: str) -> bool:
    return path.startswith(given[:-1]) if given.endswith("*") else path == given


def is_debug(route: Route) -> bool:
    """Whether path or name says that the route was for trying things out."""
    return bool(_DEBUG.search(route.path) or _DEBUG.search(route.function.name))


def is_callback(route: Route) -> bool:
    """Whether another machine calls the route: events, jobs, webhooks."""
    return bool(_CALLBACK.search(route.path) or _CALLBACK.search(route.function.name))


def owned_models(code: Code, route: Route) -> list[Model]:
    """Tables with an owner, or of users, that the route's code reads or writes."""
    found: dict[str, Model] = {}
    for function in code.calls.reach(route.function):
        for query in code.queries.of(function):
            if query.model.owner or query.model.is_user:
                found[query.model.name] = query.model
        for call in function.calls:
            if call.base is None and call.text[:1].isupper():
                model = code.models.get(code.calls.name(function, call.text))
                if model is not None and (model.owner or model.is_user):
                    found[model.name] = model
        for name in code.queries.raw_tables(function):
            model = code.models.by_table(name)
            if model is not None and (model.owner or model.is_user):
                found[model.name] = model
    return list(found.values())


def touches_database(code: Code, route: Route) -> bool:
    """Whether the route's code uses a session at all."""
    return any(
        code.queries.of(function) or code.queries.raw_tables(function)
        for function in code.calls.reach(route.function)
    )


def writes(code: Code, route: Route) -> bool:
    """Whether the route's code adds, changes or deletes rows."""
    for function in code.calls.reach(route.function):
        for call in function.calls:
            owner = receiver(call)
            if method(call) in WRITES and owner is not None and _SESSIONS.search(owner.text):
                return True
    return False
