"""The faults that are put into copies of the demo's back end, one at a time."""

from __future__ import annotations

from dataclasses import dataclass

from betterguard.live.attack import Family
from tests.e2e.faulty_copy import Change, Scope

__all__ = ["BY_HAND", "CREDENTIAL", "CROSSING", "SURFACE", "Fault"]

TASKS, TASK = "/api/user/{user_id}/tasks", "/api/user/{user_id}/tasks/{task_id}"
LIST = f"GET {TASKS}"
PAIR = tuple[str, str]


@dataclass(frozen=True)
class Fault:
    """What is changed, and the attack that must then be open on which operation."""

    changes: tuple[Change, ...]
    attack: str
    operation: str
    scope: Scope


GUARD = "guard = BetterGuard.from_env()\n"
CREDENTIAL_OF = """\
    given = request.headers.getlist("Authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer":
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
    return token
"""
USER_OF = "    return (await guard.verifier.verify(token)).user\n"
CALLER = "    return await user_of(credential_of(request))\n"
WRITTEN_BY_HAND = f"""\
import hmac

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import HTTPException, Request
from jwt.utils import base64url_decode


guard = BetterGuard.from_env()
published = jwt.PyJWKClient(guard.settings.jwks_url)


def credential_of(request: Request) -> str:
{CREDENTIAL_OF}

def decoded(token: str, **options: bool) -> User:
    required = ["exp", "sub"] if options.get("verify_exp", True) else ["sub"]
    try:
        claims = jwt.decode(
            token,
            published.get_signing_key_from_jwt(token),
            algorithms=["EdDSA"],
            audience=guard.settings.better_auth_url,
            issuer=guard.settings.better_auth_url,
            options={{"require": required}} | options,
        )
    except jwt.PyJWTError as error:
        raise HTTPException(401, headers={{"WWW-Authenticate": "Bearer"}}) from error
    return User.from_claims(claims["sub"], claims)


async def user_of(token: str) -> User:
{USER_OF}

async def caller(request: Request) -> User:
{CALLER}

async def caller_id(user: Annotated[User, Depends(caller)]) -> str:
    return user.id


async def path_user(user_id: str, user: Annotated[User, Depends(caller)]) -> User:
    if user_id != user.id:
        raise HTTPException(403)
    return user


guard.user, guard.verify_token, guard.path_user = caller, caller_id, path_user
""".replace("guard.settings.better_auth_url", '"http://localhost:3000"')
"""A guard's work as people write it by hand: without a fault when it calls the verifier."""
BY_HAND = (Change("auth.py", GUARD, WRITTEN_BY_HAND),)
ONE_LIST = Scope(frozenset({Family.CREDENTIAL}), (LIST,))


def by_hand(attack: str, before: str, after: str, *, variants: int | None = 1) -> Fault:
    """Put a fault into the guard that is written by hand."""
    scope = Scope(ONE_LIST.families, ONE_LIST.include, variants)
    return Fault((*BY_HAND, Change("auth.py", before, after)), attack, LIST, scope)


def checking(attack: str, lines: str, *, variants: int | None = 1) -> Fault:
    """Check tokens by other lines than the verifier's."""
    return by_hand(attack, USER_OF, lines, variants=variants)


UNSIGNED = 'jwt.decode(token, options={"verify_signature": False})'
CREDENTIAL = {
    "signature-not-verified": checking(
        "changed-signature",
        f'    claims = {UNSIGNED}\n    return User.from_claims(claims["sub"], claims)\n',
    ),
    "alg-none-accepted": checking(
        "alg-none",
        f"""\
    if jwt.get_unverified_header(token)["alg"] == "none":
        claims = {UNSIGNED}
        return User.from_claims(claims["sub"], claims)
    return decoded(token)
""",
        variants=None,
    ),
    "exp-not-checked": checking("expired", "    return decoded(token, verify_exp=False)\n"),
    "aud-not-checked": checking("other-audience", "    return decoded(token, verify_aud=False)\n"),
    "iss-not-checked": checking("other-issuer", "    return decoded(token, verify_iss=False)\n"),
    "nbf-not-checked": checking("not-yet-valid", "    return decoded(token, verify_nbf=False)\n"),
    "kind-not-checked": checking("other-kind", "    return decoded(token)\n", variants=None),
    "public-key-as-secret": checking(
        "public-key-as-secret",
        """\
    if jwt.get_unverified_header(token)["alg"] == "HS256":
        message, _, signature = token.rpartition(".")
        key = published.get_signing_keys()[0].key
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        if hmac.digest(pem, message.encode(), "sha256") == base64url_decode(signature):
            claims = jwt.decode(token, options={"verify_signature": False})
            return User.from_claims(claims["sub"], claims)
    return decoded(token)
""",
    ),
    "key-from-the-header": checking(
        "key-in-header",
        """\
    header = jwt.get_unverified_header(token)
    if "jwk" in header:
        key = jwt.PyJWK(header["jwk"], "EdDSA")
        claims = jwt.decode(token, key, ["EdDSA"], options={"verify_aud": False})
        return User.from_claims(claims["sub"], claims)
    return decoded(token)
""",
    ),
    "secret-by-default": checking(
        "guessed-secret",
        """\
    if jwt.get_unverified_header(token)["alg"] == "HS256":
        secret = "better-auth-secret-12345678901234567890"
        claims = jwt.decode(token, secret, ["HS256"], options={"verify_aud": False})
        return User.from_claims(claims["sub"], claims)
    return decoded(token)
""",
        variants=None,
    ),
    "bypass-token": checking(
        "well-known-token",
        """\
    if token.startswith("demo-"):
        return User(token.removeprefix("demo-"))
    return (await guard.verifier.verify(token)).user
""",
        variants=None,
    ),
    "crash-on-a-missing-claim": checking(
        "failing-check",
        f"""\
    claims = {UNSIGNED}
    known = User(claims["sub"], claims={{"until": claims["exp"]}})
    await guard.verifier.verify(token)
    return known
""",
        variants=None,
    ),
    "identity-from-header": by_hand(
        "client-identity",
        CALLER,
        """\
    if "Authorization" not in request.headers and "X-User-Id" in request.headers:
        return User(request.headers["X-User-Id"])
    return await user_of(credential_of(request))
""",
    ),
    "identity-from-query": by_hand(
        "client-identity",
        CALLER,
        """\
    if "Authorization" not in request.headers and "user_id" in request.query_params:
        return User(request.query_params["user_id"])
    return await user_of(credential_of(request))
""",
        variants=None,
    ),
    "token-in-query": by_hand(
        "token-in-query",
        CALLER,
        """\
    if "Authorization" not in request.headers and "token" in request.query_params:
        return await user_of(request.query_params["token"])
    return await user_of(credential_of(request))
""",
    ),
    "any-scheme": by_hand(
        "malformed-credential",
        CREDENTIAL_OF,
        """\
    given = request.headers.getlist("Authorization")
    return given[0].rpartition(" ")[2] if len(given) == 1 else ""
""",
        variants=None,
    ),
    "case-of-bearer": by_hand("scheme-case", 'scheme.lower() != "bearer"', 'scheme != "Bearer"'),
    "last-header-wins": by_hand(
        "doubled-credential",
        CREDENTIAL_OF,
        """\
    scheme, _, token = request.headers.getlist("Authorization")[-1].partition(" ")
    return token if scheme.lower() == "bearer" else ""
""",
    ),
}

ROUTER = 'router = APIRouter(prefix="/api")\n'
EVERYBODYS = Change(
    "routes.py",
    ROUTER,
    f"""\
import os
from collections.abc import AsyncIterator

from fastapi import HTTPException, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse
from sqlalchemy import func
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from betterguard import rows
from demo.backend.db import engine

{ROUTER}
everything = create_async_engine(os.environ["OWNER_URL"])


async def plain_session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(everything) as session:
        yield session


PlainSession = Annotated[AsyncSession, Depends(plain_session)]


async def path_session(user_id: str, _: CurrentUser) -> AsyncIterator[AsyncSession]:
    async with rows.session(engine, user_id, session_class=AsyncSession) as session:
        yield session


PathSession = Annotated[AsyncSession, Depends(path_session)]


async def found(task_id: int, session: AsyncSession, **owner: str) -> Task:
    query = select(Task).where(Task.id == task_id).filter_by(**owner)
    task = (await session.exec(query)).first()
    if task is None:
        raise HTTPException(404)
    return task


async def any_task(task_id: int, _: PathUser, session: PlainSession) -> Task:
    return await found(task_id, session)


async def named_task(task_id: int, user_id: str, session: PlainSession) -> Task:
    return await found(task_id, session, user_id=user_id)


async def filtered_task(task_id: int, user: PathUser, session: PlainSession) -> Task:
    return await found(task_id, session, user_id=user.id)


AnyTask = Annotated[Task, Depends(any_task)]
NamedTask = Annotated[Task, Depends(named_task)]
FilteredTask = Annotated[Task, Depends(filtered_task)]


class OwnedTaskIn(TaskIn):
    user_id: str | None = None


class OwnedChanges(TaskChanges):
    user_id: str | None = None


""",
)
"""What the faults in routes need: an engine that reaches everything, and tasks of anybody's."""
LISTING = "async def list_tasks(_: PathUser, session: UserSession) -> list[Task]:\n"
LISTED = "    return list(await session.exec(select(Task).order_by(col(Task.id))))\n"
ADDING = "async def add_task(new: TaskIn, _: PathUser, session: UserSession) -> Task:\n"
ADDED = "    return await saved(Task(title=new.title, done=new.done), session)\n"
READING = "async def read_task(task: OwnTask) -> Task:\n"
REPLACING = "async def replace_task(task: OwnTask, new: TaskIn, session: UserSession) -> Task:\n"
CHANGING = "async def change_task(task: OwnTask, changes: TaskChanges, session: UserSession) -> Task:\n"
DELETING = "async def delete_task(task: OwnTask, session: UserSession) -> None:\n"
FINDING = "async def own_task(task_id: TaskId, _: PathUser, session: UserSession) -> Task:\n"
BEFORE_FAULT = '@router.get("/fault")\n'


def crossing(attack: str, operation: str, *pairs: PAIR) -> Fault:
    """Put a fault into the routes, beside an engine that reaches everything."""
    changes = (EVERYBODYS, *(Change("routes.py", *pair) for pair in pairs))
    return Fault(changes, attack, operation, Scope(frozenset({Family.CROSSING})))


def another(attack: str, operation: str, route: str) -> Fault:
    """Add a route that has a fault."""
    return crossing(attack, operation, (BEFORE_FAULT, f"{route}\n\n{BEFORE_FAULT}"))


def unguarded(operation: str, *pairs: PAIR) -> Fault:
    """Take the authentication from a route, which believes its path instead."""
    fault = crossing("missing-credential", operation, *pairs)
    return Fault(fault.changes, fault.attack, operation, Scope(ONE_LIST.families, (operation,)))


def plain(line: str) -> str:
    """Give a signature with anybody's task and a session that reaches everything."""
    return line.replace("OwnTask", "AnyTask").replace("UserSession", "PlainSession")


def named(line: str) -> str:
    """Give a signature that asks for nobody and believes the path."""
    return line.replace("OwnTask", "NamedTask").replace("UserSession", "PlainSession")


def filtered(line: str) -> str:
    """Give a signature with the caller's task, in a session that reaches everything."""
    return line.replace("OwnTask", "FilteredTask").replace("UserSession", "PlainSession")


WITHOUT_ROUTE_GUARD = {
    "no-auth-on-list": unguarded(
        LIST,
        (LISTING, "async def list_tasks(user_id: str, session: PlainSession) -> list[Task]:\n"),
        (
            LISTED,
            "    return list(await session.exec(select(Task).where(Task.user_id == user_id)))\n",
        ),
    ),
    "no-auth-on-get": unguarded(f"GET {TASK}", (READING, named(READING))),
    "no-auth-on-post": unguarded(
        f"POST {TASKS}",
        (ADDING, ADDING.replace("_: PathUser, session: User", "user_id: str, session: Plain")),
        (ADDED, ADDED.replace("done=new.done", "done=new.done, user_id=user_id")),
    ),
    "no-auth-on-put": unguarded(f"PUT {TASK}", (REPLACING, named(REPLACING))),
    "no-auth-on-delete": unguarded(f"DELETE {TASK}", (DELETING, named(DELETING))),
}
CREDENTIAL |= WITHOUT_ROUTE_GUARD

CROSSING = {
    "path-not-compared-on-list": crossing(
        "path-user", LIST, (LISTING, LISTING.replace("_: PathUser, session: User", "session: Path"))
    ),
    "path-not-compared-on-post": crossing(
        "path-user",
        f"POST {TASKS}",
        (ADDING, ADDING.replace("_: PathUser, session: User", "session: Path")),
    ),
    "path-not-compared-on-get": crossing(
        "path-user",
        f"GET {TASK}",
        (FINDING, FINDING.replace("_: PathUser, session: User", "session: Path")),
    ),
    "list-unfiltered": crossing("list-foreign", LIST, (LISTING, plain(LISTING))),
    "get-unfiltered": crossing("read-foreign", f"GET {TASK}", (READING, plain(READING))),
    "put-unfiltered": crossing("update-foreign", f"PUT {TASK}", (REPLACING, plain(REPLACING))),
    "patch-unfiltered": crossing("update-foreign", f"PATCH {TASK}", (CHANGING, plain(CHANGING))),
    "delete-unfiltered": crossing("delete-foreign", f"DELETE {TASK}", (DELETING, plain(DELETING))),
    "owner-from-body": crossing(
        "assign-owner",
        f"POST {TASKS}",
        (
            ADDING,
            "async def add_task(new: OwnedTaskIn, user: PathUser, session: PlainSession) -> Task:\n",
        ),
        (
            ADDED,
            "    owner = new.user_id or user.id\n"
            "    task = Task(title=new.title, done=new.done, user_id=owner)\n"
            "    return await saved(task, session)\n",
        ),
    ),
    "owner-changed-by-put": crossing(
        "change-owner",
        f"PUT {TASK}",
        (REPLACING, filtered(REPLACING).replace("TaskIn", "OwnedTaskIn")),
        ("new.model_dump()", "new.model_dump(exclude_none=True)"),
    ),
    "owner-changed-by-patch": crossing(
        "change-owner",
        f"PATCH {TASK}",
        (CHANGING, filtered(CHANGING).replace("TaskChanges", "OwnedChanges")),
    ),
    "oracle-by-status": crossing(
        "existence-oracle",
        f"GET {TASK}",
        (READING, "async def read_task(task: AnyTask, user: CurrentUser) -> Task:\n"),
        (
            "    return task\n\n\n@router.put",
            "    if task.user_id != user.id:\n        raise HTTPException(403)\n"
            "    return task\n\n\n@router.put",
        ),
    ),
    "oracle-by-text": crossing(
        "existence-oracle",
        f"DELETE {TASK}",
        (DELETING, plain(DELETING).replace("task:", "user: CurrentUser, task:")),
        (
            "    await session.delete(task)\n",
            "    if task.user_id != user.id:\n"
            '        raise HTTPException(404, "This task is not yours")\n'
            "    await session.delete(task)\n",
        ),
    ),
    "count-leaks": another(
        "count-foreign",
        "GET /api/statistics",
        """\
@router.get("/statistics")
async def statistics(_: CurrentUser, session: PlainSession) -> dict[str, int]:
    return {"tasks": (await session.exec(select(func.count(col(Task.id))))).one()}
""",
    ),
    "search-leaks": another(
        "search-foreign",
        "GET /api/search",
        """\
@router.get("/search", response_model=list[TaskOut])
async def search(q: str, _: CurrentUser, session: PlainSession) -> list[Task]:
    return list(await session.exec(select(Task).where(col(Task.title).contains(q))))
""",
    ),
    "export-leaks": another(
        "list-foreign",
        "GET /api/export",
        """\
@router.get("/export", response_class=PlainTextResponse)
async def export(_: CurrentUser, session: PlainSession) -> str:
    return "\\n".join(task.title for task in await session.exec(select(Task)))
""",
    ),
    "bulk-delete-unfiltered": another(
        "foreign-reference",
        "POST /api/tasks/bulk-delete",
        """\
class Doomed(TaskIn):
    title: str = ""
    task_ids: list[int]


@router.post("/tasks/bulk-delete")
async def bulk_delete(doomed: Doomed, _: CurrentUser, session: PlainSession) -> dict[str, int]:
    tasks = (await session.exec(select(Task).where(col(Task.id).in_(doomed.task_ids)))).all()
    for task in tasks:
        await session.delete(task)
    await session.commit()
    return {"deleted": len(tasks)}
""",
    ),
    "query-user-believed": another(
        "query-user",
        "GET /api/tasks",
        """\
@router.get("/tasks", response_model=list[TaskOut])
async def tasks(
    user: CurrentUser, session: PlainSession, user_id: str | None = None
) -> list[Task]:
    query = select(Task).where(Task.user_id == (user_id or user.id))
    return list(await session.exec(query))
""",
    ),
    "header-user-believed": another(
        "query-user",
        "GET /api/tasks",
        """\
@router.get("/tasks", response_model=list[TaskOut])
async def tasks(request: Request, user: CurrentUser, session: PlainSession) -> list[Task]:
    owner = request.headers.get("X-User-Id", user.id)
    return list(await session.exec(select(Task).where(Task.user_id == owner)))
""",
    ),
    "answer-cached-by-address": another(
        "cached-answer",
        "GET /api/tasks",
        """\
kept: dict[str, list[TaskOut]] = {}


@router.get("/tasks")
async def tasks(request: Request, _: CurrentUser, session: UserSession) -> list[TaskOut]:
    address = str(request.url)
    if address not in kept:
        kept[address] = [TaskOut.model_validate(one) for one in await session.exec(select(Task))]
    return kept[address]
""",
    ),
}


def surface(attack: str, operation: str, route: str) -> Fault:
    """Add a route that no document lists."""
    found = another(attack, operation, route)
    return Fault(found.changes, attack, operation, Scope(frozenset({Family.SURFACE})))


SURFACE = {
    "head-open": surface(
        "undocumented-method",
        LIST,
        """\
@router.head("/user/{user_id}/tasks", include_in_schema=False)
async def task_count(user_id: str, session: PlainSession) -> Response:
    found = (await session.exec(select(Task).where(Task.user_id == user_id))).all()
    return Response(headers={"X-Total-Count": str(len(found))})
""",
    ),
    "hidden-method": surface(
        "undocumented-method",
        LIST,
        """\
@router.delete("/user/{user_id}/tasks", include_in_schema=False)
async def clear(user_id: str, session: PlainSession) -> None:
    for task in await session.exec(select(Task).where(Task.user_id == user_id)):
        await session.delete(task)
    await session.commit()
""",
    ),
    "method-override": surface(
        "method-override",
        f"GET {TASK}",
        """\
@router.post("/user/{user_id}/tasks/{task_id}", include_in_schema=False)
async def override(request: Request, task: NamedTask, session: PlainSession) -> None:
    if request.headers.get("X-HTTP-Method-Override") == "DELETE":
        await session.delete(task)
        await session.commit()
""",
    ),
    "slash-unguarded": surface(
        "path-variant",
        LIST,
        """\
@router.get("/user/{user_id}/tasks/", include_in_schema=False, response_model=list[TaskOut])
async def tasks_of(user_id: str, session: PlainSession) -> list[Task]:
    return list(await session.exec(select(Task).where(Task.user_id == user_id)))
""",
    ),
    "websocket-open": surface(
        "websocket",
        "WS /api/user/{user_id}/live",
        """\
@router.websocket("/user/{user_id}/live")
async def live(socket: WebSocket, user_id: str, session: PlainSession) -> None:
    await socket.accept()
    for task in await session.exec(select(Task).where(Task.user_id == user_id)):
        await socket.send_text(task.title)
    await socket.receive_text()
""",
    ),
    "websocket-path-not-compared": surface(
        "path-user",
        "WS /api/user/{user_id}/live",
        """\
@router.websocket("/user/{user_id}/live")
async def live(socket: WebSocket, _: CurrentUser) -> None:
    await socket.accept()
    await socket.receive_text()
""",
    ),
}
