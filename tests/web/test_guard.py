# ruff: noqa: I002 - the annotations name each test's own guard: FastAPI could not resolve text

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Annotated, Any

import jwt
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, WebSocket
from fastapi.testclient import TestClient
from httpx2 import Response
from jwt.algorithms import OKPAlgorithm
from pydantic import BaseModel
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect

from betterguard import BetterGuard, Claims, ConfigurationError, User
from betterguard.addresses import parse_preview
from betterguard.settings import TokenSource
from betterguard.tokens import StaticKeys
from tests.web.conftest import (
    CHATBOT,
    FRONT_END,
    ISSUER,
    SECRET,
    bearer,
    make_settings,
    make_token,
)


def client(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


def get(app: FastAPI, path: str, token: str | None = None) -> Response:
    return client(app).get(path, headers=bearer(token) if token else {})


def refused(response: Response) -> tuple[int, str, str | None]:
    return (
        response.status_code,
        response.json()["detail"],
        response.headers.get("www-authenticate"),
    )


MISSING = (401, "Missing token", "Bearer")
MALFORMED = (401, "Invalid token", 'Bearer error="invalid_request"')
INVALID = (401, "Invalid token", 'Bearer error="invalid_token"')
EXPIRED = (
    401,
    "Token expired",
    'Bearer error="invalid_token", error_description="The access token expired"',
)
FORBIDDEN = (403, "Forbidden", None)


def test_the_user_is_who_the_token_names(app: FastAPI, guard: BetterGuard[User]) -> None:
    @app.get("/me")
    async def me(user: Annotated[User, Depends(guard.user)]) -> dict[str, Any]:
        return {"id": user.id, "email": user.email, "verified": user.email_verified}

    answer = get(app, "/me", make_token("ada"))
    assert answer.json() == {"id": "ada", "email": "ada@app.example", "verified": True}


def test_the_classic_dependency_gives_the_id(app: FastAPI, guard: BetterGuard[User]) -> None:
    verify_token = guard.verify_token

    @app.get("/me")
    async def me(current_user_id: str = Depends(verify_token)) -> str:  # noqa: FAST002 - the classic form
        return current_user_id

    assert get(app, "/me", make_token("ada")).json() == "ada"
    assert refused(get(app, "/me")) == MISSING


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        pytest.param({}, MISSING, id="missing"),
        pytest.param({"Authorization": "Basic dTpw"}, MALFORMED, id="another-scheme"),
        pytest.param({"Authorization": ""}, MALFORMED, id="empty"),
        pytest.param({"Authorization": "Bearer undefined"}, INVALID, id="undefined"),
        pytest.param(bearer(make_token(secret=SECRET[::-1])), INVALID, id="another-secret"),
        pytest.param(bearer(make_token(exp=1, iat=0)), EXPIRED, id="expired"),
        pytest.param(bearer(make_token(iss="https://evil.example")), INVALID, id="issuer"),
        pytest.param(bearer(make_token(aud="https://evil.example")), INVALID, id="audience"),
        pytest.param(
            bearer(make_token(exp=1, iat=0, iss="https://evil.example")),
            INVALID,
            id="expired-and-never-good",
        ),
    ],
)
@pytest.mark.parametrize("dependency", ["user", "optional_user", "path_user", "verify_token"])
def test_what_is_refused_and_how(
    app: FastAPI,
    guard: BetterGuard[User],
    dependency: str,
    headers: dict[str, str],
    answer: tuple[int, str, str],
) -> None:
    @app.get("/{user_id}", dependencies=[Depends(getattr(guard, dependency))])
    async def route() -> str:
        return "reached"

    response = client(app).get("/ada", headers=headers)
    if dependency == "optional_user" and not headers:
        assert response.json() == "reached"
    else:
        assert refused(response) == answer


def test_an_optional_user_is_none_only_without_a_credential(
    app: FastAPI, guard: BetterGuard[User]
) -> None:
    @app.get("/")
    async def route(user: Annotated[User | None, Depends(guard.optional_user)]) -> str:
        return user.id if user else "nobody"

    assert get(app, "/").json() == "nobody"
    assert get(app, "/", make_token("ada")).json() == "ada"
    assert refused(get(app, "/", "forged")) == INVALID


@pytest.mark.parametrize(
    ("user_id", "path", "status"),
    [
        pytest.param("ada", "ada", 200, id="own"),
        pytest.param("ada", "bob", 403, id="other"),
        pytest.param("ada", "Ada", 403, id="other-case"),
        pytest.param("ada", "ada%00", 403, id="nul"),
        pytest.param("ada", "ada%20", 403, id="space"),
        pytest.param("7", "07", 403, id="same-number"),
    ],
)
def test_the_path_must_name_the_caller(
    app: FastAPI, guard: BetterGuard[User], user_id: str, path: str, status: int
) -> None:
    @app.get("/users/{user_id}/tasks")
    async def tasks(user: Annotated[User, Depends(guard.path_user)]) -> str:
        return user.id

    answer = get(app, f"/users/{path}/tasks", make_token(user_id))
    assert answer.status_code == status
    if status == FORBIDDEN[0]:
        assert refused(answer) == FORBIDDEN


def test_the_compared_part_of_the_path_has_a_name_of_choice() -> None:
    guard = BetterGuard(make_settings(), path_parameter="owner")
    app = FastAPI()

    @app.get("/{owner}/{user_id}")
    async def route(user: Annotated[User, Depends(guard.path_user)]) -> str:
        return user.id

    assert get(app, "/ada/bob", make_token("ada")).status_code == 200
    assert get(app, "/bob/ada", make_token("ada")).status_code == 403


def test_a_path_without_the_compared_part_stops_the_start(guard: BetterGuard[User]) -> None:
    app = FastAPI(lifespan=guard.lifespan)
    router = APIRouter(prefix="/api", dependencies=[Depends(guard.path_user)])

    @router.get("/tasks")
    async def tasks() -> None: ...

    app.include_router(router)
    with pytest.raises(ConfigurationError, match=r"/api/tasks .* no \{user_id\}"), TestClient(app):
        pass


@pytest.mark.parametrize(
    ("role", "status"), [pytest.param("admin", 200, id="yes"), pytest.param("user", 403, id="no")]
)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_predicate_decides_on_a_role(
    app: FastAPI, guard: BetterGuard[User], role: str, status: int, *, asynchronous: bool
) -> None:
    def is_admin(user: User) -> bool:
        return user.claims.get("role") == "admin"

    async def is_admin_later(user: User) -> bool:
        return is_admin(user)

    admin = guard.require(is_admin_later if asynchronous else is_admin)

    @app.get("/admin")
    async def route(user: Annotated[User, Depends(admin)]) -> str:
        return user.id

    assert get(app, "/admin", make_token("ada", role=role)).status_code == status
    assert refused(get(app, "/admin")) == MISSING


class Member(BaseModel):
    id: str
    plan: str

    @classmethod
    def from_claims(cls, claims: Claims) -> "Member":
        return cls.model_validate({"id": claims.user_id, "plan": claims.payload.get("plan")})


def test_an_application_has_its_own_user() -> None:
    guard = BetterGuard(make_settings(), user=Member.from_claims)
    app = FastAPI()

    @app.get("/")
    async def route(member: Annotated[Member, Depends(guard.user)]) -> str:
        return f"{member.id} {member.plan}"

    assert get(app, "/", make_token("ada", plan="pro")).json() == "ada pro"
    assert refused(get(app, "/", make_token("ada"))) == INVALID


def test_a_user_model_that_refuses_does_not_log_what_the_token_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    guard = BetterGuard(make_settings(), user=Member.from_claims)
    app = FastAPI()
    app.get("/", dependencies=[Depends(guard.user)])(lambda: None)
    get(app, "/", make_token("ada", plan=["private"]))
    assert "ValidationError" in caplog.text
    assert "private" not in caplog.text


def register(parameter: Any, default: Any) -> None:
    async def route(user=default) -> None: ...  # type: ignore[no-untyped-def] # noqa: ANN001 - set below

    route.__annotations__ = {"user": parameter}
    FastAPI().get("/")(route)


@pytest.mark.parametrize("name", ["user", "optional_user", "path_user", "verify_token"])
def test_a_dependency_without_depends_fails_at_registration(
    guard: BetterGuard[User], name: str
) -> None:
    bare = getattr(guard, name)
    for annotation, default in ((User, bare), (str, bare)):
        with pytest.raises(TypeError, match=rf"write Depends\(guard.{name}\)"):
            register(annotation, default)
    with pytest.raises(TypeError, match=rf"write Depends\(guard.{name}\)"):
        FastAPI().get("/", dependencies=[bare])(lambda: None)


def test_the_guard_itself_is_no_dependency(guard: BetterGuard[User]) -> None:
    with pytest.raises(TypeError, match=r"write Depends\(guard.user\)"):
        register(User, guard)
    with pytest.raises(TypeError, match="not a callable object"):
        register(User, Depends(guard))  # type: ignore[arg-type] # the mistake under test


def test_annotated_without_depends_fails_at_registration(guard: BetterGuard[User]) -> None:
    app = FastAPI()
    with pytest.raises(TypeError, match="write Depends"):

        @app.get("/")
        async def route(user: Annotated[str, guard.verify_token]) -> None: ...


def test_a_request_body_cannot_be_a_user(app: FastAPI, guard: BetterGuard[User]) -> None:
    @app.post("/")
    async def route(user: Annotated[User, Depends(guard.user)]) -> str:
        return user.id

    forged = client(app).post("/", json={"id": "bob"}, headers=bearer(make_token("ada")))
    assert forged.json() == "ada"


def websocket_app(guard: BetterGuard[User]) -> FastAPI:
    app = FastAPI()
    guard.install(app)

    @app.websocket("/ws/{user_id}")
    async def echo(socket: WebSocket, user: Annotated[User, Depends(guard.path_user)]) -> None:
        await socket.accept("bearer" if "bearer" in socket.scope["subprotocols"] else None)
        await socket.send_text(user.id)
        await socket.close()

    return app


def test_a_websocket_is_guarded_by_its_header(guard: BetterGuard[User]) -> None:
    with client(websocket_app(guard)).websocket_connect(
        "/ws/ada", headers=bearer(make_token("ada"))
    ) as socket:
        assert socket.receive_text() == "ada"


def test_a_websocket_is_guarded_by_its_subprotocol(guard: BetterGuard[User]) -> None:
    with client(websocket_app(guard)).websocket_connect(
        "/ws/ada", subprotocols=["bearer", make_token("ada")]
    ) as socket:
        assert str(socket.accepted_subprotocol) == "bearer"
        assert socket.receive_text() == "ada"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="missing"),
        pytest.param(bearer("forged"), 401, id="forged"),
        pytest.param(bearer(make_token("bob")), 403, id="other"),
    ],
)
def test_a_websocket_is_refused_before_it_opens(
    guard: BetterGuard[User], headers: dict[str, str], status: int
) -> None:
    session = client(websocket_app(guard)).websocket_connect("/ws/ada", headers=headers)
    try:
        session.__enter__()
    except WebSocketDisconnect as denied:
        answered = vars(denied)["status_code"]
    else:
        answered = None
    assert answered == status


def session_cache(user_id: str = "ada", **changes: Any) -> str:
    now = int(time.time())
    payload = {
        "session": {"userId": user_id, "token": "live-session-token"},
        "user": {"id": user_id, "email": "ada@app.example"},
        "updatedAt": now * 1000,
        "version": "1",
        "iat": now,
        "exp": now + 300,
        **changes,
    }
    return jwt.encode(payload, SECRET, "HS256", headers={"typ": None})


@pytest.fixture
def cookie_app() -> FastAPI:
    preview = parse_preview("https://shop-*-acme.example.app")
    guard = BetterGuard(make_settings(cookie_cache=True, frontend_preview=preview))
    app = FastAPI()
    guard.install(app)

    @app.api_route("/", methods=["GET", "POST"])
    async def route(user: Annotated[User, Depends(guard.user)]) -> dict[str, Any]:
        return {"id": user.id, "claims": user.claims}

    return app


def with_cookie(app: FastAPI, method: str, token: str, **headers: str) -> Response:
    name = "better-auth.session_data"
    return client(app).request(method, "/", headers={"Cookie": f"{name}={token}", **headers})


def test_the_session_cache_cookie_is_taken_where_the_settings_say_so(cookie_app: FastAPI) -> None:
    answer = with_cookie(cookie_app, "GET", session_cache())
    assert answer.json()["id"] == "ada"
    assert "live-session-token" not in answer.text


def test_a_cookie_is_no_credential_by_default(app: FastAPI, guard: BetterGuard[User]) -> None:
    app.get("/", dependencies=[Depends(guard.user)])(lambda: None)
    assert refused(with_cookie(app, "GET", session_cache())) == MISSING


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        pytest.param(None, 403, id="none"),
        pytest.param("https://evil.example", 403, id="another-site"),
        pytest.param("null", 403, id="null"),
        pytest.param(FRONT_END, 200, id="the-front-end"),
        pytest.param("https://shop-1-acme.example.app", 200, id="a-preview"),
        pytest.param("https://shop-1-acme.example.app.evil.example", 403, id="after-a-preview"),
    ],
)
def test_a_cookie_writes_only_for_the_front_ends(
    cookie_app: FastAPI, origin: str | None, status: int
) -> None:
    headers = {} if origin is None else {"Origin": origin}
    assert with_cookie(cookie_app, "POST", session_cache(), **headers).status_code == status


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(session_cache(user={"id": "bob"}), id="two-users"),
        pytest.param(session_cache(sub="ada"), id="has-a-subject"),
        pytest.param(session_cache(session=None), id="no-session"),
        pytest.param(make_token("ada"), id="an-api-token"),
    ],
)
def test_another_token_is_no_session_cache(cookie_app: FastAPI, token: str) -> None:
    assert refused(with_cookie(cookie_app, "GET", token)) == INVALID


def test_a_session_cache_is_no_api_token(app: FastAPI, guard: BetterGuard[User]) -> None:
    app.get("/", dependencies=[Depends(guard.user)])(lambda: None)
    assert refused(get(app, "/", session_cache())) == INVALID


def test_a_bad_header_never_falls_back_to_the_cookie(cookie_app: FastAPI) -> None:
    answer = with_cookie(cookie_app, "GET", session_cache(), Authorization="Bearer forged")
    assert refused(answer) == INVALID


def test_openapi_shows_the_scheme_and_the_answers(guard: BetterGuard[User]) -> None:
    app = FastAPI()
    guard.install(app)
    router = APIRouter(prefix="/api")
    router.get("/me", dependencies=[Depends(guard.user)])(lambda: None)
    router.get("/{user_id}", dependencies=[Depends(guard.path_user)])(lambda: None)
    app.include_router(router)
    app.get("/health")(lambda: None)
    document = app.openapi()
    responses = {
        path: set(operations["get"]["responses"]) - {"200", "422"}
        for path, operations in document["paths"].items()
    }
    assert responses == {
        "/api/me": {"401", "503"},
        "/api/{user_id}": {"401", "403", "503"},
        "/health": set(),
    }
    assert document["paths"]["/api/me"]["get"]["security"] == [{"BetterAuth": []}]
    scheme = document["components"]["securitySchemes"]["BetterAuth"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")


def test_a_refusal_is_logged_without_the_token(
    app: FastAPI, guard: BetterGuard[User], caplog: pytest.LogCaptureFixture
) -> None:
    app.get("/", dependencies=[Depends(guard.user)])(lambda: None)
    token = make_token(iss=f"{ISSUER}/")
    with caplog.at_level(logging.INFO, "betterguard"):
        for _ in range(5):
            get(app, "/", token)
    lines = [record.message for record in caplog.records if "issuer_mismatch" in record.message]
    assert len(lines) == 1
    assert "trailing slash" in lines[0]
    assert token not in caplog.text
    assert token.rpartition(".")[2] not in caplog.text


def frames(error: BaseException) -> Iterator[FrameType]:
    for one in (error, error.__cause__, error.__context__, getattr(error, "error", None)):
        traceback = None if one is None else one.__traceback__
        while traceback is not None:
            yield traceback.tb_frame
            traceback = traceback.tb_next


@pytest.mark.parametrize("name", ["user", "optional_user", "verify_token"])
def test_no_frame_of_a_refusal_holds_the_token(guard: BetterGuard[User], name: str) -> None:
    token = make_token(secret=SECRET[::-1])
    headers = [(b"authorization", f"Bearer {token}".encode())]
    connection = HTTPConnection({"type": "http", "method": "GET", "headers": headers})
    with pytest.raises(HTTPException) as caught:
        asyncio.run(getattr(guard, name)(connection=connection))
    ours = [frame for frame in frames(caught.value) if "betterguard" in frame.f_code.co_filename]
    assert ours
    assert not any(token in repr(frame.f_locals) for frame in ours)


def test_the_guard_works_without_install(guard: BetterGuard[User]) -> None:
    app = FastAPI()
    app.get("/", dependencies=[Depends(guard.user)])(lambda: None)
    assert refused(get(app, "/")) == MISSING


def test_keys_that_cannot_be_had_are_503(caplog: pytest.LogCaptureFixture) -> None:
    # Port 9 (discard) of the loopback: nothing listens there.
    guard = BetterGuard(
        make_settings(
            tokens=TokenSource.JWKS, secrets=(), jwks_url="http://127.0.0.1:9/api/auth/jwks"
        )
    )
    app = FastAPI()
    app.get("/", dependencies=[Depends(guard.user)])(lambda: None)
    key = OKPAlgorithm.from_jwk(OTHER_PRIVATE_KEY)
    answer = get(app, "/", jwt.encode({"sub": "ada"}, key, "EdDSA", headers={"kid": "1"}))  # type: ignore[arg-type] # a private key
    assert (answer.status_code, answer.json()) == (
        503,
        {"detail": "Authentication temporarily unavailable"},
    )
    assert int(answer.headers["retry-after"]) >= 1
    assert "127.0.0.1:9" in caplog.text
    assert guard.key_set_state() is not None


# RFC 8037, appendix A.1.
OTHER_PRIVATE_KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}


def test_keys_can_be_given(token: Callable[..., str]) -> None:
    public = {name: value for name, value in OTHER_PRIVATE_KEY.items() if name != "d"}
    guard = BetterGuard(make_settings(), keys=StaticKeys({"keys": [{**public, "kid": "1"}]}))
    app = FastAPI()
    app.get("/", dependencies=[Depends(guard.user)])(lambda: None)
    assert refused(get(app, "/", token())) == INVALID


@pytest.mark.parametrize("origin", [FRONT_END, CHATBOT])
def test_each_front_end_is_let_in(app: FastAPI, guard: BetterGuard[User], origin: str) -> None:
    app.get("/", dependencies=[Depends(guard.user)])(lambda: None)
    answer = client(app).get("/", headers={**bearer(make_token()), "Origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
