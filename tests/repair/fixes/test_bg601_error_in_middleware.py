"""Answers that were a 500: what they become, and what they are when the fixed code runs."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.repair.fixing import fixed, reasons

HEAD = """from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
app = FastAPI()
class TaskNotFound(Exception): pass
class Odd(Exception): pass
ERRORS = {"http": HTTPException(403, "no", {"X-A": "b"}), "value": ValueError("pass" "word"),
          "gone": TaskNotFound("t"), "odd": Odd("o"), "unauthorized": HTTPException(401), "other": KeyError("pass" "word")}
@app.get("/{kind}")
def give(kind: str, number: int = 0):
    raise ERRORS[kind]
"""
CLASS = (
    "from starlette.middleware.base import BaseHTTPMiddleware\n"
    + HEAD
    + "class Gate(BaseHTTPMiddleware):\n    async def dispatch(self, request, call_next):\n"
    "        raise HTTPException(401)\napp.add_middleware(Gate)\n"
)
TELL = '    return {"detail": str(exc)}\n'


def handler(error: str, body: str) -> str:
    return f"{HEAD}@app.exception_handler({error})\nasync def answer(request, exc):\n{body}"


def gate(body: str) -> str:
    return f'{HEAD}@app.middleware("http")\nasync def gate(request, call_next):\n{body}'


def asked(text: str, path: str) -> tuple[int, Any, str]:
    scope: dict[str, Any] = {"__name__": "app"}
    exec(compile(fixed(text, "BG601"), "app.py", "exec"), scope)  # noqa: S102  # code of this file
    answer = TestClient(scope["app"], raise_server_exceptions=False).get(path)
    told = answer.headers.get("x-a", answer.headers.get("www-authenticate", ""))
    return answer.status_code, answer.json()["detail"], told


RUN = [
    pytest.param(
        handler(error="HTTPException", body='    return {"detail": exc.detail}\n'),
        "/http",
        (403, "no", "b"),
        id="http-exception",
    ),
    pytest.param(
        handler(error="404", body='    return {"detail": "lost"}\n'),
        "/a/b",
        (404, "lost", ""),
        id="status",
    ),
    pytest.param(
        handler(error="Exception", body=TELL),
        "/other",
        (500, "Internal server error", ""),
        id="exception",
    ),
    pytest.param(
        handler(error="500", body='    told = str(exc)\n    return {"detail": told}\n'),
        "/other",
        (500, "Internal server error", ""),
        id="exception-through-a-name",
    ),
    pytest.param(
        handler(error="ValueError", body=TELL),
        "/value",
        (500, "Internal server error", ""),
        id="unknown",
    ),
    pytest.param(
        handler(error="TaskNotFound", body='    return {"detail": f"{exc}"}\n'),
        "/gone",
        (404, "t", ""),
        id="by-its-name",
    ),
    pytest.param(
        gate(body="    raise HTTPException(401)\n"),
        "/odd",
        (401, "Unauthorized", "Bearer"),
        id="middleware",
    ),
    pytest.param(
        gate(
            body="    try:\n        int('a')\n    except ValueError as err:\n"
            "        raise HTTPException(\n            detail={'a': 1}, status_code=418,\n"
            "            headers={'X-A': 'c'}) from err\n"
        ),
        "/odd",
        (418, {"a": 1}, "c"),
        id="middleware-by-name",
    ),
    pytest.param(
        "from fastapi import status\n"
        + gate(body="    raise HTTPException(status_code=status.HTTP_403_FORBIDDEN, detail='n')\n"),
        "/odd",
        (403, "n", ""),
        id="middleware-by-constant",
    ),
    pytest.param(
        handler("401", '    return HTTPException(401, "who?")\n'),
        "/unauthorized",
        (401, "who?", "Bearer"),
        id="handler-gives-the-error",
    ),
    pytest.param(CLASS, "/odd", (401, "Unauthorized", "Bearer"), id="middleware-class"),
]


@pytest.mark.parametrize(("text", "path", "wanted"), RUN)
def test_the_fixed_code_answers(text: str, path: str, wanted: tuple[int, Any, str]) -> None:
    assert asked(text, path) == wanted


def test_what_was_not_valid_is_told_as_json() -> None:
    body = '    return {"detail": exc.errors()}\n'
    status, detail, _ = asked(handler(error="RequestValidationError", body=body), "/odd?number=x")
    assert status == 422
    assert detail[0]["loc"] == ["query", "number"]


def test_the_response_that_the_file_has_is_used() -> None:
    text = "from starlette.responses import JSONResponse as J\n" + handler(
        error="404", body='    return {"detail": "lost"}\n'
    )
    assert 'return J(status_code=exc.status_code, content={"detail": "lost"}' in fixed(
        text, "BG601"
    )


@pytest.mark.parametrize(
    ("error", "is_made"),
    [
        pytest.param("HTTPException", True, id="http-exception"),
        pytest.param("404", True, id="status"),
        pytest.param("Exception", True, id="exception"),
        pytest.param("RequestValidationError", True, id="validation"),
        pytest.param("ValueError", False, id="unknown"),
        pytest.param("TaskNotFound", False, id="by-its-name"),
    ],
)
def test_a_status_that_is_a_guess_is_unsafe(error: str, *, is_made: bool) -> None:
    text = handler(error=error, body=TELL)
    assert (fixed(text, "BG601", unsafe=False) != text) is is_made


STAYS = [
    pytest.param(
        gate(
            body="    try:\n        raise HTTPException(401)\n    except Exception:\n"
            "        log()\n        raise\n"
        ),
        "an except around it",
        id="caught",
    ),
    pytest.param(
        gate(body="    raise HTTPException(code(request))\n"),
        "the status is not written here",
        id="status-elsewhere",
    ),
    pytest.param(
        gate(body="    raise HTTPException(*REFUSED)\n"),
        "the status is not written here",
        id="gathered",
    ),
    pytest.param(
        gate(body="    raise HTTPException(  # who?\n        401)\n"),
        "the status is not written here",
        id="comment",
    ),
    pytest.param(
        gate(
            body="    def check():\n        raise HTTPException(401)\n    check()\n"
            "    return await call_next(request)\n"
        ),
        "",
        id="inner-function",
    ),
    pytest.param(
        HEAD
        + "class Gate:\n    def __init__(self, app):\n        self.app = app\n"
        + "    async def __call__(self, scope, receive, send):\n        raise HTTPException(401)\n"
        + "app.add_middleware(Gate)\n",
        "send a JSONResponse",
        id="asgi",
    ),
    pytest.param(
        handler(error="Exception", body="    return {**vars(exc)}\n"),
        "put together elsewhere",
        id="spread",
    ),
    pytest.param(
        handler(error="ValueError", body=TELL)
        + "app.add_exception_handler(TaskNotFound, answer)\n",
        "several kinds of errors",
        id="two-kinds",
    ),
    pytest.param(
        HEAD + '@app.exception_handler(404)\nasync def lost(*_):\n    return {"detail": "lost"}\n',
        "does not take",
        id="no-error",
    ),
    pytest.param(
        handler(error="404", body='    from a import J\n    return J({"detail": 1})\n'),
        "",
        id="a-response",
    ),
    pytest.param(
        handler("404", "    return HTTPException(exc.status_code)\n"),
        "the status is not written here",
        id="handler-gives-an-error-of-some-status",
    ),
    pytest.param(HEAD + 'def plain():\n    return {"detail": 1}\n', "", id="no-handler"),
    pytest.param(
        gate(
            body="    try:\n        raise HTTPException(401)\n    except HTTPException as e:\n"
            "        return e.detail\n"
        ),
        "",
        id="answered",
    ),
]


@pytest.mark.parametrize(("text", "reason"), STAYS)
def test_what_a_person_decides_stays(text: str, reason: str) -> None:
    assert fixed(text, "BG601") == text
    assert not reason or any(reason in told for told in reasons(text, "BG601"))


def test_what_debugging_tells_stays() -> None:
    body = '    return {"detail": str(exc) if settings.debug else "failed"}\n'
    made = fixed(handler(error="Exception", body=body), "BG601")
    assert '{"detail": str(exc) if settings.debug else "failed"}' in made
