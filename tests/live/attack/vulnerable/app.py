"""The API itself: tasks under a path that names the user, projects with notes, and extras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, HTTPException, Request, WebSocket
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse

from tests.live.attack.vulnerable.doorman import Doorman
from tests.live.attack.vulnerable.world import Here, Row, User, Visitor, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from betterguard.testing.tokens import TokenIssuer

__all__ = ["vulnerable_app"]

router = APIRouter()
TASKS = "/api/users/{user_id}/tasks"
TASK = TASKS + "/{task_id}"
NOTES = "/api/projects/{project_id}/notes"


class Task(BaseModel):
    """A task as its owner writes it; what more comes is kept, for faults to believe."""

    model_config = ConfigDict(extra="allow")

    title: str
    done: bool = False
    project_id: int | None = None


class TaskChanges(BaseModel):
    """The parts of a task that a PATCH changes."""

    model_config = ConfigDict(extra="allow")

    title: str | None = None
    done: bool | None = None
    project_id: int | None = None


class Named(BaseModel):
    """A project or a note."""

    name: str


class Ids(BaseModel):
    """Tasks to do something with."""

    ids: list[int]


class Question(BaseModel):
    """What to search for."""

    query: str


def vulnerable_app(issuer: TokenIssuer, fault: str = "") -> FastAPI:
    """Build the API with one fault, or with none."""
    app = FastAPI(title="To-do", version="1.0")
    app.state.world = World(fault, Doorman(issuer, fault))
    if fault == "no-auth-on-a-route":
        app.add_api_route(TASKS, open_list)
    app.include_router(router)
    if fault in HIDDEN:
        path, method, endpoint = HIDDEN[fault]
        app.add_api_route(path, endpoint, methods=[method], include_in_schema=False)
    if fault == "double-slash-unguarded":
        app.add_middleware(Unguarded, world=app.state.world)
    return app


def task_out(row: Row) -> dict[str, Any]:
    """Show a task."""
    return {"id": row.id, "title": row.name, "done": row.done, "project_id": row.project}


def named_out(row: Row) -> dict[str, Any]:
    """Show a project or a note."""
    return {"id": row.id, "name": row.name}


def checked_project(world: World, user: str, number: int | None) -> int | None:
    """Make sure that a project that a body names is the caller's."""
    if number is not None:
        world.one(world.projects, number, world.owner(user, "foreign-parent-accepted"))
    return number


@router.get(TASKS)
async def list_tasks(world: Here, user: User) -> list[dict[str, Any]]:
    """List the caller's tasks."""
    return [task_out(row) for row in world.tasks.of(user)]


@router.post(TASKS, status_code=201)
async def add_task(world: Here, user: User, new: Task) -> dict[str, Any]:
    """Add a task."""
    claims = new.model_extra or {}
    project = checked_project(world, user, new.project_id)
    if world.fault == "id-from-body" and claims.get("id") in world.tasks.rows:
        row = world.tasks.rows[claims["id"]]
        row.owner, row.name = user, new.title
        return task_out(row)
    owner = claims.get("user_id", user) if world.fault == "owner-from-body" else user
    return task_out(world.tasks.add(owner, new.title, done=new.done, project=project))


@router.get(TASK)
async def read_task(world: Here, user: User, task_id: int) -> dict[str, Any]:
    """Give a task."""
    return task_out(world.one(world.tasks, task_id, world.owner(user, "read-unfiltered")))


@router.put(TASK)
async def replace_task(world: Here, user: User, task_id: int, new: Task) -> dict[str, Any]:
    """Write a task anew."""
    row = world.one(world.tasks, task_id, world.owner(user, "update-unfiltered"))
    row.project = checked_project(world, user, new.project_id)
    row.name, row.done = new.title, new.done
    return task_out(row)


@router.patch(TASK)
async def change_task(world: Here, user: User, task_id: int, new: TaskChanges) -> dict[str, Any]:
    """Change parts of a task."""
    row = world.one(world.tasks, task_id, world.owner(user, "patch-unfiltered"))
    row.project = checked_project(world, user, new.project_id) or row.project
    row.name = new.title or row.name
    row.done = row.done if new.done is None else new.done
    if world.fault == "owner-changed-by-patch":
        row.owner = (new.model_extra or {}).get("user_id", row.owner)
    return task_out(row)


@router.delete(TASK, status_code=204)
async def delete_task(world: Here, user: User, task_id: int) -> None:
    """Delete a task."""
    row = world.one(world.tasks, task_id, world.owner(user, "delete-unfiltered"))
    del world.tasks.rows[row.id]


@router.post(TASK + "/complete")
async def complete_task(world: Here, user: User, task_id: int) -> dict[str, bool]:
    """Set a task to done."""
    world.one(world.tasks, task_id, world.owner(user, "action-unfiltered")).done = True
    return {"done": True}


@router.get("/api/projects")
async def list_projects(request: Request, world: Here, user: User) -> Any:
    """List the caller's projects."""
    owner = world.owner(user, "list-unfiltered")
    if world.fault == "query-user-believed":
        owner = request.query_params.get("user_id", user)
    found = [named_out(row) for row in world.projects.of(owner)]
    if world.fault == "answers-cached-by-url":
        return world.cache.setdefault(str(request.url), found)
    return found


@router.post("/api/projects", status_code=201)
async def add_project(world: Here, user: User, new: Named) -> dict[str, Any]:
    """Add a project."""
    world.cache.clear()
    return named_out(world.projects.add(user, new.name))


@router.delete("/api/projects/{project_id}", status_code=204)
async def delete_project(world: Here, user: User, project_id: int) -> None:
    """Delete a project with its notes."""
    del world.projects.rows[world.one(world.projects, project_id, user).id]
    for note in [row for row in world.notes.of(None) if row.project == project_id]:
        del world.notes.rows[note.id]


@router.get(NOTES)
async def list_notes(world: Here, user: User, project_id: int) -> list[dict[str, Any]]:
    """List a project's notes."""
    world.one(world.projects, project_id, world.owner(user, "children-unfiltered"))
    return [named_out(row) for row in world.notes.of(None) if row.project == project_id]


@router.post(NOTES, status_code=201)
async def add_note(world: Here, user: User, project_id: int, new: Named) -> dict[str, Any]:
    """Add a note to a project."""
    world.one(world.projects, project_id, world.owner(user, "child-under-foreign-parent"))
    return named_out(world.notes.add(user, new.name, project=project_id))


@router.get("/api/search")
async def search(world: Here, user: User, q: str = "") -> list[dict[str, Any]]:
    """Search the caller's tasks."""
    owner = world.owner(user, "search-leaks") if q else user
    return [task_out(row) for row in world.tasks.of(owner) if q in row.name]


@router.post("/api/search")
async def search_by_body(world: Here, user: User, question: Question) -> dict[str, Any]:
    """Search the caller's tasks, and repeat the question."""
    rows = world.tasks.of(world.owner(user, "search-by-body-leaks"))
    found = [task_out(row) for row in rows if question.query in row.name]
    return {"query": question.query, "found": found}


@router.get("/api/stats")
async def stats(world: Here, user: User) -> dict[str, int]:
    """Count the caller's tasks."""
    return {"tasks": len(world.tasks.of(world.owner(user, "count-leaks")))}


@router.get("/api/export")
async def export(world: Here, user: User) -> dict[str, Any]:
    """Give all of the caller's tasks at once."""
    return {"tasks": [task_out(row) for row in world.tasks.of(world.owner(user, "export-leaks"))]}


@router.post("/api/tasks/bulk-delete")
async def bulk_delete(world: Here, user: User, which: Ids) -> dict[str, int]:
    """Delete several of the caller's tasks."""
    rows = world.tasks.of(world.owner(user, "bulk-unfiltered"))
    found = [row.id for row in rows if row.id in which.ids]
    for number in found:
        del world.tasks.rows[number]
    return {"deleted": len(found)}


@router.get("/api/feed")
async def feed(world: Here, user: Visitor) -> dict[str, Any]:
    """Give the news to anybody, and the caller's tasks to whoever has signed in."""
    own = [] if user is None else [task_out(row) for row in world.tasks.of(user)]
    return {"news": "none today", "own": own}


@router.get("/api/me")
async def me(user: User) -> dict[str, str]:
    """Tell who is calling."""
    return {"user": user}


@router.get("/health")
async def health() -> dict[str, str]:
    """Tell that the application answers."""
    return {"status": "ok"}


@router.websocket("/ws/{user_id}")
async def socket(websocket: WebSocket, world: Here, user_id: str) -> None:
    """Greet the caller."""
    try:
        user = await world.doorman.user(websocket)
    except HTTPException:
        if world.fault != "websocket-open":
            await websocket.close(1008)
            return
        user = user_id
    if user != user_id and world.fault != "websocket-path-not-compared":
        await websocket.close(1008)
        return
    await websocket.accept()
    await websocket.send_json({"hello": user_id})
    await websocket.close()


async def open_list(world: Here, user_id: str) -> list[dict[str, Any]]:
    """List anybody's tasks for anybody."""
    return [task_out(row) for row in world.tasks.of(user_id)]


async def delete_unasked(world: Here, task_id: int) -> None:
    """Delete any task for anybody."""
    world.tasks.rows.pop(task_id, None)


async def delete_by_header(request: Request, world: Here, task_id: int) -> None:
    """Delete any task when a header says so."""
    if request.headers.get("x-http-method-override") != "DELETE":
        raise HTTPException(405)
    world.tasks.rows.pop(task_id, None)


async def nothing() -> None:
    """Answer with nothing."""


HIDDEN: dict[str, tuple[str, str, Callable[..., Any]]] = {
    "head-open": (TASK, "HEAD", nothing),
    "hidden-method": (TASK + "/complete", "DELETE", delete_unasked),
    "method-override": (TASK, "POST", delete_by_header),
}
"""Routes that no document lists, by the name of the fault."""


class Unguarded:
    """Answers paths with two slashes by itself, past the guard."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self.app = app
        self.world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer such a path with every task."""
        if scope["type"] == "http" and "//" in scope["path"]:
            rows = [task_out(row) for row in self.world.tasks.of(None)]
            await JSONResponse(rows)(scope, receive, send)
        else:
            await self.app(scope, receive, send)
