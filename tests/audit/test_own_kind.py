from __future__ import annotations

import re
from pathlib import Path

import pytest

from betterguard.audit import audit
from betterguard.audit.engine import audit_texts

APPLICATION = {
    "auth.py": """
from typing import Annotated
from betterguard import BetterGuard, User
from fastapi import Depends

guard = BetterGuard.from_env()
CurrentUser = Annotated[User, Depends(guard.user)]
PathUser = Annotated[User, Depends(guard.path_user)]
verify_token = guard.verify_token
""",
    "db.py": """
from typing import Annotated
from auth import guard
from betterguard.rows import isolate, user_session
from fastapi import Depends
from models import Base
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

engine = isolate(create_async_engine("postgresql+asyncpg://"), Base.metadata)
UserSession = Annotated[AsyncSession, Depends(user_session(engine, guard))]
""",
    "models.py": """
from datetime import UTC, datetime
from betterguard.schema import UtcDateTime
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase): ...

def now() -> datetime:
    return datetime.now(UTC)

class Task(Base):
    __tablename__ = "task"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)
""",
    "main.py": """
from auth import CurrentUser, PathUser, guard, verify_token
from db import UserSession
from fastapi import Depends, FastAPI
from models import Task
from sqlalchemy import select

app = FastAPI(lifespan=guard.lifespan)
guard.install(app)

@app.get("/api/user/{user_id}/tasks")
async def tasks(user: PathUser, session: UserSession) -> list[Task]:
    print("\\u2713")
    return (await session.scalars(select(Task))).all()

@app.get("/tasks/{task_id}")
async def task(task_id: int, user: CurrentUser, session: UserSession) -> Task | None:
    return await session.get(Task, task_id)

@app.delete("/tasks/{task_id}")
async def remove(task_id: int, session: UserSession, me: str = Depends(verify_token)) -> None:
    await session.delete(await session.get(Task, task_id))
""",
}


def test_an_application_of_betterguard_is_understood_and_clean() -> None:
    assert audit_texts(APPLICATION) == []


SOCKETS = """
from auth import guard
from db import UserSession, engine
from betterguard import rows
from fastapi import Depends, FastAPI, WebSocket
from models import Task
from sqlalchemy import select

app = FastAPI(lifespan=guard.lifespan)
guard.install(app)

@app.websocket("/news")
async def news(socket: WebSocket) -> None:
    await socket.accept()
    async with guard.watch(socket) as user:
        async with rows.session(engine, user.id) as session:
            await socket.send_json((await session.scalars(select(Task))).all())

async def caller(token: str) -> str:
    return (await guard.verify(token)).user_id

async def caller_alone(token: str) -> str:
    return (await guard.verifier.verify(token)).user_id

@app.post("/by-token")
async def by_token(session: UserSession, user_id: str = Depends(caller)) -> None:
    session.add(Task(user_id=user_id))

@app.post("/by-token-alone")
async def by_token_alone(session: UserSession, user_id: str = Depends(caller_alone)) -> None:
    session.add(Task(user_id=user_id))

@app.delete("/tasks", dependencies=[Depends(guard.fresh_user)])
async def remove(session: UserSession) -> None:
    for task in await session.scalars(select(Task)):
        await session.delete(task)
"""


@pytest.mark.parametrize("name", ["guard", "auth", "protect", "bg"])
def test_a_guard_is_known_by_what_it_is_whatever_its_name(name: str) -> None:
    files = APPLICATION | {"live.py": SOCKETS}
    renamed = {path: re.sub(r"\bguard\b", name, text) for path, text in files.items()}
    assert audit_texts(renamed) == []


def test_a_socket_that_something_else_watches_is_open() -> None:
    watched = SOCKETS.replace("guard.watch(socket)", "supervisor.watch(socket)")
    found = audit_texts(APPLICATION | {"live.py": watched})
    assert [finding.rule for finding in found] == ["BG103"]


def test_the_demo_is_clean() -> None:
    folder = Path(__file__).resolve().parents[2] / "demo"
    assert audit([folder]).findings == []


def test_without_isolation_the_same_application_is_not_clean() -> None:
    plain = APPLICATION["db.py"].replace("isolate(", "(").replace("isolate, ", "")
    found = audit_texts(APPLICATION | {"db.py": plain})
    assert {finding.rule for finding in found} == {"BG302"}
