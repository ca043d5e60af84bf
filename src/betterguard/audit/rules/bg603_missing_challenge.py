"""A 401 without ``WWW-Authenticate``, or a handler that drops it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.refusals import UNAUTHORIZED
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.visit import keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import FunctionRef

_SIGN_IN = re.compile(
    r"log_?in|sign_?in|sign_?up|register|authenticate_user|password|refresh|logout|sign_?out",
    re.IGNORECASE,
)


def check(code: Code) -> Iterator[Hit]:
    """HTTPExceptions with 401 and no headers, outside of sign-in; handlers without headers."""
    handlers = _signing_in(code)
    for function in code.functions("401"):
        if id(function.function) in handlers or _SIGN_IN.search(function.name):
            continue
        for call in function.calls:
            if _is_plain_401(code, function, call):
                yield Hit(function.file.path, call.pos, "401 without WWW-Authenticate")
    yield from _dropped(code)


def _signing_in(code: Code) -> set[int]:
    return {id(route.function.function) for route in code.app.routes if _SIGN_IN.search(route.path)}


def _is_plain_401(code: Code, function: FunctionRef, call: Expr) -> bool:
    name = code.project.qualify(function.file, call.text)
    if not name.endswith("HTTPException") or keyword(call, "headers") is not None:
        return False
    return code.refusals.status(function, call, raised=False) == UNAUTHORIZED


def _dropped(code: Code) -> Iterator[Hit]:
    """Find a handler of HTTPException that answers without the exception's headers."""
    for handler in code.app.handlers:
        if not handler.exception.endswith("HTTPException"):
            continue
        function = handler.function
        if any(name.endswith(".headers") for name in function.names) or _delegates(function):
            continue
        for call in function.calls:
            if call.text.endswith("Response") and keyword(call, "headers") is None:
                yield Hit(
                    function.file.path,
                    call.pos,
                    "the handler drops the exception's headers, WWW-Authenticate among them",
                )
                break


def _delegates(function: FunctionRef) -> bool:
    return any("http_exception_handler" in call.text for call in function.calls)


_HEAD = """
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
app = FastAPI()
"""

RULE = Rule(
    id="BG603",
    name="missing-challenge",
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    cwe=755,
    message="A 401 lacks the WWW-Authenticate header.",
    why=(
        "RFC 9110 demands the challenge with every 401, RFC 6750 says what it tells: whether a "
        "token was missing or had expired. Answers of a sign-in form are another matter and are "
        "left alone."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(
        Snippet.of(
            _HEAD
            + """
def get_user():
    raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
@app.post("/login")
def login():
    raise HTTPException(status_code=401, detail="wrong password")
"""
        ),
    ),
    invalid=(
        Snippet.of(_HEAD + "def get_user():\n    raise HTTPException(status_code=401)\n"),
        Snippet.of(
            _HEAD
            + """
@app.exception_handler(HTTPException)
async def answer(request, exc):
    return JSONResponse({"detail": exc.detail}, status_code=exc.status_code)
"""
        ),
    ),
    fixed=(
        Snippet.of("""
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
app = FastAPI()
def get_user():
    raise HTTPException(status_code=401, headers={"WWW-Authenticate": "Bearer"})
"""),
        Snippet.of("""
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
app = FastAPI()

@app.exception_handler(HTTPException)
async def answer(request, exc):
    return JSONResponse(
        {"detail": exc.detail}, status_code=exc.status_code, headers=getattr(exc, "headers", None)
    )
"""),
    ),
)
