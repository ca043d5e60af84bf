"""The application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, HTTPException
from sqlmodel import Session, select

from app.auth import PathUser, guard
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
    user_id: str, user: PathUser, session: Session = Depends(get_session)
) -> list[TaskOut]:
    return session.exec(select(Task).where(Task.user_id == user.id)).all()


@app.post("/api/user/{user_id}/tasks", status_code=201)
def add_task(
    user_id: str, new: TaskIn, user: PathUser, session: Session = Depends(get_session)
) -> TaskOut:
    task = Task(user_id=user.id, **new.model_dump())
    session.add(task)
    session.commit()
    session.refresh(task)
    return task


@app.delete("/api/user/{user_id}/tasks/{task_id}", status_code=204)
def delete_task(
    user_id: str, task_id: int, user: PathUser, session: Session = Depends(get_session)
) -> None:
    mine = select(Task).where(Task.id == task_id, Task.user_id == user.id)
    task = session.exec(mine).first()
    if task is None:
        raise HTTPException(status_code=404, detail="Not Found")
    session.delete(task)
    session.commit()
