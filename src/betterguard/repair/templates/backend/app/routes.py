"""The API: a person's tasks, under a path that names that person.

No statement says whose rows it means: the session knows (see ``app/db.py``). A task of somebody
else is one that is not there: 404. A path that names somebody else is 403.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, status
from sqlmodel import col, select

from app.auth import PathUser
from app.db import UserSession
from app.models import Task, TaskChanges, TaskIn, TaskOut

__all__ = ["router"]


async def own_path(user: PathUser) -> None:
    """Refuse a path that names somebody else."""


router = APIRouter(prefix="/api/user/{user_id}/tasks", dependencies=[Depends(own_path)])


async def own_task(task_id: Annotated[int, Path(ge=1, le=2**31 - 1)], session: UserSession) -> Task:
    """Find a task; 404 when there is none that is the caller's."""
    return await session.get_one(Task, task_id)


OwnTask = Annotated[Task, Depends(own_task)]


@router.get("", response_model=list[TaskOut])
async def list_tasks(session: UserSession) -> list[Task]:
    """List the caller's tasks, oldest first."""
    return list(await session.exec(select(Task).order_by(col(Task.id))))


@router.post("", response_model=TaskOut, status_code=status.HTTP_201_CREATED)
async def add_task(new: TaskIn, session: UserSession) -> Task:
    """Add a task of the caller's."""
    return await saved(Task.model_validate(new), session)


@router.get("/{task_id}", response_model=TaskOut)
async def read_task(task: OwnTask) -> Task:
    """Give one task."""
    return task


@router.put("/{task_id}", response_model=TaskOut)
async def replace_task(task: OwnTask, new: TaskIn, session: UserSession) -> Task:
    """Write all of a task anew."""
    task.sqlmodel_update(new.model_dump())
    return await saved(task, session)


@router.patch("/{task_id}", response_model=TaskOut)
async def change_task(task: OwnTask, changes: TaskChanges, session: UserSession) -> Task:
    """Change the parts of a task that the body names."""
    task.sqlmodel_update(changes.model_dump(exclude_none=True))
    return await saved(task, session)


@router.delete("/{task_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_task(task: OwnTask, session: UserSession) -> None:
    """Delete a task."""
    await session.delete(task)
    await session.commit()


async def saved(task: Task, session: UserSession) -> Task:
    """Write the task and read back what the database made of it."""
    session.add(task)
    await session.commit()
    await session.refresh(task)
    return task
