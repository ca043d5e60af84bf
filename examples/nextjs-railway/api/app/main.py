"""The application: ``uvicorn app.main:app``."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Path, status
from sqlmodel import col, select

from app.auth import PathUser, guard
from app.db import UserSession
from app.models import Task, TaskIn, TaskOut

app = FastAPI(title="Tasks", lifespan=guard.lifespan)
guard.install(app)  # CORS around everything, error answers, UTF-8 console

TASKS = "/api/user/{user_id}/tasks"
TaskId = Annotated[int, Path(ge=1, lt=2**31)]


@app.get(TASKS, response_model=list[TaskOut])
async def list_tasks(_: PathUser, session: UserSession) -> list[Task]:
    """List the caller's tasks: no filter is written, the session has it."""
    return list(await session.exec(select(Task).order_by(col(Task.id))))


@app.post(TASKS, response_model=TaskOut, status_code=status.HTTP_201_CREATED)
async def add_task(_: PathUser, new: TaskIn, session: UserSession) -> Task:
    """Add a task; its owner is the person whom the token names."""
    task = Task(**new.model_dump())
    session.add(task)
    await session.commit()
    return task


@app.put(TASKS + "/{task_id}", response_model=TaskOut)
async def change_task(_: PathUser, task_id: TaskId, new: TaskIn, session: UserSession) -> Task:
    """Write a task anew; 404 for one that is missing and for one that is another's."""
    task = await session.get_one(Task, task_id)
    task.sqlmodel_update(new.model_dump())
    await session.commit()
    return task


@app.delete(TASKS + "/{task_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_task(_: PathUser, task_id: TaskId, session: UserSession) -> None:
    """Delete a task."""
    await session.delete(await session.get_one(Task, task_id))
    await session.commit()


@app.get("/health")
async def health() -> dict[str, str]:
    """Tell that the application answers."""
    return {"status": "ok"}
