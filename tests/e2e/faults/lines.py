"""Lines of the demo's routes, and what faults put there instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.faults.copying import Change, Scope
from tests.e2e.faults.fault import LIST, Fault

if TYPE_CHECKING:
    from betterguard.live.attack import Family

__all__ = [
    "ADDED",
    "ADDING",
    "BEFORE_FAULT",
    "CHANGING",
    "DELETING",
    "EVERYBODYS",
    "FINDING",
    "LISTED",
    "LISTING",
    "READING",
    "REPLACING",
    "added",
    "in_routes",
    "through",
]

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
CHANGING = (
    "async def change_task(task: OwnTask, changes: TaskChanges, session: UserSession) -> Task:\n"
)
DELETING = "async def delete_task(task: OwnTask, session: UserSession) -> None:\n"
FINDING = "async def own_task(task_id: TaskId, _: PathUser, session: UserSession) -> Task:\n"
BEFORE_FAULT = '@router.get("/fault")\n'


def in_routes(family: Family, attack: str, operation: str, *pairs: tuple[str, str]) -> Fault:
    """Put a fault into the routes, beside an engine that reaches everything."""
    changes = (EVERYBODYS, *(Change("routes.py", *pair) for pair in pairs))
    return Fault(changes, attack, operation, Scope(frozenset({family}), (operation, LIST)))


def added(family: Family, attack: str, operation: str, route: str) -> Fault:
    """Add a route that has a fault."""
    pair = BEFORE_FAULT, f"{route}\n\n{BEFORE_FAULT}"
    return in_routes(family, attack, operation, pair)


def through(task: str, line: str) -> str:
    """Give a signature with a task found otherwise, and with a session that reaches everything."""
    return line.replace("OwnTask", task).replace("UserSession", "PlainSession")
