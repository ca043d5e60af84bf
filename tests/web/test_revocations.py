# ruff: noqa: I002 - the annotations name each test's own guard: FastAPI could not resolve text

import json
import time
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import jwt
import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from betterguard import BetterGuard, ConfigurationError, User
from betterguard.revocation import MemoryStore, Revocation, StoreUnavailable, token_digest
from betterguard.revocation.store import Position
from betterguard.web.revocations import DEFAULT_PATH, SIGNATURE_HEADER, signature_of
from tests.web.conftest import FRONT_END, SECRET, bearer, make_settings, make_token
from tests.web.test_guard import INVALID, MISSING, refused, session_cache, with_cookie

HOOK_SECRET = "fedcba9876543210fedcba9876543210-hook"
REVOKED = (
    401,
    "Token revoked",
    'Bearer error="invalid_token", error_description="The access token was revoked"',
)
LONG = 120.0  # seconds; only ever reached when something is broken
AWAY = (503, "Authentication temporarily unavailable", None)


class SwitchedStore(MemoryStore):
    """A store that a test takes away."""

    away = False

    async def read(self, after: Position, wait: float) -> tuple[Sequence[Revocation], Position]:
        self._ask()
        return await super().read(after, wait)

    async def add(self, revocations: Sequence[Revocation]) -> None:
        self._ask()
        await super().add(revocations)

    def _ask(self) -> None:
        if self.away:
            msg = "switched off"
            raise StoreUnavailable(msg)


@pytest.fixture
def store() -> SwitchedStore:
    return SwitchedStore()


@pytest.fixture
def guard(store: SwitchedStore) -> BetterGuard[User]:
    settings = make_settings(revocation_secret=HOOK_SECRET, cookie_cache=True)
    return BetterGuard(settings, revocation_store=store)


@pytest.fixture
def app(guard: BetterGuard[User]) -> FastAPI:
    app = FastAPI(lifespan=guard.lifespan)
    guard.install(app)
    app.include_router(guard.revocation_route())

    @app.get("/me")
    async def me(user: Annotated[User, Depends(guard.user)]) -> str:
        return user.id

    @app.get("/{user_id}/key", dependencies=[Depends(guard.fresh_user)])
    async def key(user: Annotated[User, Depends(guard.path_user)]) -> str:
        return user.id

    @app.post("/out")
    async def out(user: Annotated[User, Depends(guard.user)], at: float | None = None) -> None:
        await guard.revoke(user.id, at=at)

    @app.post("/out/session")
    async def out_session(user: Annotated[User, Depends(guard.user)]) -> None:
        await guard.revoke_session(user.claims["sid"])

    @app.post("/out/token/{name}")
    async def out_token(name: str) -> None:
        await guard.revoke_token(name)

    return app


@pytest.fixture
def api(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def message(**changes: Any) -> bytes:
    now = int(time.time() * 1000)
    return json.dumps({"subject": "user", "id": "ada", "at": now} | changes).encode()


def told(api: TestClient, body: bytes, signature: str | None = None) -> Response:
    signature = signature_of(HOOK_SECRET, body) if signature is None else signature
    headers = {SIGNATURE_HEADER: signature} if signature else {}
    return api.post(DEFAULT_PATH, content=body, headers=headers)


@pytest.mark.parametrize("path", ["/me", "/ada/key"])
def test_a_revoked_user_is_refused_and_no_other(api: TestClient, path: str) -> None:
    ada, bob = bearer(make_token("ada")), bearer(make_token("bob"))
    assert api.get(path, headers=ada).json() == "ada"
    api.post("/out", headers=ada)
    assert refused(api.get(path, headers=ada)) == REVOKED
    assert api.get(path.replace("ada", "bob"), headers=bob).json() == "bob"


def test_a_token_issued_later_is_accepted(api: TestClient) -> None:
    now = time.time()
    api.post("/out", params={"at": now - 2}, headers=bearer(make_token("ada")))
    assert api.get("/me", headers=bearer(make_token("ada"))).json() == "ada"
    earlier = make_token("ada", iat=int(now) - 4)
    assert refused(api.get("/me", headers=bearer(earlier))) == REVOKED


def test_a_session_is_revoked_on_one_device_alone(api: TestClient) -> None:
    phone, laptop = (bearer(make_token("ada", sid=name)) for name in ("phone", "laptop"))
    api.post("/out/session", headers=phone)
    assert refused(api.get("/me", headers=phone)) == REVOKED
    assert api.get("/me", headers=laptop).json() == "ada"


@pytest.mark.parametrize("by", ["jti", "digest"])
def test_one_token_is_revoked(api: TestClient, by: str) -> None:
    one, other = make_token("ada", jti="1"), make_token("ada", jti="2")
    api.post(f"/out/token/{'1' if by == 'jti' else token_digest(one)}")
    assert refused(api.get("/me", headers=bearer(one))) == REVOKED
    assert api.get("/me", headers=bearer(other)).json() == "ada"


@pytest.mark.parametrize("subject", [{"subject": "user"}, {"subject": "session", "id": "s1"}])
def test_the_session_cache_cookie_is_revoked_too(api: TestClient, subject: dict[str, str]) -> None:
    session = {"userId": "ada", "id": "s1", "token": "live-session-token"}
    cookie = {"Cookie": f"better-auth.session_data={session_cache(session=session)}"}
    assert api.get("/me", headers=cookie).json() == "ada"
    assert told(api, message(**subject)).status_code == 204
    assert refused(api.get("/me", headers=cookie)) == REVOKED


@pytest.mark.parametrize("own", [{"iat": int(time.time())}, {}], ids=["own-iat", "no-iat"])
def test_a_cookie_cannot_say_in_its_users_row_when_it_was_made(
    api: TestClient, own: dict[str, int]
) -> None:
    payload = {
        "session": {"userId": "ada"},
        "user": {"id": "ada", "iat": time.time() + 1_000},
        "exp": int(time.time()) + 300,
        **own,
    }
    token = jwt.encode(payload, SECRET, "HS256", headers={"typ": None})
    cookie = {"Cookie": f"better-auth.session_data={token}"}
    assert api.get("/me", headers=cookie).json() == "ada"
    told(api, message())
    assert refused(api.get("/me", headers=cookie)) == REVOKED


def test_better_auth_revokes_by_a_signed_message(api: TestClient) -> None:
    ada = bearer(make_token("ada"))
    assert api.get("/me", headers=ada).json() == "ada"
    answer = told(api, message())
    assert (answer.status_code, answer.content) == (204, b"")
    assert refused(api.get("/me", headers=ada)) == REVOKED


def test_a_message_that_comes_again_changes_nothing(api: TestClient) -> None:
    old = message(at=int(time.time() * 1000) - 3_000)
    for _ in range(2):
        assert told(api, old).status_code == 204
        assert api.get("/me", headers=bearer(make_token("ada"))).json() == "ada"


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="none"),
        pytest.param("0" * 64, id="another"),
        pytest.param(signature_of(SECRET, b"{}"), id="another-secret"),
        pytest.param("ü" * 64, id="not-ascii"),
    ],
)
def test_a_message_without_the_right_signature_revokes_nothing(
    api: TestClient, signature: str
) -> None:
    body = message()
    headers = [(SIGNATURE_HEADER.encode(), signature.encode("latin-1"))] if signature else []
    answer = api.post(DEFAULT_PATH, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid signature"})
    assert api.get("/me", headers=bearer(make_token("ada"))).json() == "ada"


def test_forged_messages_are_told_once_in_a_while(
    api: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        assert told(api, message(), "0" * 64).status_code == 401
    lines = [record for record in caplog.records if "does not fit" in record.getMessage()]
    assert 1 <= len(lines) < 20


def test_the_signature_is_of_this_very_message(api: TestClient) -> None:
    signature = signature_of(HOOK_SECRET, message(id="bob"))
    assert told(api, message(id="ada"), signature).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="array"),
        pytest.param(b"\xff", id="not-utf-8"),
        pytest.param(message(subject="planet"), id="unknown-subject"),
        pytest.param(message(id=""), id="empty-id"),
        pytest.param(message(id=7), id="number-as-id"),
        pytest.param(message(id="a" * 513), id="long-id"),
        pytest.param(message(id="a\0b"), id="nul-in-the-id"),
        pytest.param(message(at="now"), id="no-time"),
        pytest.param(message(at=10**400), id="a-time-that-no-float-takes"),
        pytest.param(message(at=0), id="an-old-time"),
        pytest.param(message(at=4_000_000_000_000), id="a-future-time"),
        pytest.param(message(more=1), id="a-member-more"),
    ],
)
def test_what_is_no_message_is_refused(api: TestClient, body: bytes) -> None:
    answer = told(api, body)
    assert (answer.status_code, answer.json()) == (422, {"detail": "Invalid message"})


@pytest.mark.parametrize(("ahead", "status"), [(30, 204), (3_000, 422)])
def test_a_message_may_be_ahead_by_what_clocks_differ(
    api: TestClient, ahead: int, status: int
) -> None:
    assert told(api, message(at=int((time.time() + ahead) * 1000))).status_code == status


def test_a_large_message_is_not_read(api: TestClient) -> None:
    assert told(api, message(id="a" * 5_000)).status_code == 413


def test_the_route_is_not_in_the_documentation(app: FastAPI) -> None:
    assert DEFAULT_PATH not in app.openapi()["paths"]


def test_while_the_store_is_away_fresh_routes_are_closed_and_others_open(
    api: TestClient, store: SwitchedStore
) -> None:
    ada = bearer(make_token("ada"))
    assert api.get("/ada/key", headers=ada).json() == "ada"
    store.away = True
    answer = api.get("/ada/key", headers=ada)
    assert refused(answer) == AWAY
    assert int(answer.headers["retry-after"]) >= 1
    assert api.get("/me", headers=ada).json() == "ada"
    assert told(api, message()).status_code == 503
    assert refused(api.get("/me", headers=ada)) == REVOKED


def test_nobody_is_let_in_before_the_store_was_ever_reached(
    app: FastAPI, store: SwitchedStore
) -> None:
    store.away = True
    with TestClient(app) as client:
        assert refused(client.get("/me", headers=bearer(make_token("ada")))) == AWAY
        store.away = False
        # The store is asked again in the background: the time until then is the machine's.
        end = time.monotonic() + LONG
        while (answer := client.get("/me", headers=bearer(make_token("ada")))).status_code == 503:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert answer.json() == "ada"


def test_without_its_lifespan_the_guard_still_knows(app: FastAPI) -> None:
    client = TestClient(app)
    ada = bearer(make_token("ada"))
    assert client.get("/me", headers=ada).json() == "ada"
    told(client, message())
    assert refused(client.get("/me", headers=ada)) == REVOKED


def test_a_forged_token_is_invalid_whoever_is_revoked(
    api: TestClient, store: SwitchedStore
) -> None:
    store.away = True
    forged = bearer(make_token("ada", secret=SECRET[::-1]))
    assert refused(api.get("/ada/key", headers=forged)) == INVALID
    assert refused(api.get("/ada/key")) == MISSING


@pytest.mark.anyio
async def test_without_a_store_there_is_nothing_to_revoke_with() -> None:
    guard = BetterGuard(make_settings())
    app = FastAPI()
    app.get("/", dependencies=[Depends(guard.fresh_user)])(lambda: None)
    assert refused(TestClient(app).get("/", headers=bearer(make_token()))) == AWAY
    for attempt in (guard.revoke("ada"), guard.revoke_session("s"), guard.revoke_token("t")):
        with pytest.raises(ConfigurationError, match="BETTER_AUTH_REVOCATION_STORE is not set"):
            await attempt
    with pytest.raises(ConfigurationError, match="BETTER_AUTH_REVOCATION_SECRET is not set"):
        guard.revocation_route()
    assert with_cookie(app, "GET", session_cache(), Origin=FRONT_END).status_code == 401
