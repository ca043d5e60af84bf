"""Small APIs, each wrong in one way that a front end or an attacker meets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import HTTPBearer
from starlette.responses import JSONResponse, Response

from betterguard import BetterGuard
from tests.live.doctor.diagnosing import FRONT_END

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from betterguard import Settings

__all__ = [
    "another_form_of_origin",
    "any_origin",
    "closed_docs",
    "cors_inside_of_authentication",
    "cors_on_the_api_only",
    "failing_on_bad_tokens",
    "forbidding",
    "guarded",
    "no_authorization_header",
    "no_challenge",
    "open_route",
    "other_front_end",
    "preflight_asked_for_a_token",
    "reading_methods_only",
    "trusting_any_token",
]

ALL: dict[str, Any] = {"allow_methods": ["*"], "allow_headers": ["*"]}
CHALLENGE = {"WWW-Authenticate": "Bearer"}


def guarded(settings: Settings) -> FastAPI:
    """An application as it should be."""
    guard = BetterGuard(settings)
    app = FastAPI(lifespan=guard.lifespan)
    guard.install(app)

    @app.get("/api/me", dependencies=[Depends(guard.user)])
    async def me() -> dict[str, str]:
        return {}

    return app


def bare(
    *, status: int = 401, headers: dict[str, str] | None = CHALLENGE, **options: Any
) -> FastAPI:
    """One route that takes no token at all, and says that it takes one."""
    app = FastAPI(**options)

    async def refuse(_: Annotated[Any, Depends(HTTPBearer(auto_error=False))]) -> None:
        raise HTTPException(status, headers=headers)

    @app.get("/api/me", dependencies=[Depends(refuse)])
    async def me() -> dict[str, str]:
        return {}

    return app


def with_cors(app: FastAPI, **options: Any) -> FastAPI:
    settings: dict[str, Any] = {"allow_origins": [FRONT_END], **ALL, **options}
    app.add_middleware(CORSMiddleware, **settings)
    return app


def other_front_end() -> FastAPI:
    return with_cors(bare(), allow_origins=["http://localhost:5173"])


def another_form_of_origin() -> FastAPI:
    return with_cors(bare(), allow_origins=[f"{FRONT_END}/"])


def any_origin() -> FastAPI:
    return with_cors(bare(), allow_origins=["*"], allow_credentials=True)


def no_authorization_header() -> FastAPI:
    return with_cors(bare(), allow_headers=["X-Other"])


def reading_methods_only() -> FastAPI:
    return with_cors(bare(), allow_methods=["GET"])


def no_challenge() -> FastAPI:
    return with_cors(bare(headers=None))


def forbidding() -> FastAPI:
    return with_cors(bare(status=403, headers=None))


def closed_docs() -> FastAPI:
    return with_cors(bare(openapi_url=None))


def open_route() -> FastAPI:
    app = bare()

    @app.get("/api/tasks", dependencies=[Depends(HTTPBearer(auto_error=False))])
    async def tasks() -> list[str]:
        return []

    return with_cors(app)


def cors_inside_of_authentication() -> FastAPI:
    """The middleware that was added last stands outside: its 401 has no CORS headers."""
    app = with_cors(bare())
    return with_token_middleware(app, but_for={"OPTIONS"})


def preflight_asked_for_a_token() -> FastAPI:
    return with_token_middleware(with_cors(bare()), but_for=set())


def with_token_middleware(app: FastAPI, but_for: set[str]) -> FastAPI:
    @app.middleware("http")
    async def require_token(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        public = request.url.path in {"/openapi.json", "/docs"} or request.method in but_for
        if public or "authorization" in request.headers:
            return await call_next(request)
        return JSONResponse({"detail": "Missing token"}, 401, headers=CHALLENGE)

    return app


def cors_on_the_api_only() -> ASGIApp:
    """CORS around the routes, and not around what answers a missing path."""
    routes, rest = with_cors(bare()), bare()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        missing = scope["type"] == "http" and scope["path"] not in {"/api/me", "/openapi.json"}
        await (rest if missing else routes)(scope, receive, send)

    return app


def trusting_any_token() -> FastAPI:
    return with_cors(_reading(lambda _: None))


def failing_on_bad_tokens() -> FastAPI:
    def decode(_: str) -> None:
        msg = "what a library raises"
        raise KeyError(msg)

    return with_cors(_reading(decode))


def _reading(decode: Callable[[str], None]) -> FastAPI:
    app = FastAPI()

    async def user(authorization: Annotated[str | None, Header()] = None) -> None:
        if authorization is None:
            raise HTTPException(401, headers=CHALLENGE)
        decode(authorization)

    @app.get("/api/me", dependencies=[Depends(user)])
    async def me() -> dict[str, str]:
        return {}

    return app
