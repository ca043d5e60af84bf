"""An allow-list of an auth middleware that lets more pass than it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Rule, Snippet
from betterguard.audit.visit import method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.application import Middleware
    from betterguard.audit.code import Code


def check(code: Code) -> Iterator[Hit]:
    """Middleware that refuses callers, except where a path starts with a name without a slash."""
    for middleware in code.auth_middleware.guards:
        allowed = code.allow_lists.of(middleware)
        open_ended = [path for path, prefix in allowed if prefix and not path.endswith("/")]
        if not open_ended:
            continue
        swallowed = _swallowed(code, open_ended)
        for function in code.calls.entry_points(middleware.target):
            for call in function.calls:
                if method(call) == "startswith" and "path" in call.text:
                    yield Hit(
                        function.file.path,
                        call.pos,
                        "every path that begins with an entry of the allow-list skips "
                        f"authentication: {', '.join(open_ended[:4])}",
                        Severity.HIGH if swallowed else Severity.MEDIUM,
                        evidence=_evidence(middleware, swallowed),
                    )
                    break


def _swallowed(code: Code, entries: list[str]) -> list[str]:
    found: list[str] = []
    for route in code.app.routes:
        for entry in entries:
            rest = route.path.removeprefix(entry)
            if rest != route.path and rest[:1] not in {"", "/"}:
                found.append(f"{route.path} is let through by {entry}")
    return found


def _evidence(middleware: Middleware, swallowed: list[str]) -> tuple[str, ...]:
    return (f"middleware {middleware.name}", *swallowed[:3])


_GATE = """
from fastapi import FastAPI
from fastapi.responses import JSONResponse
app = FastAPI()
PUBLIC = ["/login", "/docs"]
@app.middleware("http")
async def gate(request, call_next):
    if {condition}:
        return await call_next(request)
    if not request.headers.get("authorization"):
        return JSONResponse({{"detail": "no"}}, status_code=401)
    return await call_next(request)
"""

RULE = Rule(
    id="BG102",
    name="public-path-prefix",
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    cwe=183,
    message="A prefix in an allow-list makes more paths public than it names.",
    why=(
        "`path.startswith('/login')` is also true for `/login-history` and for whatever is "
        "added next year. Compare whole paths, or end each prefix with a slash."
    ),
    check=check,
    valid=(
        Snippet.of(_GATE.format(condition="request.url.path in PUBLIC")),
        Snippet.of(
            _GATE.format(
                condition="request.url.path in PUBLIC or request.url.path.startswith('/static/')"
            )
        ),
    ),
    invalid=(
        Snippet.of(_GATE.format(condition="any(request.url.path.startswith(p) for p in PUBLIC)")),
    ),
)
