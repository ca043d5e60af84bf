from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

from betterguard import BetterGuard, Forbidden
from tests.web.conftest import make_settings

INSIDE = "postgresql://ada:hunter2@db/prod"


def make_app(**options: Any) -> tuple[FastAPI, BetterGuard[Any]]:
    guard = BetterGuard(make_settings())
    app = FastAPI()
    guard.install(app, **options)

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError(INSIDE)

    @app.get("/forbidden")
    async def forbidden() -> None:
        raise Forbidden

    app.get("/me", dependencies=[Depends(guard.user)])(lambda: None)
    return app, guard


def client(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


def test_a_bug_is_told_to_the_log_and_not_to_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    app, _ = make_app()
    answer = client(app).get("/boom")
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})
    assert INSIDE not in answer.text + str(answer.headers)
    request_id = answer.headers["x-request-id"]
    [record] = [record for record in caplog.records if record.name == "betterguard.web"]
    assert record.levelno == logging.ERROR
    assert request_id in record.getMessage()
    assert record.exc_info is not None
    assert INSIDE in str(record.exc_info[1])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("req-1.a_B", True, id="harmless"),
        pytest.param("", False, id="empty"),
        pytest.param("x" * 129, False, id="long"),
        pytest.param("a b", False, id="space"),
        pytest.param("a%0d%0ab;", False, id="other-characters"),
    ],
)
def test_a_proxys_request_id_is_kept_when_it_is_harmless(given: str, *, kept: bool) -> None:
    app, _ = make_app()
    request_id = client(app).get("/boom", headers={"X-Request-ID": given}).headers["x-request-id"]
    assert (request_id == given) is kept
    assert kept or re.fullmatch("[0-9a-f]{32}", request_id)


def test_an_error_raised_in_a_route_is_answered_too() -> None:
    app, _ = make_app()
    answer = client(app).get("/forbidden")
    assert (answer.status_code, answer.json()) == (403, {"detail": "Forbidden"})


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        pytest.param("/me", 401, "missing_token", id="401"),
        pytest.param("/forbidden", 403, "forbidden", id="403"),
        pytest.param("/boom", 500, "internal_error", id="500"),
    ],
)
def test_problem_details_on_request(path: str, status: int, code: str) -> None:
    app, _ = make_app(problem_details=True)
    answer = client(app).get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["status"]) == (code, status)
    assert ("www-authenticate" in answer.headers) is (status == 401)


def test_an_applications_own_handler_of_http_exceptions_is_heard() -> None:
    app, _ = make_app()

    async def mine(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - a handler's shape
        assert isinstance(error, HTTPException)
        return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)

    app.add_exception_handler(HTTPException, mine)
    answer = client(app).get("/me")
    assert (answer.status_code, answer.json()) == (401, {"error": "Missing token"})
    assert answer.headers["www-authenticate"] == "Bearer"
