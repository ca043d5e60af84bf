"""The API: a person's tasks, under a path that names that person."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, status
from sqlmodel import col, select

from demo.backend.auth import CurrentUser, PathUser
from demo.backend.db import UserSession, answers
from demo.backend.models import LARGEST_ID, Task, TaskChanges, TaskIn, TaskOut

__all__ = ["router"]

router = APIRouter(prefix="/api")


TaskId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


async def own_task(task_id: TaskId, _: PathUser, session: UserSession) -> Task:
    """Find the caller's task; 404 for one that is missing and for one that is another's."""
    return await session.get_one(Task, task_id)


OwnTask = Annotated[Task, Depends(own_task)]


@router.get("/user/{user_id}/tasks", response_model=list[TaskOut])
async def list_tasks(_: PathUser, session: UserSession) -> list[Task]:
    """List the caller's tasks, oldest first."""
    return list(await session.exec(select(Task).order_by(col(Task.id))))


@router.post("/user/{user_id}/tasks", response_model=TaskOut, status_code=status.HTTP_201_CREATED)
async def add_task(new: TaskIn, _: PathUser, session: UserSession) -> Task:
    """Add a task; its owner is the person whom the token names."""
    return await saved(Task(title=new.title, done=new.done), session)


@router.get("/user/{user_id}/tasks/{task_id}", response_model=TaskOut)
async def read_task(task: OwnTask) -> Task:
    """Give one task."""
    return task


@router.put("/user/{user_id}/tasks/{task_id}", response_model=TaskOut)
async def replace_task(task: OwnTask, new: TaskIn, session: UserSession) -> Task:
    """Write all of a task anew."""
    task.sqlmodel_update(new.model_dump())
    return await saved(task, session)


@router.patch("/user/{user_id}/tasks/{task_id}", response_model=TaskOut)
async def change_task(task: OwnTask, changes: TaskChanges, session: UserSession) -> Task:
    """Change the parts of a task that the body names."""
    task.sqlmodel_update(changes.model_dump(exclude_none=True))
    return await saved(task, session)


@router.delete("/user/{user_id}/tasks/{task_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_task(task: OwnTask, session: UserSession) -> None:
    """Delete a task."""
    await session.delete(task)
    await session.commit()


@router.get("/fault")
async def fault(user: CurrentUser) -> None:
    """Raise on purpose, to show that a page on another origin can read a 500."""
    msg = f"raised on purpose, in a request of user {user.id}"
    raise RuntimeError(msg)


@router.get("/health")
async def health() -> dict[str, str]:
    """Tell that the application answers and that its database does."""
    await answers()
    return {"status": "ok"}


async def saved(task: Task, session: UserSession) -> Task:
    """Write the task and read back what the database made of it."""
    session.add(task)
    await session.commit()
    await session.refresh(task)
    return task
