# ruff: noqa: I002 - the annotations name each test's own guard: FastAPI could not resolve text

import asyncio
import contextlib
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends, FastAPI, WebSocket, WebSocketDisconnect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from betterguard import BetterGuard, User
from betterguard.revocation import MemoryStore, Revocation, open_store
from betterguard.revocation.store import Position
from betterguard.testing.tokens import SigningKey, TokenIssuer
from betterguard.tokens import RemoteKeySet, SharedSecrets
from betterguard.tokens.jwk import VerificationKey
from betterguard.tokens.jwks import FetchPolicy
from betterguard.tokens.jws import Header
from betterguard.web.answers import Refusal
from tests.servers.asgi import running_app
from tests.servers.redis import running_redis
from tests.web.conftest import ISSUER, bearer, make_settings, make_token
from tests.web.test_revocations import SwitchedStore

LONG = 120.0  # seconds; only ever reached when something is broken


class Api:
    """An application with WebSockets, and what became of those that were opened."""

    def __init__(self, guard: BetterGuard[User]) -> None:
        self.guard = guard
        self.left: list[str] = []
        self.origin = ""
        self.app = FastAPI(lifespan=guard.lifespan)
        guard.install(self.app)
        self._add_sockets(self.app, guard)
        self._add_revocations(self.app, guard)

    def _add_sockets(self, app: FastAPI, guard: BetterGuard[User]) -> None:
        @app.websocket("/echo")
        async def echo(socket: WebSocket, _: Annotated[User, Depends(guard.user)]) -> None:
            await socket.accept()
            async with guard.watch(socket) as user:
                async for text in socket.iter_text():
                    await socket.send_text(f"{user.id}: {text}")
            self.left.append(user.id)

        @app.websocket("/news")
        async def news(socket: WebSocket) -> None:
            await socket.accept()
            async with guard.watch(socket) as user:
                await socket.send_text(f"news for {user.id}")
                await asyncio.Event().wait()
            self.left.append(user.id)

        @app.websocket("/early")
        async def early(socket: WebSocket) -> None:
            async with guard.watch(socket):
                await socket.accept()

        @app.websocket("/own-limit")
        async def own_limit(socket: WebSocket) -> None:
            await socket.accept()
            with contextlib.suppress(TimeoutError):
                async with guard.watch(socket):
                    raise TimeoutError
                self.left.append("the route's own error was swallowed")
            await socket.send_text("still here")

        @app.websocket("/left")
        async def left(socket: WebSocket) -> None:
            await socket.accept()
            try:
                async with guard.watch(socket):
                    await socket.receive_text()
            except WebSocketDisconnect as gone:
                self.left.append(f"the client, with {gone.code}")

    def _add_revocations(self, app: FastAPI, guard: BetterGuard[User]) -> None:
        @app.post("/revoke/{user_id}")
        async def revoke(user_id: str) -> None:
            await guard.revoke(user_id)

        @app.post("/revoke-session/{session_id}")
        async def revoke_session(session_id: str) -> None:
            await guard.revoke_session(session_id)

        @app.post("/revoke-token/{name}")
        async def revoke_token(name: str) -> None:
            await guard.revoke_token(name)

        @app.get("/watched")
        async def watched() -> int:
            return len(guard._watches._watched)

    def open(self, path: str, token: str | None = None) -> ClientConnection:
        headers = {} if token is None else bearer(token)
        address = f"{self.origin.replace('http', 'ws', 1)}{path}"
        return connect(address, additional_headers=headers, proxy=None, open_timeout=LONG)

    def post(self, path: str) -> None:
        httpx2.post(self.origin + path, trust_env=False, timeout=LONG).raise_for_status()

    def watched(self) -> Any:
        return httpx2.get(f"{self.origin}/watched", trust_env=False, timeout=LONG).json()


@contextlib.contextmanager
def served(guard: BetterGuard[User]) -> Iterator[Api]:
    api = Api(guard)
    with running_app(api.app) as origin:
        api.origin = origin
        yield api


@pytest.fixture
def store() -> SwitchedStore:
    return SwitchedStore()


@pytest.fixture
def api(store: SwitchedStore) -> Iterator[Api]:
    with served(BetterGuard(make_settings(), revocation_store=store)) as api:
        yield api


def closing(socket: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=LONG)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def eventually(holds: Any) -> None:
    deadline = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_revoked_users_socket_is_closed_and_nobody_elses(api: Api) -> None:
    with api.open("/echo", make_token("ada")) as ada, api.open("/echo", make_token("bob")) as bob:
        for socket, name in ((ada, "ada"), (bob, "bob")):
            socket.send("one")
            assert socket.recv(timeout=LONG) == f"{name}: one"
        api.post("/revoke/ada")
        assert closing(ada) == (1008, "Token revoked")
        eventually(lambda: api.left == ["ada"])
        bob.send("two")
        assert bob.recv(timeout=LONG) == "bob: two"
    eventually(lambda: api.left == ["ada", "bob"])
    eventually(lambda: api.watched() == 0)


@pytest.mark.parametrize(
    ("claims", "revocation"),
    [
        pytest.param({"sid": "s1"}, "/revoke-session/s1", id="session"),
        pytest.param({"jti": "t1"}, "/revoke-token/t1", id="token"),
    ],
)
def test_one_device_is_closed_and_not_the_other(
    api: Api, claims: dict[str, str], revocation: str
) -> None:
    with (
        api.open("/echo", make_token("ada", **claims)) as one,
        api.open("/echo", make_token("ada", sid="s2", jti="t2")) as other,
    ):
        api.post(revocation)
        assert closing(one) == (1008, "Token revoked")
        other.send("on")
        assert other.recv(timeout=LONG) == "ada: on"


def test_a_route_that_waits_for_something_else_is_left_too(api: Api) -> None:
    with api.open("/news", make_token("ada")) as socket:
        assert socket.recv(timeout=LONG) == "news for ada"
        api.post("/revoke/ada")
        assert closing(socket) == (1008, "Token revoked")
    eventually(lambda: api.left == ["ada"])


class Clock:
    """Seconds since 1970 that a test moves on."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def test_an_expired_token_closes_its_socket_after_the_leeway_of_requests() -> None:
    clock = Clock()
    guard = BetterGuard(make_settings(leeway=5.0), clock=clock)
    token = make_token("ada", exp=int(clock.now) + 100)
    with served(guard) as api, api.open("/echo", token) as socket:
        clock.now += 104.0
        time.sleep(0.6)
        socket.send("on")
        assert socket.recv(timeout=LONG) == "ada: on"
        clock.now += 2.0
        assert closing(socket) == (1008, "Token expired")


@pytest.mark.skipif(sys.platform == "win32", reason="Redis has no server for Windows")
def test_what_another_process_revokes_closes_it() -> None:
    with running_redis() as redis:
        guard, other = (
            BetterGuard(make_settings(), revocation_store=open_store(redis.url)) for _ in range(2)
        )
        with served(guard) as api, api.open("/news", make_token("ada")) as socket:
            assert socket.recv(timeout=LONG) == "news for ada"
            with served(other) as elsewhere:
                elsewhere.post("/revoke/ada")
            assert closing(socket) == (1008, "Token revoked")


def test_sockets_are_closed_when_what_is_revoked_cannot_be_known_any_longer(
    store: SwitchedStore,
) -> None:
    settings = make_settings(revocation_max_staleness=1.0)
    guard = BetterGuard(settings, revocation_store=store)
    with served(guard) as api, api.open("/news", make_token("ada")) as socket:
        assert socket.recv(timeout=LONG) == "news for ada"
        store.away = True
        assert closing(socket) == (1013, "Authentication temporarily unavailable")


def test_without_staleness_the_store_is_asked_and_its_answer_believed(store: SwitchedStore) -> None:
    settings = make_settings(revocation_max_staleness=0.0)
    guard = BetterGuard(settings, revocation_store=store)
    with served(guard) as api, api.open("/echo", make_token("ada")) as socket:
        time.sleep(0.6)
        socket.send("on")
        assert socket.recv(timeout=LONG) == "ada: on"
        store.away = True
        assert closing(socket) == (1013, "Authentication temporarily unavailable")


class BrokenStore(MemoryStore):
    """A store that fails, once it is broken, in a way that nobody foresaw: whenever it is asked."""

    broken = False

    async def read(self, after: Position, wait: float) -> tuple[Sequence[Revocation], Position]:
        if self.broken and not wait:
            msg = "a fault of its own"
            raise LookupError(msg)
        return await super().read(after, wait)


def test_a_store_that_breaks_leaves_no_socket_unwatched() -> None:
    settings, store = make_settings(revocation_max_staleness=0.0), BrokenStore()
    guard = BetterGuard(settings, revocation_store=store)
    with served(guard) as api, api.open("/news", make_token("ada")) as socket:
        assert socket.recv(timeout=LONG) == "news for ada"
        store.broken = True
        assert closing(socket) == (1013, "Authentication temporarily unavailable")


class Publisher:
    """Publishes keys that a test may withdraw."""

    def __init__(self, *published: SigningKey) -> None:
        self.published = published
        self.app = FastAPI()
        self.app.get("/jwks")(self.key_set)

    async def key_set(self) -> dict[str, Any]:
        return {"keys": [key.public_jwk() for key in self.published]}


@contextlib.contextmanager
def with_remote_keys(publisher: Publisher) -> Iterator[Api]:
    """Serve an API whose key set is always due: whoever looks at it begins a fetch."""
    with running_app(publisher.app) as origin:
        keys = RemoteKeySet(f"{origin}/jwks", policy=FetchPolicy(lifetime=0.0, cooldown=0.0))
        with served(BetterGuard(make_settings(), keys=keys)) as api:
            yield api


def signed(key: SigningKey, user_id: str) -> str:
    return TokenIssuer(key, url=ISSUER).token(user_id)


def test_a_withdrawn_key_closes_the_sockets_of_its_tokens_and_no_others() -> None:
    old, new = SigningKey.generate(kid="old"), SigningKey.generate(kid="new")
    publisher = Publisher(old, new)
    with (
        with_remote_keys(publisher) as api,
        api.open("/echo", signed(old, "ada")) as ada,
        api.open("/echo", signed(new, "bob")) as bob,
    ):
        for socket, name in ((ada, "ada"), (bob, "bob")):
            socket.send("one")
            assert socket.recv(timeout=LONG) == f"{name}: one"
        publisher.published = (new,)
        assert closing(ada) == (1008, "Invalid token")
        eventually(lambda: api.left == ["ada"])
        bob.send("two")
        assert bob.recv(timeout=LONG) == "bob: two"


class ForgetfulKeys(SharedSecrets):
    """Keys of which one goes, so that all tokens are verified again, which fails then."""

    gone = False

    def epoch(self) -> int:
        return int(self.gone)

    def keys_at_hand(self, header: Header) -> Sequence[VerificationKey]:
        if self.gone:
            msg = "a fault of its own"
            raise LookupError(msg)
        return super().keys_at_hand(header)


def test_keys_that_fail_leave_no_socket_open() -> None:
    settings = make_settings()
    keys = ForgetfulKeys(settings.secrets)
    guard = BetterGuard(settings, keys=keys)
    with served(guard) as api, api.open("/news", make_token("ada")) as socket:
        assert socket.recv(timeout=LONG) == "news for ada"
        keys.gone = True
        assert closing(socket) == (1013, "Authentication temporarily unavailable")


def test_without_a_credential_an_open_socket_is_closed_and_a_handshake_refused(api: Api) -> None:
    with api.open("/news") as socket:
        assert closing(socket) == (1008, "Missing token")
    with pytest.raises(InvalidStatus) as refused:
        api.open("/early")
    assert refused.value.response.status_code == 401
    assert refused.value.response.headers["WWW-Authenticate"] == "Bearer"


def test_a_forged_token_opens_no_watch(api: Api) -> None:
    with api.open("/news", make_token("ada", secret="another-secret-of-32-characters!")) as socket:
        assert closing(socket) == (1008, "Invalid token")


def test_the_routes_own_errors_pass_through(api: Api) -> None:
    with api.open("/own-limit", make_token("ada")) as socket:
        assert socket.recv(timeout=LONG) == "still here"
    with api.open("/left", make_token("ada")):
        pass
    eventually(lambda: api.left == ["the client, with 1000"])


@pytest.mark.anyio
async def test_a_task_that_is_cancelled_from_outside_stays_cancelled() -> None:
    guard = BetterGuard(make_settings())
    began = asyncio.Event()

    async def route() -> None:
        async with guard.watch(socket_with(make_token("ada"))):
            began.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(route())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.anyio
async def test_no_frame_of_a_refusal_holds_the_token() -> None:
    def nobody(_: Any) -> User:
        raise ValueError

    token = make_token("ada")
    socket = socket_with(token)
    with pytest.raises(Refusal) as caught:
        async with BetterGuard(make_settings(), user=nobody).watch(socket):
            pass
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    ours = [frame for frame in frames if frame.f_globals["__name__"].startswith("betterguard")]
    assert ours
    assert not any(token in repr(frame.f_locals) for frame in ours)


def socket_with(token: str) -> WebSocket:
    headers = [(b"authorization", b"Bearer " + token.encode())]
    scope = {"type": "websocket", "headers": headers, "subprotocols": []}
    return WebSocket(scope, receive=never, send=never)


async def never(*_: Any) -> Any:
    await asyncio.Event().wait()
