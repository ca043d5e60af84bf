"""What the guard learns from an application's routes: which it guards, and what they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fastapi.routing

from betterguard.web.dependency import Dependency

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from fastapi import FastAPI
    from fastapi.dependencies.models import Dependant

__all__ = ["document_answers", "path_faults"]

SCHEME_NAME = "BetterAuth"
SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The token from Better Auth's `/api/auth/token`.",
}
DESCRIPTIONS = {
    401: (
        "No token, an expired one, or one that is not valid.",
        "Missing token",
    ),
    403: ("Authenticated, and not allowed.", "Forbidden"),
    503: (
        "The keys to check tokens, or what was revoked, cannot be had now.",
        "Authentication temporarily unavailable",
    ),
}


def document_answers(app: FastAPI) -> None:
    """Add the bearer scheme and what guarded routes answer to the application's OpenAPI."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        document = build()
        for path, method, statuses in _guarded(app):
            operation = document.get("paths", {}).get(path, {}).get(method.lower())
            if operation is not None and statuses:
                _describe(operation, statuses)
                components = document.setdefault("components", {})
                components.setdefault("securitySchemes", {})[SCHEME_NAME] = SCHEME
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend it


def path_faults(app: FastAPI) -> list[str]:
    """Name the routes that compare a part of their path which their path does not have."""
    faults = []
    for route in _routes(app):
        for dependency in _dependencies(getattr(route, "dependant", None)):
            name = dependency.path_parameter
            if name is not None and f"{{{name}}}" not in route.path_format:
                faults.append(
                    f"route {route.path_format} uses guard.path_user and has no {{{name}}} in its "
                    "path: put it there, or use guard.user"
                )
    return faults


def _guarded(app: FastAPI) -> Iterator[tuple[str, str, Sequence[int]]]:
    for route in _routes(app):
        found = _dependencies(getattr(route, "dependant", None))
        statuses = sorted({status for dependency in found for status in dependency.statuses})
        for method in getattr(route, "methods", None) or ():
            yield route.path_format, method, statuses


def _routes(app: FastAPI) -> Iterable[Any]:
    # Since FastAPI 0.140 or so, included routers are resolved late and asked for like this.
    contexts = getattr(fastapi.routing, "iter_route_contexts", iter)
    return [route for route in contexts(app.routes) if getattr(route, "path_format", None)]


def _dependencies(dependant: Dependant | None) -> Iterator[Dependency[Any]]:
    if dependant is None:
        return
    if isinstance(dependant.call, Dependency):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _dependencies(inner)


def _describe(operation: dict[str, Any], statuses: Sequence[int]) -> None:
    schemes = operation.setdefault("security", [])
    if {SCHEME_NAME: []} not in schemes:
        schemes.append({SCHEME_NAME: []})
    responses = operation.setdefault("responses", {})
    for status in statuses:
        description, detail = DESCRIPTIONS[status]
        responses.setdefault(str(status), _response(description, {"detail": detail}))


def _response(description: str, example: Mapping[str, str]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"detail": {"type": "string"}},
        "required": ["detail"],
    }
    content = {"application/json": {"schema": schema, "example": dict(example)}}
    return {"description": description, "content": content}
