"""An auth middleware outside of CORS, or one that refuses preflights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.refusals import UNAUTHORIZED
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _cors as cors
from betterguard.audit.visit import statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.application import Middleware
    from betterguard.audit.code import Code
    from betterguard.audit.facts import Stmt
    from betterguard.audit.symbols import FunctionRef


def check(code: Code) -> Iterator[Hit]:
    """Find refusals outside of CORS: what is added later runs first."""
    guards = code.auth_middleware.guards
    for added in cors.middleware(code):
        for guard in code.auth_middleware.answering_401:
            if guard.app != added.app or not _is_outside(guard, added):
                continue
            yield Hit(
                added.file.path,
                added.pos,
                f"CORS is added before {guard.name}, so its 401s carry no CORS headers",
                evidence=("the middleware that is added last runs first",),
            )
            if guard in guards:
                yield from _preflight(code, guard)


def _is_outside(guard: Middleware, added: Middleware) -> bool:
    if guard.form == "argument" and added.form == "argument":
        return guard.pos < added.pos
    if guard.file is not added.file:
        return False
    return guard.pos > added.pos


def _preflight(code: Code, guard: Middleware) -> Iterator[Hit]:
    for function in code.calls.entry_points(guard.target):
        if function.name == "__init__" or _lets_options_pass(function):
            continue
        refusal = _first_refusal(code, function)
        if refusal is not None:
            yield Hit(
                function.file.path,
                refusal.pos,
                f"{guard.name} answers preflights with 401: OPTIONS carries no Authorization",
            )


def _lets_options_pass(function: FunctionRef) -> bool:
    return any(
        expr.kind == "str" and expr.text.upper() == "OPTIONS" for expr in function.expressions
    )


def _first_refusal(code: Code, function: FunctionRef) -> Stmt | None:
    """Give the ``if`` that refuses a missing header, or the refusal itself."""
    for stmt in function.statements:
        if stmt.kind == "if" and any(
            code.refusals.refusal(function, inner) == UNAUTHORIZED
            for inner in statements(stmt.body)
        ):
            return stmt
    return next(
        (s for s in function.statements if code.refusals.refusal(function, s) == UNAUTHORIZED), None
    )


_PARTS = {
    "cors": 'app.add_middleware(CORSMiddleware, allow_origins=["https://app.example.com"])\n',
    "gate": """
@app.middleware("http")
async def gate(request, call_next):
    if not request.headers.get("authorization"):
        return JSONResponse({"detail": "no"}, status_code=401)
    return await call_next(request)
""",
    "head": """
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
app = FastAPI()
""",
}

RULE = Rule(
    id="BG503",
    name="cors-order",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=696,
    message="An authentication middleware runs outside of CORS.",
    why=(
        "The middleware added last is outermost. Added after CORS, an auth middleware answers "
        "preflights with 401 (they never carry a token) and its refusals lack CORS headers: the "
        "browser reports a CORS error for every call. `guard.install` puts CORS around "
        "everything."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(Snippet.of(_PARTS["head"] + _PARTS["gate"] + _PARTS["cors"]),),
    invalid=(Snippet.of(_PARTS["head"] + _PARTS["cors"] + _PARTS["gate"]),),
    fixed=(
        Snippet.of("""
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
app = FastAPI()

@app.middleware("http")
async def gate(request, call_next):
    if not request.headers.get("authorization"):
        return JSONResponse({"detail": "no"}, status_code=401)
    return await call_next(request)

app.add_middleware(CORSMiddleware, allow_origins=["https://app.example.com"])
"""),
    ),
)
