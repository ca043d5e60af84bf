from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.testclient import TestClient
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse

from betterguard import BetterGuard
from tests.web.conftest import CHATBOT, FRONT_END, bearer, make_settings, make_token

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PREVIEW = r"https://shop\-[a-z0-9-]{1,50}\-acme\.vercel\.app"


class Rejecting:
    """Middleware of the application's own that answers or breaks before any route."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/middleware-401":
            await PlainTextResponse("no", 401)(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"] == "/middleware-500":
            msg = "inside"
            raise RuntimeError(msg)
        await self.app(scope, receive, send)


def make_client(**changes: Any) -> TestClient:
    guard = BetterGuard(make_settings(**changes))
    app = FastAPI(max_body_size=100, middleware=[Middleware(Rejecting)])
    guard.install(app)
    app.add_middleware(Rejecting)  # after install, and still inside of CORS

    @app.post("/{user_id}", dependencies=[Depends(guard.path_user)])
    async def tasks(body: dict[str, str]) -> dict[str, str]:
        return body

    @app.get("/boom")
    async def boom() -> None:
        msg = "connection string postgresql://user:password@host"
        raise RuntimeError(msg)

    @app.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418)

    return TestClient(app, raise_server_exceptions=False)


ADA = bearer(make_token("ada"))


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        pytest.param("POST", "/ada", ADA, 200, id="200"),
        pytest.param("POST", "/ada", {}, 401, id="401"),
        pytest.param("POST", "/bob", ADA, 403, id="403"),
        pytest.param("GET", "/none/here", ADA, 404, id="404"),
        pytest.param("PUT", "/ada", ADA, 405, id="405"),
        pytest.param("POST", "/ada", ADA, 413, id="413"),
        pytest.param("GET", "/teapot", ADA, 418, id="418"),
        pytest.param("GET", "/boom", ADA, 500, id="500"),
        pytest.param("GET", "/middleware-401", {}, 401, id="401-of-a-middleware"),
        pytest.param("GET", "/middleware-500", {}, 500, id="500-of-a-middleware"),
    ],
)
def test_the_page_can_read_every_answer(
    method: str, path: str, headers: dict[str, str], status: int
) -> None:
    content = None if method == "GET" else b'{"title": "x"}' + b" " * (status == 413) * 100_000
    headers = {**headers, "Origin": FRONT_END, "Content-Type": "application/json"}
    answer = make_client().request(method, path, headers=headers, content=content)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == FRONT_END
    assert "WWW-Authenticate" in answer.headers["access-control-expose-headers"]
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", [FRONT_END, CHATBOT])
def test_a_preflight_is_answered_before_any_check(origin: str) -> None:
    answer = make_client().options(
        "/ada",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "*" not in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param("https://evil.example", id="stranger"),
        pytest.param("null", id="null"),
        pytest.param("http://app.example", id="scheme"),
        pytest.param("https://app.example:8443", id="port"),
        pytest.param("https://app.example.evil.example", id="prefix"),
        pytest.param("https://evil-app.example", id="suffix"),
        pytest.param("https://APP.example", id="case"),
    ],
)
def test_another_origin_is_not_let_in(origin: str) -> None:
    client = make_client()
    answer = client.post("/ada", json={}, headers={**ADA, "Origin": origin})
    assert "access-control-allow-origin" not in answer.headers
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    refused = client.options("/ada", headers=preflight)
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        pytest.param("https://shop-git-main-acme.vercel.app", True, id="preview"),
        pytest.param(FRONT_END, True, id="listed"),
        pytest.param("https://shop-x-evil.vercel.app", False, id="another-team"),
        pytest.param("https://evil.vercel.app", False, id="another-project"),
        pytest.param("http://shop-x-acme.vercel.app", False, id="not-https"),
        pytest.param("https://shop-x.y-acme.vercel.app", False, id="two-labels"),
        pytest.param("https://shop-x-acme.vercel.app.evil.example", False, id="suffix"),
    ],
)
def test_preview_deployments_have_their_own_pattern(origin: str, *, allowed: bool) -> None:
    client = make_client(frontend_preview=PREVIEW)
    answer = client.post("/ada", json={}, headers={**ADA, "Origin": origin})
    assert ("access-control-allow-origin" in answer.headers) is allowed


def test_without_front_ends_no_origin_is_let_in(caplog: pytest.LogCaptureFixture) -> None:
    client = make_client(frontend_origins=())
    assert "FRONTEND_URL is not set" in caplog.text
    answer = client.post("/ada", json={}, headers={**ADA, "Origin": FRONT_END})
    assert "access-control-allow-origin" not in answer.headers
