"""Routes with faults that are added to the demo's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.live.attack import Family
from tests.e2e.faults.fault import LIST, TASK
from tests.e2e.faults.lines import added

if TYPE_CHECKING:
    from tests.e2e.faults.fault import Fault

__all__ = ["HIDDEN", "LEAKING"]


def leaking(attack: str, operation: str, route: str) -> Fault:
    """Add a route through which one user reaches what is another's."""
    return added(Family.CROSSING, attack, operation, route)


def hidden(attack: str, operation: str, route: str) -> Fault:
    """Add a route that no document lists."""
    return added(Family.SURFACE, attack, operation, route)


LEAKING = {
    "count-leaks": leaking(
        "count-foreign",
        "GET /api/statistics",
        """\
@router.get("/statistics")
async def statistics(_: CurrentUser, session: PlainSession) -> dict[str, int]:
    return {"tasks": (await session.exec(select(func.count(col(Task.id))))).one()}
""",
    ),
    "search-leaks": leaking(
        "search-foreign",
        "GET /api/search",
        """\
@router.get("/search", response_model=list[TaskOut])
async def search(q: str, _: CurrentUser, session: PlainSession) -> list[Task]:
    return list(await session.exec(select(Task).where(col(Task.title).contains(q))))
""",
    ),
    "export-leaks": leaking(
        "list-foreign",
        "GET /api/export",
        """\
@router.get("/export", response_class=PlainTextResponse)
async def export(_: CurrentUser, session: PlainSession) -> str:
    return "\\n".join(task.title for task in await session.exec(select(Task)))
""",
    ),
    "bulk-delete-unfiltered": leaking(
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
    "query-user-believed": leaking(
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
    "header-user-believed": leaking(
        "query-user",
        "GET /api/tasks",
        """\
@router.get("/tasks", response_model=list[TaskOut])
async def tasks(request: Request, user: CurrentUser, session: PlainSession) -> list[Task]:
    owner = request.headers.get("X-User-Id", user.id)
    return list(await session.exec(select(Task).where(Task.user_id == owner)))
""",
    ),
    "answer-cached-by-address": leaking(
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


HIDDEN = {
    "head-open": hidden(
        "undocumented-method",
        LIST,
        """\
@router.head("/user/{user_id}/tasks", include_in_schema=False)
async def task_count(user_id: str, session: PlainSession) -> Response:
    found = (await session.exec(select(Task).where(Task.user_id == user_id))).all()
    return Response(headers={"X-Total-Count": str(len(found))})
""",
    ),
    "hidden-method": hidden(
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
    "method-override": hidden(
        "method-override",
        f"GET {TASK}",
        """\
@router.post("/user/{user_id}/tasks/{task_id}", include_in_schema=False)
async def override(request: Request, task_id: int, session: PlainSession) -> None:
    if request.headers.get("X-HTTP-Method-Override") == "DELETE":
        await session.delete(await found(task_id, session))
        await session.commit()
""",
    ),
    "slash-unguarded": hidden(
        "path-variant",
        LIST,
        """\
@router.get("/user/{user_id}/tasks/", include_in_schema=False, response_model=list[TaskOut])
async def tasks_of(user_id: str, session: PlainSession) -> list[Task]:
    return list(await session.exec(select(Task).where(Task.user_id == user_id)))
""",
    ),
    "websocket-open": hidden(
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
    "websocket-path-not-compared": hidden(
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
