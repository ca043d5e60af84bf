"""A route that anyone can call although its data belongs to somebody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.dataflow import derived, mentions
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _audience as audience
from betterguard.audit.rules import _ownership as owners
from betterguard.audit.rules import _routes as routes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.application import Route
    from betterguard.audit.code import Code
    from betterguard.audit.models import Model

_MEASURES = re.compile(r"analytics|vitals|telemetry|tracking", re.IGNORECASE)
_MEASURED = re.compile(r"vital|metric|measure|analytic|visit|view|click|event|track", re.IGNORECASE)
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_USER = re.compile(r"^(?:current_)?(?:user_?id|userid|uid|owner_?id)$", re.IGNORECASE)


def check(code: Code) -> Iterator[Hit]:
    """Routes that are mounted, not meant to be public, and authenticated by nothing."""
    for route in code.app.routes:
        if not route.apps or route.is_websocket or audience.is_callback(code, route):
            continue
        gate, source = code.security.protection(route)
        if gate in {"required", "optional"} or audience.is_public(code, route):
            continue
        judged = _judge(code, route)
        if judged is not None:
            severity, reason = judged
            yield Hit(
                route.file.path,
                route.pos,
                f"{'/'.join(route.methods)} {route.path} has no authentication and {reason}",
                severity,
                Confidence.HIGH if severity >= Severity.HIGH else Confidence.MEDIUM,
                _evidence(gate, source),
            )


def _judge(code: Code, route: Route) -> tuple[Severity, str] | None:
    if route.conditional:
        return Severity.LOW, "is mounted only where a setting says so"
    by_rows = _by_rows(code, route)
    return by_rows if by_rows or audience.runs_tools(route) else _by_looks(code, route)


def _by_rows(code: Code, route: Route) -> tuple[Severity, str] | None:
    owned = routes.owned_models(code, route)
    if owned and all(model.owner_is_optional for model in owned) and route.methods == ("POST",):
        return Severity.MEDIUM, "writes rows that may belong to users; guests seem to be meant"
    if owned and _MEASURES.search(route.path) and all(map(_is_measured, owned)):
        return Severity.MEDIUM, "takes or tells measurements of users"
    if owned:
        names = ", ".join(sorted(model.name for model in owned))
        return Severity.CRITICAL, f"reads or writes rows that belong to users ({names})"
    if routes.writes(code, route):
        return Severity.HIGH, "writes to the database"
    if route.methods == ("GET",) and (people := routes.people(code, route)):
        return Severity.HIGH, f"tells people's addresses ({', '.join(people)})"
    return None


def _is_measured(model: Model) -> bool:
    return model.owner_is_optional or bool(_MEASURED.search(model.name))


def _by_looks(code: Code, route: Route) -> tuple[Severity, str] | None:
    if _acts_as_somebody(route):
        return Severity.HIGH, "acts as a user whose id stands in the code"
    if named := _named_users(code, route):
        return _by_name(route, named[0])
    if audience.is_debug(route):
        simple = all(stmt.kind in {"return", "pass"} for stmt in route.function.statements)
        severity = Severity.INFO if simple else Severity.MEDIUM
        return severity, "looks like a left-over test endpoint"
    if route.methods == ("GET",) and (beside := routes.siblings(code, route)):
        names = ", ".join(beside)
        return Severity.MEDIUM, f"reads {names}, for which routes beside it ask who is calling"
    if _changes_something(route) and _others_are_protected(code):
        return Severity.MEDIUM, "does something, while other routes ask who is calling"
    return None


def _named_users(code: Code, route: Route) -> list[str]:
    """By which a caller says whose data is wanted: in the path, the query or the body."""
    chosen = owners.client_names(code, route)
    asked = [p.name for p in route.function.params if p.name in chosen and _USER.match(p.name)]
    return [*owners.path_owners(route), *asked, *owners.body_owners(code, route)]


def _by_name(route: Route, name: str) -> tuple[Severity, str]:
    """Whoever names a user is answered, without being asked for more."""
    names = derived(route.function, {name})
    looks_up = any(
        part.kind in {"call", "sub", "cmp"} and any(mentions(inner, names) for inner in part.parts)
        for part in route.function.expressions
    )
    if looks_up:
        return Severity.HIGH, f"answers for whichever user {name} names"
    return Severity.MEDIUM, f"asks for a user by {name}"


def _acts_as_somebody(route: Route) -> bool:
    return any(
        _USER.search(name) and value.kind == "str" and len(value.text) > 1
        for name, values in route.function.assigned.items()
        for value in values
    )


def _changes_something(route: Route) -> bool:
    """Whether a route is one that changes things, and has more code than a refusal."""
    function = route.function
    return (
        not _CHANGING.isdisjoint(route.methods)
        and bool(function.calls)
        and any(stmt.kind != "raise" for stmt in function.statements)
    )


def _others_are_protected(code: Code) -> bool:
    return any(code.security.protection(route)[0] == "required" for route in code.app.routes)


def _evidence(gate: str, source: str) -> tuple[str, ...]:
    if gate == "scheme":
        return (f"{source} demands a credential, but nothing verifies it",)
    return ("no dependency, router, middleware or own code refuses an unknown caller",)


_HEAD = """
import jwt
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from sqlmodel import Field, Session, SQLModel, select

class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    user_id: str
    title: str

def get_session(): ...
def get_user(token: str) -> str:
    return jwt.decode(token, KEY, algorithms=["EdDSA"])["sub"]
"""

RULE = Rule(
    id="BG101",
    name="route-without-auth",
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    cwe=306,
    message="A route that touches users' rows authenticates nobody.",
    why=(
        "Authentication in FastAPI is opt-in: a route without the dependency, a router without "
        "`dependencies=`, or an entry too many in a middleware's allow-list is open to "
        "everyone. The audit follows dependencies, routers, `include_router`, middleware and "
        "the route's own code before it reports; a check that only asks whether a credential is "
        "there counts for nothing; health checks, documentation and sign-in are left alone. Severity follows what the route reaches: critical for rows with an owner, "
        "high for other writes, less for left-over test endpoints."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of(
            _HEAD
            + """
app = FastAPI()
@app.get("/tasks")
def tasks(user: str = Depends(get_user), session: Session = Depends(get_session)):
    return session.exec(select(Task).where(Task.user_id == user)).all()
@app.get("/health")
def health(): return {"ok": True}
"""
        ),
        Snippet.of(
            _HEAD
            + """
app = FastAPI()
router = APIRouter(prefix="/tasks")
@router.get("/")
def tasks(session: Session = Depends(get_session)):
    return session.exec(select(Task)).all()
app.include_router(router, dependencies=[Depends(get_user)])
"""
        ),
        Snippet.of(
            _HEAD
            + """
from fastapi.responses import JSONResponse
app = FastAPI()
async def gate(request, call_next):
    if request.url.path in {"/health"}:
        return await call_next(request)
    if not request.headers.get("authorization"):
        return JSONResponse({"detail": "no"}, status_code=401)
    return await call_next(request)
app.middleware("http")(gate)
@app.get("/tasks")
def tasks(session: Session = Depends(get_session)):
    return session.exec(select(Task)).all()
"""
        ),
        Snippet.of(
            _HEAD
            + """
from fastapi import Request
app = FastAPI()
def role_of(kind: str):
    async def dependency(user: str = Depends(get_user)):
        return user, kind
    return Depends(dependency)
@app.get("/tasks")
def tasks(role=role_of("reader"), session: Session = Depends(get_session)):
    return session.exec(select(Task)).all()
async def signed_in(request: Request):
    if request.cookies.get("session") is None:
        raise HTTPException(307, headers={"Location": str(request.url_for("login"))})
@app.get("/board", dependencies=[Depends(signed_in)])
def board(session: Session = Depends(get_session)):
    return session.exec(select(Task)).all()
"""
        ),
        Snippet.of(
            _HEAD
            + """
from http import HTTPStatus
from fastapi import Request
app = FastAPI()
class KeyCheck:
    def __init__(self, kind: str): self.kind = kind
    def key(self, request):
        if not request.headers.get("x-api-key"):
            raise HTTPException(status_code=HTTPStatus.UNAUTHORIZED)
    async def __call__(self, request: Request): return self.key(request)
async def admin_key(request: Request):
    check: KeyCheck = KeyCheck("admin")
    return await check(request)
class Verifiers:
    @staticmethod
    def verifier(kind: str) -> KeyCheck: return load(kind)
@app.get("/tasks", dependencies=[Depends(admin_key)])
def tasks(session: Session = Depends(get_session)):
    return session.exec(select(Task)).all()
@app.post("/tasks")
def add(title: str, key=Depends(Verifiers.verifier("w")), session: Session = Depends(get_session)):
    session.add(Task(title=title, user_id=key.user))
"""
        ),
        Snippet.of(
            _HEAD
            + """
app = FastAPI()
class Connection:
    async def run(self, sql):
        await self.conn.execute(sql)
        await self.conn.commit()
@app.get("/t/{short}")
async def redirect(short: str):
    return await Connection().run("SELECT url FROM links")
@app.get("/auth/{provider}")
async def login_with_sso_provider(provider: str, user_id: str | None = None):
    return go(provider, user_id)
"""
        ),
        Snippet.of(
            _HEAD
            + """
from fastapi.responses import JSONResponse
app = FastAPI()
@app.middleware("http")
async def gate(request, call_next):
    try:
        caller = await identity.verify(request.headers.get("x-key"))
        request.state.caller = caller
        count(caller)
        response = await call_next(request)
        return response
    except KeyError:
        return JSONResponse({"detail": "no"}, status_code=401)
@app.get("/tasks")
def tasks(session: Session = Depends(get_session)):
    return session.exec(select(Task)).all()
"""
        ),
        Snippet.of(
            _HEAD
            + """
class User(SQLModel, table=True):
    id: str = Field(primary_key=True)
    email: str
app = FastAPI()
@app.get("/invites/{invite_token}")
def invitation(invite_token: str): return find(invite_token)
@app.post("/auth/logout-all")
def leave(form: dict, session: Session = Depends(get_session)):
    session.delete(digest(form["refresh_token"]))
@app.post("/auth/request-magic-link")
def send(email: str, session: Session = Depends(get_session)):
    session.add(Link(email=email))
@app.post("/users")
def sign_up(email: str, password: str, session: Session = Depends(get_session)):
    session.add(User(email=email, digest=hash_password(password)))
    session.commit()
@app.get("/media/users/{user_id}/{name}")
def picture(user_id: str, name: str): return file(user_id, name)
"""
        ),
        Snippet.of(
            _HEAD
            + """
from fastapi import Header
app = FastAPI()
@app.post("/tasks/sync")
def sync(key: str = Header(None), session: Session = Depends(get_session)):
    if key != config.CRON_SECRET_KEY:
        return {"status": "error"}
    session.add(Task(title="synced", user_id="cron"))
class Nobody:
    async def __call__(self):
        raise HTTPException(403)
if config.PROXY_TOKEN:
    allowed = Bearer(config.PROXY_TOKEN)
else:
    allowed = Nobody()
@app.post("/proxy", dependencies=[Depends(allowed)])
def proxy(session: Session = Depends(get_session)):
    session.add(Task(title="seen", user_id="proxy"))
"""
        ),
        Snippet.of(
            """
from fastapi import FastAPI
from starlette.responses import JSONResponse
from more import extend
app = FastAPI()
@app.middleware("http")
async def signed_in(request, call_next):
    if "authorization" not in request.headers:
        return JSONResponse({"detail": "no"}, status_code=401)
    return await call_next(request)
app = extend(app)
""",
            more=_HEAD
            + """
router = APIRouter()
@router.get("/tasks")
def tasks(session: Session = Depends(get_session)):
    return session.exec(select(Task)).all()
def extend(app: FastAPI):
    app.include_router(router)
    return app
""",
        ),
    ),
    invalid=(
        Snippet.of(
            _HEAD
            + """
app = FastAPI()
@app.patch("/tasks/{task_id}/status")
def set_status(task_id: int, session: Session = Depends(get_session)):
    return session.get(Task, task_id)
"""
        ),
        Snippet.of(
            _HEAD
            + """
app = FastAPI()
@app.post("/tasks/sync")
def sync(key: str, secret: str, session: Session = Depends(get_session)):
    if key != secret:
        return {"status": "error"}
    session.add(Task(title="synced", user_id="cron"))
"""
        ),
        Snippet.of(
            _HEAD
            + """
app = FastAPI()
@app.get("/tasks")
def tasks(session: Session = Depends(get_session)):
    return session.exec(select(Task)).all()
"""
        ),
        Snippet.of(
            _HEAD
            + """
app = FastAPI()
@app.get("/tasks")
def tasks(user: str = Depends(get_user), session: Session = Depends(get_session)):
    return session.exec(select(Task).where(Task.user_id == user)).all()
@app.get("/count")
def count(session: Session = Depends(get_session)):
    return len(session.exec(select(Task)).all())
"""
        ),
        Snippet.of(
            _HEAD
            + """
from fastapi.security import HTTPBearer
app = FastAPI()
@app.post("/tasks", dependencies=[Depends(HTTPBearer())])
def add(title: str, user_id: str, session: Session = Depends(get_session)):
    session.add(Task(title=title, user_id=user_id))
    session.commit()
"""
        ),
        Snippet.of(
            _HEAD
            + """
from fastapi.responses import JSONResponse
app = FastAPI()
@app.middleware("http")
async def errors(request, call_next):
    try:
        return await call_next(request)
    except NotSignedIn:
        return JSONResponse({"detail": "no"}, status_code=401)
@app.get("/tasks")
def tasks(session: Session = Depends(get_session)):
    return session.exec(select(Task)).all()
"""
        ),
        Snippet.of(
            _HEAD
            + """
from fastapi.responses import JSONResponse
app = FastAPI()
@app.middleware("http")
async def tenancy(request, call_next):
    try:
        tenant = await resolve(request)
        if not tenant:
            return JSONResponse({"detail": "which tenant?"}, status_code=400)
        use(tenant)
        count(tenant)
        response = await call_next(request)
        return response
    except NotSignedIn:
        return JSONResponse({"detail": "no"}, status_code=401)
@app.get("/tasks")
def tasks(session: Session = Depends(get_session)):
    return session.exec(select(Task)).all()
"""
        ),
        Snippet.of(
            """
from fastapi import FastAPI
app = FastAPI()
@app.get("/api/user/{user_id}/tasks")
def tasks(user_id: str): return []
"""
        ),
        Snippet.of(
            _HEAD
            + """
class Subscriber(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    email: str
app = FastAPI()
@app.get("/newsletter/subscribers")
def everybody(session: Session = Depends(get_session)):
    return session.exec(select(Subscriber)).all()
"""
        ),
        Snippet.of(
            """
from fastapi import FastAPI
app = FastAPI()
@app.delete("/admin/everything")
async def clear():
    database = await connect()
    await database.tasks.delete_many({})
"""
        ),
        Snippet.of(
            _HEAD
            + """
class Department(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
app = FastAPI()
router = APIRouter(prefix="/departments")
@router.get("/")
def departments(user=Depends(get_user), session: Session = Depends(get_session)):
    return session.exec(select(Department)).all()
@router.get("/download")
def download(session: Session = Depends(get_session)):
    return session.exec(select(Department)).all()
app.include_router(router)
"""
        ),
        Snippet.of(
            _HEAD
            + """
app = FastAPI()
@app.get("/refresh-list")
def refresh_tasks(session: Session = Depends(get_session)):
    return session.exec(select(Task)).all()
@app.get("/events")
def events(session: Session = Depends(get_session)):
    return session.exec(select(Task)).all()
@app.get("/events/{event_id}")
def event(event_id: int, session: Session = Depends(get_session)):
    return session.get(Task, event_id)
"""
        ),
        Snippet.of(
            _HEAD
            + """
import jwt
app = FastAPI()
@app.middleware("http")
async def limit(request, call_next):
    key = request.client.host
    try:
        key = jwt.decode(request.cookies["token"], KEY, algorithms=["EdDSA"])["sub"]
    except Exception:
        pass
    await count(key)
    return await call_next(request)
@app.get("/tasks")
def tasks(session: Session = Depends(get_session)):
    return session.exec(select(Task)).all()
"""
        ),
        Snippet.of(
            _HEAD
            + """
app = FastAPI()
@app.get("/google/refresh-token/{user_id}/{project_id}")
def refresh(user_id: str, project_id: str):
    return renew(user_id, project_id)
"""
        ),
        Snippet.of(
            _HEAD
            + """
app = FastAPI()
@app.get("/stripe/metrics/{project_id}")
def figures(project_id: str):
    user_id = "hardcoded_user_id"
    return fetch(user_id, project_id)
"""
        ),
        Snippet.of(
            """
from fastapi import FastAPI
from pydantic import BaseModel
app = FastAPI()
class ChatRequest(BaseModel):
    user_id: str
    message: str
@app.post("/chat")
async def chat(request: ChatRequest):
    return await assistant(request.user_id, request.message)
"""
        ),
        Snippet.of(
            """
from fastapi import FastAPI
app = FastAPI()
@app.post("/notes")
async def add(note: dict):
    return supabase.table("notes").insert(note).execute()
"""
        ),
    ),
    fixed=(
        None,
        None,
        None,
        Snippet.of(
            _HEAD
            + """
app = FastAPI()
@app.get("/tasks")
def tasks(user: str = Depends(get_user), session: Session = Depends(get_session)):
    return session.exec(select(Task).where(Task.user_id == user)).all()
@app.get("/count")
def count(user: str = Depends(get_user), session: Session = Depends(get_session)):
    return len(session.exec(select(Task)).all())
"""
        ),
        None,
        None,
        None,
        None,
        None,
        None,
        Snippet.of(
            _HEAD
            + """
class Department(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
app = FastAPI()
router = APIRouter(prefix="/departments")
@router.get("/")
def departments(user=Depends(get_user), session: Session = Depends(get_session)):
    return session.exec(select(Department)).all()
@router.get("/download")
def download(user = Depends(get_user), session: Session = Depends(get_session)):
    return session.exec(select(Department)).all()
app.include_router(router)
"""
        ),
        None,
        None,
        None,
        None,
        None,
        None,
    ),
)
