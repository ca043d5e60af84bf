from __future__ import annotations

import asyncio
import importlib
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI, HTTPException, Request, Response, WebSocket
from pydantic import BaseModel

from betterguard.errors import ConfigurationError
from betterguard.live.attack import (
    AppTarget,
    Family,
    Limits,
    Options,
    Verdict,
    attack,
    parse_target,
    person,
)
from betterguard.live.attack.target import loaded
from tests.live.attack.apis import ISSUER, attacked
from tests.live.attack.vulnerable.app import TASK, vulnerable_app
from tests.live.attack.vulnerable.doorman import Doorman
from tests.servers.asgi import running_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


class Text(BaseModel):
    text: str


class Notes:
    """An API of notes that counts requests, and from which nothing can be deleted."""

    def __init__(self, **more: Callable[..., Any]) -> None:
        self.app = FastAPI(title="Notes")
        self.doorman = Doorman(ISSUER, fault="")
        self.seen: list[str] = []
        self.rows: list[dict[str, Any]] = []
        self.app.middleware("http")(self.note)
        self.app.get("/notes")(self.list)
        self.app.post("/notes", status_code=201)(self.add)
        for path, endpoint in more.items():
            method, _, name = path.partition("_")
            self.app.add_api_route(f"/{name}", endpoint, methods=[method.upper()])

    async def note(self, request: Request, call_next: Any) -> Any:
        self.seen.append(f"{request.method} {request.url.path}")
        return await call_next(request)

    async def user(self, request: Request) -> str:
        return await self.doorman.user(request)

    async def list(self, request: Request) -> Any:
        user = await self.user(request)
        return [row for row in self.rows if row["user"] == user]

    async def add(self, request: Request, new: Text) -> Any:
        row = {"id": len(self.rows), "user": await self.user(request), "text": new.text}
        self.rows.append(row)
        return row


async def nothing() -> None:
    return


def reasons(result: Any) -> dict[str, str]:
    return {one.operation: one.reason for one in result.unexercised}


class Few(Notes):
    """The same, with room for as many notes as the first attacks make."""

    async def add(self, request: Request, new: Text) -> Any:
        if len(self.rows) >= self.room:
            raise HTTPException(507, "full")
        return await super().add(request, new)

    room = 1_000_000


def test_what_is_made_no_more_is_told_and_ends_nothing() -> None:
    plenty = Few()
    attacked(plenty.app)
    few = Few()
    few.room = len(plenty.rows) - 1  # the last ones are those that the counting adds
    cell = attacked(few.app).cell("GET /notes", "count-foreign")
    assert cell.verdict is Verdict.UNTRIED
    assert "507" in cell.note


def test_it_stops_at_its_limit_and_says_so() -> None:
    notes = Notes()
    result = attacked(notes.app, limits=Limits(requests=40))
    assert result.notes == ["stopped after 40 requests: raise --max-requests to go on"]


def test_it_keeps_to_its_rate() -> None:
    started = time.monotonic()
    result = attacked(Notes().app, limits=Limits(requests=20, rate=50))
    assert result.requests == 20
    assert time.monotonic() - started > 19 / 50


def test_a_slow_answer_is_given_up() -> None:
    async def silent() -> None:
        await asyncio.Event().wait()

    # Everything else answers in milliseconds: the limit is long, so that no busy machine makes
    # another answer late.
    limits = Limits(requests=5000, timeout=5)
    notes = Notes(get_silent=silent)
    result = attacked(notes.app, limits=limits, variants=1)
    assert reasons(result) == {"GET /silent": "no answer: TimeoutError"}
    assert notes.seen.count("GET /silent") == 1
    assert result.notes == ["requests without an answer: 1; try again, with a longer --timeout"]


@pytest.mark.parametrize("name", ["logout", "reset-password", "sign-out"])
def test_what_ends_sessions_is_left_alone(name: str) -> None:
    notes = Notes(**{f"post_{name}": nothing})
    result = attacked(notes.app, variants=1)
    assert "ends sessions" in reasons(result)[f"POST /{name}"]
    assert f"POST /{name}" not in notes.seen


def test_what_changes_everything_is_left_alone() -> None:
    notes = Notes(delete_notes=nothing, put_profile=nothing)
    result = attacked(notes.app, variants=1)
    assert "--throwaway-users" in reasons(result)["DELETE /notes"]
    assert not {"DELETE /notes", "PUT /profile"}.intersection(notes.seen)


def test_for_throwaway_users_it_is_tried() -> None:
    async def clear(request: Request) -> None:
        await notes.user(request)
        notes.rows.clear()

    notes = Notes(delete_notes=clear)
    result = attacked(notes.app, variants=1, throwaway=True)
    assert ("DELETE /notes", "delete-foreign") in {
        (cell.operation, cell.attack.name) for cell in result.open
    }


def test_what_is_excluded_is_not_asked_for() -> None:
    notes = Notes(get_secret=nothing)
    result = attacked(notes.app, variants=1, exclude=("GET /secret",))
    assert reasons(result) == {"GET /secret": "excluded"}
    assert "GET /secret" not in notes.seen


def test_what_is_meant_for_anybody_is_not_held_against_it() -> None:
    notes = Notes(post_contact=nothing)
    assert [cell.operation for cell in attacked(notes.app, variants=1).open] == ["POST /contact"]
    assert attacked(notes.app, variants=1, public=("* /contact",)).open == []


def test_what_cannot_be_removed_is_told() -> None:
    result = attacked(Notes().app, variants=1)
    assert result.left_behind
    assert all("note" in one for one in result.left_behind)


def test_what_was_made_is_removed() -> None:
    app = vulnerable_app(ISSUER)
    assert attacked(app, variants=1).left_behind == []
    world = app.state.world
    assert (world.tasks.rows, world.projects.rows, world.notes.rows) == ({}, {}, {})


def test_an_application_that_refuses_alice_everywhere_cannot_be_attacked() -> None:
    async def closed() -> None:
        raise HTTPException(401)

    app = FastAPI()
    app.get("/closed")(closed)
    with pytest.raises(ConfigurationError, match=r"no operation works.*answered 401"):
        attacked(app)


def test_two_tokens_of_one_user_are_refused() -> None:
    alice = person("Alice", ISSUER.token("alice-1"))
    with pytest.raises(ConfigurationError, match="two users"):
        asyncio.run(attack(AppTarget("x", FastAPI()), alice, alice, Options()))


def test_an_expired_token_is_refused_before_anything_is_asked() -> None:
    alice = person("Alice", ISSUER.token("alice-1", exp=1))
    bob = person("Bob", ISSUER.token("bob-22"))
    notes = Notes()
    with pytest.raises(ConfigurationError, match="Alice's token has expired"):
        asyncio.run(attack(AppTarget("x", notes.app), alice, bob, Options()))
    assert notes.seen == []


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:81/api", "demo.backend.main:app"],
)
def test_this_machine_needs_no_confirmation(target: str) -> None:
    assert parse_target(target).name == target


@pytest.mark.parametrize("confirmed", [None, "example.org", "EXAMPLE.com.", ""], ids=repr)
def test_another_machine_needs_its_name_typed(confirmed: str | None) -> None:
    with pytest.raises(ConfigurationError, match=r"--i-own-this api\.example\.com"):
        parse_target("https://api.example.com", confirmed)


def test_a_typed_name_confirms() -> None:
    assert parse_target("https://api.example.com/v1", "api.example.com").name.endswith("/v1")


@pytest.mark.parametrize("target", ["main", "main.py", ":app", "ftp://127.0.0.1", "a b:c"])
def test_what_is_no_target_is_refused(target: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_target(target)


@pytest.mark.parametrize("fault", ["", "websocket-open"])
def test_over_http_it_is_as_in_the_process(fault: str) -> None:
    with running_app(vulnerable_app(ISSUER, fault)) as address:
        result = attacked(
            address, variants=1, include=(f"GET {TASK}",), websockets=("/ws/{user_id}",)
        )
    assert {cell.attack.name for cell in result.open} == ({"websocket"} if fault else set())
    assert [one.operation for one in result.exercises.values() if one.done] == [
        f"GET {TASK}",
        "WS /ws/{user_id}",
    ]


class Limited(Notes):
    """The same, with room for so many requests and not one more."""

    room = 1_000_000

    async def note(self, request: Request, call_next: Any) -> Any:
        if len(self.seen) >= self.room:
            return Response(status_code=429, headers={"Retry-After": "0"})
        return await super().note(request, call_next)


def test_what_answers_429_to_everything_ends_the_attack() -> None:
    notes = Limited()
    notes.room = 60
    result = attacked(notes.app, variants=1)
    assert result.notes[0] == (
        "stopped: the API answers 429 to everything; set a --rate that it allows"
    )
    assert result.left_behind  # it could not be removed any more


def test_an_attack_that_could_try_nothing_says_so() -> None:
    notes = Limited()
    notes.room = 1  # the document
    with pytest.raises(ConfigurationError, match=r"429 to everything.*nothing was tried"):
        attacked(notes.app)
    with pytest.raises(ConfigurationError, match=r"after 2 requests.*nothing was tried"):
        attacked(Notes().app, limits=Limits(requests=2))


def test_a_limiters_answer_is_no_refusal() -> None:
    """It says nothing of the credential that it did not look at."""

    async def note(request: Request, call_next: Any) -> Any:
        token = request.headers.get("authorization", "")
        if request.url.path == "/notes" and token.count(".") != 2:
            return Response(status_code=429, headers={"Retry-After": "0"})
        return await call_next(request)

    notes = Notes()
    notes.app.middleware("http")(note)
    result = attacked(notes.app, variants=1, include=("GET /notes",))
    assert result.cell("GET /notes", "missing-credential").verdict is Verdict.UNTRIED


def test_handshakes_count_and_carry_the_headers_of_the_call() -> None:
    app = vulnerable_app(ISSUER)
    seen: list[str | None] = []

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            seen.append(dict(scope["headers"]).get(b"x-tenant", b"").decode())
        await app(scope, receive, send)

    with running_app(watched) as address:
        result = attacked(
            address,
            variants=1,
            include=("GET /health",),
            websockets=("/ws/{user_id}",),
            headers=(("X-Tenant", "one"),),
            families=frozenset({Family.SURFACE}),
        )
    cells = [cell for cell in result.cells.values() if cell.operation.startswith("WS")]
    assert seen == ["one"] * len(seen)
    # Three say whether a valid token opens it, which is no attack.
    assert len(seen) == sum(cell.requests for cell in cells) + 3
    assert result.requests >= len(seen)


MODULE = "betterguard.live.attack.websockets"


def with_socket(socket: Callable[..., Any]) -> Notes:
    notes = Notes()
    notes.app.websocket("/ws")(socket)
    return notes


def test_a_socket_that_takes_its_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module(MODULE), "PATIENCE", 0.1)

    async def slow(websocket: WebSocket) -> None:
        await asyncio.sleep(0.5)
        await websocket.accept()
        await websocket.send_text("hello")  # at once: nothing else is waited for

    result = attacked(with_socket(slow).app, variants=1, families=frozenset({Family.SURFACE}))
    assert result.cell("WS /ws", "websocket").verdict is Verdict.OPEN


def test_a_socket_that_never_answers_is_not_said_to_refuse() -> None:
    async def silent(websocket: WebSocket) -> None:  # noqa: ARG001  found by its annotation
        await asyncio.Event().wait()

    result = attacked(
        with_socket(silent).app,
        variants=1,
        families=frozenset({Family.SURFACE}),
        include=("GET /nothing", "WS /ws", "* /notes"),
        limits=Limits(requests=20_000, timeout=5),
    )
    cell = result.cell("WS /ws", "websocket")
    assert cell.verdict is Verdict.UNTRIED
    assert cell.note == "no answer to a handshake with a valid token"


SECRET = "postgresql://user:secret@example.com"


async def failing(app: FastAPI) -> AsyncIterator[None]:
    if app.title:
        raise RuntimeError(SECRET)
    yield


async def failing_late(_app: FastAPI) -> AsyncIterator[None]:
    yield
    raise RuntimeError(SECRET)


def test_an_application_that_does_not_start_says_so_and_no_secret() -> None:
    notes = Notes()
    notes.app.router.lifespan_context = asynccontextmanager(failing)
    with pytest.raises(ConfigurationError, match="failed in its startup") as refused:
        attacked(notes.app)
    assert SECRET not in str(refused.value)


def test_an_application_that_does_not_stop_well_was_attacked_all_the_same() -> None:
    notes = Notes()
    notes.app.router.lifespan_context = asynccontextmanager(failing_late)
    result = attacked(notes.app, variants=1)
    assert result.exercise("GET /notes").done
    assert result.notes == [
        "the application failed in its shutdown: start it with its own server to see why"
    ]


NO_APPLICATION = 3


def factory() -> FastAPI:
    return FastAPI()


@pytest.mark.parametrize("name", ["NO_APPLICATION", "factory"])
def test_what_is_no_application_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="no ASGI application"):
        loaded(f"{__name__}:{name}")


def test_a_module_that_ends_the_process_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "betterguard_test_leaves.py").write_text("raise SystemExit(0)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigurationError, match=r"cannot be imported \(SystemExit\)"):
        loaded("betterguard_test_leaves:app")
