"""An HTTPException where nothing turns it into an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.refusals import answers_error
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.visit import statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Stmt
    from betterguard.audit.symbols import FunctionRef


def check(code: Code) -> Iterator[Hit]:
    """``raise HTTPException`` in HTTP middleware; handlers that return a dict or the error."""
    for middleware in code.app.middleware:
        for function in code.calls.entry_points(middleware.target):
            if function.name == "__init__":
                continue
            for stmt in _raises(code, function):
                yield Hit(
                    function.file.path,
                    stmt.pos,
                    f"HTTPException raised in middleware {middleware.name} becomes a 500",
                )
    for handler in code.app.handlers:
        for stmt in handler.function.statements:
            given = _no_response(code, handler.function, stmt)
            if given:
                yield Hit(
                    handler.function.file.path,
                    stmt.pos,
                    f"an exception handler returns {given}, which is no response: a 500",
                )


def _no_response(code: Code, function: FunctionRef, stmt: Stmt) -> str:
    """Tell what a statement gives back that Starlette cannot send."""
    if stmt.kind != "return" or not stmt.exprs:
        return ""
    given = stmt.exprs[0]
    if given.kind == "dict":
        return "a dict"
    raised = given.kind == "call" and code.project.qualify(function.file, given.text)
    return "an HTTPException" if raised and raised.endswith("HTTPException") else ""


def _raises(code: Code, function: FunctionRef) -> Iterator[Stmt]:
    caught = [
        (stmt.body[0].pos, stmt.body[-1].end)
        for stmt in function.statements
        if stmt.kind == "try" and stmt.body and any(_answers(h) for h in stmt.orelse)
    ]
    for stmt in function.statements:
        if stmt.kind != "raise" or not stmt.exprs or stmt.exprs[0].kind != "call":
            continue
        name = code.project.qualify(function.file, stmt.exprs[0].text)
        if name.endswith("HTTPException") and not any(a <= stmt.pos < b for a, b in caught):
            yield stmt


def _answers(handler: Stmt) -> bool:
    return (
        handler.kind == "except"
        and answers_error(handler.body)
        and not any(stmt.kind == "raise" and not stmt.exprs for stmt in statements(handler.body))
    )


_HEAD = """
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
app = FastAPI()
"""

RULE = Rule(
    id="BG601",
    name="error-becomes-500",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=755,
    message="An error is answered in a way that becomes a 500.",
    why=(
        "FastAPI's exception handlers run inside the middleware: an HTTPException raised in it "
        "meets none and becomes a 500. An exception handler must return a Response; a dict or an "
        "HTTPException is a TypeError."
    ),
    check=check,
    fix=Fixing.EITHER,
    valid=(
        Snippet.of(
            _HEAD
            + """
@app.middleware("http")
async def gate(request, call_next):
    if not request.headers.get("authorization"):
        return JSONResponse({"detail": "no"}, status_code=401)
    return await call_next(request)
"""
        ),
    ),
    invalid=(
        Snippet.of(
            _HEAD
            + """
@app.middleware("http")
async def gate(request, call_next):
    if not request.headers.get("authorization"):
        raise HTTPException(401)
    return await call_next(request)
"""
        ),
        Snippet.of(
            _HEAD
            + """
@app.exception_handler(ValueError)
async def wrong(request, exc):
    return {"detail": "wrong"}
"""
        ),
        Snippet.of(
            _HEAD
            + """
@app.exception_handler(HTTPException)
async def answer(request, exc):
    return {"detail": exc.detail}
"""
        ),
        Snippet.of(
            _HEAD
            + """
@app.exception_handler(Exception)
async def failed(request, exc):
    return {"detail": str(exc), "path": request.url.path}
"""
        ),
        Snippet.of(
            _HEAD
            + """
@app.exception_handler(404)
async def lost(request, exc):
    return HTTPException(status_code=404, detail="lost")
"""
        ),
    ),
    fixed=(
        Snippet.of("""
from fastapi import FastAPI
from fastapi.responses import JSONResponse
app = FastAPI()

@app.middleware("http")
async def gate(request, call_next):
    if not request.headers.get("authorization"):
        return JSONResponse(
            status_code=401,
            content={"detail": "Unauthorized"},
            headers={"WWW-Authenticate": "Bearer"},
        )
    return await call_next(request)
"""),
        Snippet.of(
            _HEAD
            + """
@app.exception_handler(ValueError)
async def wrong(request, exc):
    return JSONResponse(status_code=500, content={"detail": "wrong"})
"""
        ),
        Snippet.of(
            _HEAD
            + """
@app.exception_handler(HTTPException)
async def answer(request, exc):
    return JSONResponse(
        status_code=exc.status_code,
        content={"detail": exc.detail},
        headers=exc.headers,
    )
"""
        ),
        Snippet.of(
            _HEAD
            + """
@app.exception_handler(Exception)
async def failed(request, exc):
    return JSONResponse(
        status_code=500,
        content={"detail": "Internal server error", "path": request.url.path},
    )
"""
        ),
        Snippet.of("""
from fastapi import FastAPI
from fastapi.responses import JSONResponse
app = FastAPI()

@app.exception_handler(404)
async def lost(request, exc):
    return JSONResponse(status_code=404, content={"detail": "lost"})
"""),
    ),
)
