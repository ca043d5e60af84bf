"""Internal errors told to the client."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.visit import argument, keyword, names_in, statements, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Stmt
    from betterguard.audit.symbols import FunctionRef

_OWN_ERRORS = re.compile(
    r"^(?:ValueError|HTTPException|StarletteHTTPException|ValidationError|RequestValidationError"
    r"|PermissionError|LookupError|\w*(?:NotFound|Validation|Permission|Forbidden|Conflict|Domain"
    r"|Business|App|Service|Access|Invalid|Unauthorized)\w*)$"
)


def check(code: Code) -> Iterator[Hit]:
    """``str(exc)`` of any exception in an answer; a debug setting that is on by default."""
    for function in code.functions("fastapi", "starlette"):
        yield from _leaks(function)
    yield from _debug(code)


def _leaks(function: FunctionRef) -> Iterator[Hit]:
    for stmt in function.statements:
        if stmt.kind == "except" and stmt.exprs and stmt.exprs[0].kind == "walrus":
            handled = stmt.exprs[0]
            if _is_broad(handled):
                yield from _told(function, stmt, handled.text)


def _is_broad(handled: Expr) -> bool:
    """``Exception`` and library errors; an application's own errors are written for people."""
    names = [
        part.text.rsplit(".", 1)[-1]
        for part in subexpressions(handled.parts[0])
        if part.kind == "name"
    ]
    return any(not _OWN_ERRORS.match(name) for name in names)


def _told(function: FunctionRef, handler: Stmt, name: str) -> Iterator[Hit]:
    for stmt in statements(handler.body):
        for expr in stmt.exprs if stmt.kind in {"raise", "return"} else ():
            for part in subexpressions(expr):
                detail = _detail(part)
                if detail is not None and _mentions(detail, name):
                    yield Hit(
                        function.file.path,
                        part.pos,
                        "the text of an internal error is sent to the client",
                    )


def _detail(call: Expr) -> Expr | None:
    if call.kind != "call":
        return None
    last = call.text.rsplit(".", 1)[-1]
    if last.endswith("HTTPException"):
        return argument(call, 1, "detail")
    if last == "JSONResponse":
        return argument(call, 0, "content")
    return None


def _mentions(detail: Expr, name: str) -> bool:
    gated = [
        part
        for part in subexpressions(detail)
        if part.kind == "if" and any("debug" in found.lower() for found in names_in(part))
    ]
    return any(
        part.kind == "name"
        and part.text == name
        and not any(outer.pos <= part.pos < outer.end for outer in gated)
        for part in subexpressions(detail)
    )


def _debug(code: Code) -> Iterator[Hit]:
    for ref in code.project.classes:
        if not any(base.text.endswith("BaseSettings") for base in ref.klass.bases):
            continue
        for stmt in ref.klass.body:
            if stmt.kind == "assign" and stmt.exprs[0].text.lower() in {"debug", "debug_mode"}:
                value = stmt.exprs[-1]
                default = argument(value, 0, "default") if value.kind == "call" else value
                if default is not None and default.text == "True":
                    yield Hit(
                        ref.file.path, stmt.pos, "debug is on unless switched off", Severity.MEDIUM
                    )
    for router in code.app.routers.values():
        flag = keyword(router.call, "debug") if router.is_app else None
        if flag is not None and flag.text == "True":
            yield Hit(
                router.file.path,
                flag.pos,
                "FastAPI(debug=True) answers with tracebacks",
                Severity.MEDIUM,
            )


RULE = Rule(
    id="BG605",
    name="detail-leak",
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    cwe=209,
    message="Internal errors are told to the client.",
    why=(
        "The text of a database or library error names tables, columns, hosts and sometimes "
        "values. Log it, answer with a fixed sentence and a request id. Errors of the "
        "application's own, written for people, are left alone. `debug = True` as a default "
        "leaks more."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(
        Snippet.of("""
from fastapi import HTTPException
def add():
    try:
        work()
    except ValueError as e:
        raise HTTPException(422, str(e))
    except Exception as e:
        logger.error(e)
        raise HTTPException(500, "Internal Server Error")
"""),
    ),
    invalid=(
        Snippet.of("""
from fastapi import HTTPException
def add():
    try:
        work()
    except Exception as e:
        raise HTTPException(status_code=500, detail=str(e))
"""),
        Snippet.of("""
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    debug: bool = True
"""),
    ),
    fixed=(
        Snippet.of("""
from fastapi import HTTPException
def add():
    try:
        work()
    except Exception as e:
        raise HTTPException(status_code=500, detail="Internal server error")
"""),
        Snippet.of("""
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    debug: bool = False
"""),
    ),
)
