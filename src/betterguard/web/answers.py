"""Errors → answers: what the caller is told, which is little, and what the log is told.

Statuses and ``WWW-Authenticate`` follow RFC 6750 §3; the body is ``{"detail": …}``, or problem
details (RFC 9457) where the application asks for them.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse

from betterguard.errors import (
    AuthError,
    ExpiredToken,
    InternalError,
    InvalidToken,
    MalformedCredential,
    MissingToken,
    RevokedToken,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.requests import HTTPConnection
    from starlette.responses import Response

    from betterguard.web.refusals import RefusalLog

__all__ = ["Refusal", "add_error_answers", "headers_of"]

REQUEST_ID_HEADER = "X-Request-ID"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_CHALLENGES: dict[type[AuthError], str] = {
    MissingToken: "Bearer",
    MalformedCredential: 'Bearer error="invalid_request"',
    ExpiredToken: ('Bearer error="invalid_token", error_description="The access token expired"'),
    RevokedToken: 'Bearer error="invalid_token", error_description="The access token was revoked"',
    InvalidToken: 'Bearer error="invalid_token"',
}


class Refusal(HTTPException):
    """An `AuthError` on its way out, in the form that every FastAPI application answers.

    It works without `BetterGuard.install` too, and in the application's own handlers of
    HTTPException; ``error`` is what happened.
    """

    def __init__(self, error: AuthError) -> None:
        super().__init__(error.status, error.detail, headers=headers_of(error))
        self.error = error


def headers_of(error: AuthError) -> dict[str, str] | None:
    """Give the headers that belong to the error's status."""
    if error.retry_after is not None:
        return {"Retry-After": str(error.retry_after)}
    challenge = next((_CHALLENGES[kind] for kind in type(error).__mro__ if kind in _CHALLENGES), "")
    return {"WWW-Authenticate": challenge} if challenge else None


def add_error_answers(app: FastAPI, log: RefusalLog, *, problem_details: bool) -> None:
    """Answer betterguard's errors wherever they are raised, and bugs without their inside."""

    async def refuse(connection: Request, error: Exception) -> Response:
        assert isinstance(error, AuthError)
        log.tell(error)
        return _answer(connection, error, headers_of(error), problem_details=problem_details)

    async def refuse_told(connection: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, Refusal)
        error = refusal.error
        return _answer(connection, error, headers_of(error), problem_details=problem_details)

    async def fail(connection: Request, error: Exception) -> Response:
        request_id = _request_id(connection)
        log.tell_failure(request_id, error)
        headers = {REQUEST_ID_HEADER: request_id}
        return _answer(connection, InternalError(), headers, problem_details=problem_details)

    app.add_exception_handler(AuthError, refuse)
    if problem_details:
        app.add_exception_handler(Refusal, refuse_told)
    app.add_exception_handler(Exception, fail)


def _answer(
    connection: HTTPConnection,
    error: AuthError,
    headers: Mapping[str, str] | None,
    *,
    problem_details: bool,
) -> Response:
    if not problem_details:
        return JSONResponse({"detail": error.detail}, error.status, headers=headers)
    body = {
        "type": "about:blank",
        "title": error.detail,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "instance": connection.url.path,
    }
    return JSONResponse(body, error.status, headers, media_type="application/problem+json")


def _request_id(connection: HTTPConnection) -> str:
    """Take over the id that a proxy gave, if it is harmless in a log; else make one."""
    given = connection.headers.get(REQUEST_ID_HEADER, "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
