"""The application."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import jwt
from fastapi import Depends, FastAPI, HTTPException, Request, WebSocket
from sqlmodel import Session, select

from app.db import create_tables, get_session
from app.models import Task, TaskIn, TaskOut


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    create_tables()
    yield


app = FastAPI(lifespan=lifespan)
KEYS = jwt.PyJWKClient(os.environ["BETTER_AUTH_URL"] + "/api/auth/jwks")


@app.middleware("http")
async def authenticate(request: Request, call_next):
    token = request.headers.get("Authorization", "").split(" ")[-1]
    try:
        key = KEYS.get_signing_key_from_jwt(token).key
        payload = jwt.decode(token, key, algorithms=["EdDSA"], options={"verify_aud": False})
    except jwt.PyJWTError:
        raise HTTPException(status_code=401, detail="Invalid token")
    request.state.user_id = payload["sub"]
    return await call_next(request)


@app.websocket("/ws")
async def updates(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_json({"status": "connected"})
    await socket.close()


@app.get("/api/user/{user_id}/tasks")
def list_tasks(user_id: str, session: Session = Depends(get_session)) -> list[TaskOut]:
    return session.exec(select(Task).where(Task.user_id == user_id)).all()


@app.post("/api/user/{user_id}/tasks", status_code=201)
def add_task(user_id: str, new: TaskIn, session: Session = Depends(get_session)) -> TaskOut:
    task = Task(user_id=user_id, **new.model_dump())
    session.add(task)
    session.commit()
    session.refresh(task)
    return task


@app.delete("/api/user/{user_id}/tasks/{task_id}", status_code=204)
def delete_task(user_id: str, task_id: int, session: Session = Depends(get_session)) -> None:
    mine = select(Task).where(Task.id == task_id, Task.user_id == user_id)
    task = session.exec(mine).first()
    if task is None:
        raise HTTPException(status_code=404, detail="Not Found")
    session.delete(task)
    session.commit()
