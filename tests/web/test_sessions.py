from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    make_transient_to_detached,
    mapped_column,
)

from betterguard import BetterGuard, rows
from betterguard.errors import ConfigurationError
from betterguard.web.sessions import user_session
from tests.web.conftest import bearer, make_settings, make_token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Base(DeclarativeBase):
    pass


class Note(rows.Owned, Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


def sync_app(app: FastAPI, guard: BetterGuard[Any], path: Path) -> None:
    engine = rows.isolate(sa.create_engine(f"sqlite:///{path}"), Base.metadata)
    opened = Depends(user_session(engine, guard))

    @app.get("/elsewhere")
    def elsewhere() -> str:
        with rows.session(engine, "ada") as session:
            return session.get_one(Note, 3).title

    @app.get("/notes")
    def notes(session: Any = opened) -> list[str]:
        return list(session.scalars(sa.select(Note.title)))

    @app.get("/notes/{note_id}")
    def note(note_id: int, session: Any = opened) -> str:
        title: str = session.get_one(Note, note_id).title
        return title

    def found(note_id: int, session: Any = opened) -> Note:
        note: Note = session.get_one(Note, note_id)
        return note

    looked_up = Depends(found)

    @app.get("/found/{note_id}")
    def read_found(note: Any = looked_up) -> str:
        title: str = note.title
        return title

    @app.put("/notes/{note_id}")
    def rename(note_id: int, session: Any = opened) -> None:
        known = Note(id=note_id, user_id="ada", title="old")
        make_transient_to_detached(known)
        session.add(known)
        known.title = "new"
        session.commit()

    @app.post("/notes")
    def forge(session: Any = opened) -> None:
        session.execute(sa.insert(Note).values(title="forged", user_id="bob"))


def async_app(app: FastAPI, guard: BetterGuard[Any], path: Path) -> None:
    engine = rows.isolate(create_async_engine(f"sqlite+aiosqlite:///{path}"), Base.metadata)
    opened = Depends(user_session(engine, guard))

    @app.get("/elsewhere")
    async def elsewhere() -> str:
        async with rows.session(engine, "ada") as session:
            return (await session.get_one(Note, 3)).title

    @app.get("/notes")
    async def notes(session: Any = opened) -> list[str]:
        return list(await session.scalars(sa.select(Note.title)))

    @app.get("/notes/{note_id}")
    async def note(note_id: int, session: Any = opened) -> str:
        title: str = (await session.get_one(Note, note_id)).title
        return title

    async def found(note_id: int, session: Any = opened) -> Note:
        note: Note = await session.get_one(Note, note_id)
        return note

    looked_up = Depends(found)

    @app.get("/found/{note_id}")
    async def read_found(note: Any = looked_up) -> str:
        title: str = note.title
        return title

    @app.put("/notes/{note_id}")
    async def rename(note_id: int, session: Any = opened) -> None:
        known = Note(id=note_id, user_id="ada", title="old")
        make_transient_to_detached(known)
        session.add(known)
        known.title = "new"
        await session.commit()

    @app.post("/notes")
    async def forge(session: Any = opened) -> None:
        await session.execute(sa.insert(Note).values(title="forged", user_id="bob"))


@pytest.fixture(params=[sync_app, async_app], ids=["sync", "async"])
def client(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[TestClient]:
    path = tmp_path / "notes.db"
    plain = sa.create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(plain)
    with Session(plain) as session:
        session.add_all(
            [Note(id=1, title="Ada's", user_id="ada"), Note(id=2, title="Bob's", user_id="bob")]
        )
        session.commit()
    plain.dispose()
    guard = BetterGuard(make_settings())
    app = FastAPI(lifespan=guard.lifespan)
    guard.install(app)
    request.param(app, guard, path)
    with TestClient(app) as client:
        yield client


def ask(client: TestClient, method: str, path: str, user: str = "ada") -> tuple[int, Any]:
    answer = client.request(method, path, headers=bearer(make_token(user)))
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        pytest.param("GET", "/notes", (200, ["Ada's"]), id="list"),
        pytest.param("GET", "/notes/1", (200, "Ada's"), id="own"),
        pytest.param("GET", "/notes/2", (404, {"detail": "Not Found"}), id="foreign"),
        pytest.param("GET", "/notes/3", (404, {"detail": "Not Found"}), id="missing"),
        pytest.param("PUT", "/notes/2", (404, {"detail": "Not Found"}), id="stale"),
        pytest.param("POST", "/notes", (403, {"detail": "Forbidden"}), id="forged"),
    ],
)
def test_answers(client: TestClient, method: str, path: str, expected: tuple[int, Any]) -> None:
    assert ask(client, method, path) == expected


def test_a_row_that_another_session_misses_is_a_bug(client: TestClient) -> None:
    with TestClient(client.app, raise_server_exceptions=False) as careless:
        assert careless.get("/elsewhere").status_code == 500


def test_a_row_missed_in_a_dependency_is_404(client: TestClient) -> None:
    assert ask(client, "GET", "/found/1") == (200, "Ada's")
    assert ask(client, "GET", "/found/2") == (404, {"detail": "Not Found"})


def test_no_user_is_401(client: TestClient) -> None:
    answer = client.get("/notes")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Missing token"})


def test_a_forged_owner_is_told_to_the_log(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "betterguard.web"):
        ask(client, "POST", "/notes")
    [record] = [one for one in caplog.records if one.name == "betterguard.web"]
    assert "refused with 403: foreign_owner" in record.getMessage()
    assert "bob" not in record.getMessage()


def test_an_engine_that_is_not_isolated_stops_the_start() -> None:
    guard = BetterGuard(make_settings())
    with pytest.raises(ConfigurationError, match="not isolated"):
        user_session(sa.create_engine("sqlite://"), guard)
