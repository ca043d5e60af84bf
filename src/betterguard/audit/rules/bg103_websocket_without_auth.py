"""A WebSocket that anyone can open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _audience as audience
from betterguard.audit.rules import _routes as routes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.application import Route
    from betterguard.audit.code import Code

_ASIDE = frozenset(
    {"logger", "logging", "log", "print", "json", "str", "len", "isinstance", "datetime", "dict"}
)
"""What a connection may use without reaching anything."""


def check(code: Code) -> Iterator[Hit]:
    """Mounted WebSocket routes that refuse nobody."""
    for route in code.app.routes:
        if not route.apps or not route.is_websocket or audience.is_public(code, route):
            continue
        gate, _ = code.security.protection(route)
        if gate in {"required", "optional"}:
            continue
        guards = [m.name for m in code.auth_middleware.guards]
        owned = sorted(model.name for model in routes.owned_models(code, route))
        evidence = (f"middleware {guards[0]} does not run for WebSockets",) if guards else ()
        yield Hit(
            route.file.path,
            route.pos,
            f"WebSocket {route.path} accepts a connection without authentication"
            + (f" and reaches rows of users ({', '.join(owned)})" if owned else ""),
            _severity(route, owned=bool(owned)),
            evidence=evidence,
        )


def _severity(route: Route, *, owned: bool) -> Severity:
    if owned:
        return Severity.CRITICAL
    return Severity.MEDIUM if _only_answers(route) else Severity.HIGH


def _only_answers(route: Route) -> bool:
    """Whether it only sends back what it is sent: nobody else's messages pass through it."""
    if route.path_params:
        return False
    function = route.function
    sockets = {p.name for p in function.params if p.annotation and "WebSocket" in p.annotation.text}
    own = sockets | set(function.assigned) | _ASIDE
    return all(
        call.text.split(".", 1)[0] in own or call.base is not None for call in function.calls
    )


RULE = Rule(
    id="BG103",
    name="websocket-without-auth",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=306,
    message="A WebSocket accepts connections without authentication.",
    why=(
        "HTTP middleware (`@app.middleware('http')`, `BaseHTTPMiddleware`) never sees a "
        "WebSocket, browsers send cookies but no Authorization header with one, and CORS does "
        "not apply: a WebSocket must verify a token itself and close with 1008 otherwise."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of("""
from fastapi import FastAPI, WebSocket
import jwt
app = FastAPI()
@app.websocket("/ws")
async def stream(socket: WebSocket, token: str):
    try:
        jwt.decode(token, KEY, algorithms=["EdDSA"])
    except jwt.PyJWTError:
        await socket.close(code=1008)
        return
    await socket.accept()
"""),
    ),
    invalid=(
        Snippet.of("""
from fastapi import FastAPI, WebSocket
app = FastAPI()
@app.websocket("/ws/{user_id}")
async def stream(socket: WebSocket, user_id: str):
    await socket.accept()
    await socket.send_json({"user": user_id})
"""),
        Snippet.of(
            """
from betterguard import BetterGuard
from fastapi import FastAPI, WebSocket
guard = BetterGuard.from_env()
app = FastAPI(lifespan=guard.lifespan)
guard.install(app)
@app.websocket("/ws")
async def stream(socket: WebSocket):
    await socket.accept()
    await socket.send_text("hello")
"""
        ),
    ),
    fixed=(
        None,
        Snippet.of(
            """
from betterguard import BetterGuard
from fastapi import Depends, FastAPI, WebSocket
guard = BetterGuard.from_env()
app = FastAPI(lifespan=guard.lifespan)
guard.install(app)
@app.websocket("/ws")
async def stream(socket: WebSocket, caller_id: str = Depends(guard.verify_token)):
    await socket.accept(subprotocol="bearer" if "bearer" in socket.scope["subprotocols"] else None)
    await socket.send_text("hello")
"""
        ),
    ),
)
