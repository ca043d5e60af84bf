"""A callback for machines (events, jobs, webhooks) that any machine can call."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Rule, Snippet
from betterguard.audit.rules import _audience as audience
from betterguard.audit.rules import _routes as routes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.application import Route
    from betterguard.audit.code import Code


_MEASURES = re.compile(r"analytics|vitals|telemetry|tracking", re.IGNORECASE)


def check(code: Code) -> Iterator[Hit]:
    """Mounted callbacks without any check of who calls."""
    for route in code.app.routes:
        if not route.apps or route.is_websocket or not audience.is_callback(code, route):
            continue
        gate, _ = code.security.protection(route)
        if gate in {"required", "optional"} or _harmless(code, route):
            continue
        if route.conditional:
            continue
        touches = bool(routes.owned_models(code, route)) or routes.writes(code, route)
        yield Hit(
            route.file.path,
            route.pos,
            f"{'/'.join(route.methods)} {route.path} takes events from anyone",
            Severity.HIGH if touches and not _MEASURES.search(route.path) else Severity.MEDIUM,
            Confidence.HIGH if touches else Confidence.MEDIUM,
            ("no signature, token or shared secret is checked",),
        )


def _harmless(code: Code, route: Route) -> bool:
    """Whether there is nothing to protect: a list of topics, or a public page."""
    if audience.is_public(code, route):
        return True
    if not route.function.calls:
        return True
    return route.methods == ("GET",) and not routes.touches_database(code, route)


RULE = Rule(
    id="BG104",
    name="callback-without-auth",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=306,
    message="A callback for events or jobs checks neither a signature nor a token.",
    why=(
        "Pub/sub sidecars, schedulers and payment services call these routes over the same port "
        "as everyone else. Whoever knows the path can send events in any user's name: verify "
        "the sender's signature, or a token that only the sidecar has."
    ),
    check=check,
    valid=(
        Snippet.of("""
import hmac
from fastapi import FastAPI, HTTPException, Request
app = FastAPI()
@app.post("/webhooks/billing")
async def paid(request: Request):
    if not hmac.compare_digest(request.headers["x-signature"], sign(await request.body())):
        raise HTTPException(401)
    record(await request.json())
"""),
        Snippet.of("""
from fastapi import FastAPI
app = FastAPI()
@app.get("/dapr/subscribe")
async def topics():
    return [{"pubsubname": "p", "topic": "t", "route": "/events/task"}]
"""),
        Snippet.of("""
from fastapi import FastAPI
app = FastAPI()
@app.post("/jobs")
async def add(title: str): return save(title)
@app.get("/jobs/{job_id}")
async def job(job_id: int): return find(job_id)
"""),
    ),
    invalid=(
        Snippet.of("""
from fastapi import FastAPI, Request
app = FastAPI()
@app.post("/events/task-created")
async def created(request: Request):
    event = await request.json()
    await remind(event["user_id"])
"""),
        Snippet.of("""
from fastapi import FastAPI
app = FastAPI()
@app.post("/reminder-due")
async def due(event: dict):
    await remind(event["user_id"])
"""),
    ),
)
