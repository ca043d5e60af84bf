"""The application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, HTTPException
from sqlmodel import Session, select

from app.auth import get_current_user, guard
from app.db import create_tables, get_session
from app.models import Task, TaskIn, TaskOut


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    create_tables()
    async with guard.lifespan(app):
        yield


app = FastAPI(lifespan=lifespan)
guard.install(app)


@app.get("/api/user/{user_id}/tasks")
def list_tasks(
    user_id: str, caller: str = Depends(get_current_user), session: Session = Depends(get_session)
) -> list[TaskOut]:
    if user_id != caller:
        raise HTTPException(status_code=403, detail="Forbidden")
    return session.exec(select(Task).where(Task.user_id == caller)).all()


@app.post("/api/user/{user_id}/tasks", status_code=201)
def add_task(
    user_id: str,
    new: TaskIn,
    caller: str = Depends(get_current_user),
    session: Session = Depends(get_session),
) -> TaskOut:
    if user_id != caller:
        raise HTTPException(status_code=403, detail="Forbidden")
    task = Task(user_id=caller, **new.model_dump())
    session.add(task)
    session.commit()
    session.refresh(task)
    return task


@app.delete("/api/user/{user_id}/tasks/{task_id}", status_code=204)
def delete_task(
    user_id: str,
    task_id: int,
    caller: str = Depends(get_current_user),
    session: Session = Depends(get_session),
) -> None:
    if user_id != caller:
        raise HTTPException(status_code=403, detail="Forbidden")
    mine = select(Task).where(Task.id == task_id, Task.user_id == caller)
    task = session.exec(mine).first()
    if task is None:
        raise HTTPException(status_code=404, detail="Not Found")
    session.delete(task)
    session.commit()
