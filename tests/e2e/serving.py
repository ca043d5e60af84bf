"""Start the application as a user would, and say what the caller of it sees."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.servers.asgi import running_app

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from tests.servers.asgi import HTTPParser
    from tests.servers.better_auth import BetterAuth

__all__ = [
    "EXPIRED",
    "FORBIDDEN",
    "FRONTEND",
    "INVALID",
    "MALFORMED",
    "MISSING",
    "REVOKED",
    "UNAVAILABLE",
    "Api",
    "Refusal",
    "application",
    "ask_by_websocket",
    "refused_websocket",
    "running_api",
    "settings_for",
]

FRONTEND = "http://localhost:5173"
MAIN = Path(__file__).with_name("main.py")
ANSWER_SECONDS = 120.0
SETTINGS = ("BETTER_AUTH", "FRONTEND")


@dataclass(frozen=True)
class Refusal:
    """What the caller sees of an error: the status, the whole body, the challenge."""

    status: int
    body: Mapping[str, str]
    challenge: str | None

    @classmethod
    def of(cls, answer: httpx2.Response) -> Refusal:
        """Read an answer."""
        return cls(answer.status_code, answer.json(), answer.headers.get("www-authenticate"))


MISSING = Refusal(401, {"detail": "Missing token"}, "Bearer")
MALFORMED = Refusal(401, {"detail": "Invalid token"}, 'Bearer error="invalid_request"')
INVALID = Refusal(401, {"detail": "Invalid token"}, 'Bearer error="invalid_token"')
EXPIRED = Refusal(
    401,
    {"detail": "Token expired"},
    'Bearer error="invalid_token", error_description="The access token expired"',
)
REVOKED = Refusal(
    401,
    {"detail": "Token revoked"},
    'Bearer error="invalid_token", error_description="The access token was revoked"',
)
FORBIDDEN = Refusal(403, {"detail": "Forbidden"}, None)
UNAVAILABLE = Refusal(503, {"detail": "Authentication temporarily unavailable"}, None)


@dataclass(frozen=True)
class Api:
    """The application behind a real uvicorn."""

    url: str
    client: httpx2.Client

    def get(self, path: str, token: str | None = None, **headers: str) -> httpx2.Response:
        """Call a route, with a bearer token if one is given."""
        credential = {} if token is None else {"authorization": f"Bearer {token}"}
        return self.client.get(path, headers={**credential, **headers})

    def user_id(self, token: str) -> str:
        """Give the id that the guarded route found in the token."""
        answer = self.get("/id", token)
        assert answer.status_code == 200, f"{answer.status_code}: {answer.text}"
        return str(answer.json())


@contextlib.contextmanager
def running_api(environment: Mapping[str, str], *, http: HTTPParser = "auto") -> Iterator[Api]:
    """Start the application with exactly these settings, and end it afterwards."""
    app = application(environment).app
    # uvicorn closes the connection after a 500; a kept one would fail the next request.
    each_its_own = httpx2.Limits(max_keepalive_connections=0)
    with (
        running_app(app, http=http) as url,
        httpx2.Client(base_url=url, limits=each_its_own, timeout=ANSWER_SECONDS) as client,
    ):
        yield Api(url, client)


def ask_by_websocket(api: Api, **arguments: Any) -> tuple[str | bytes, str | None]:
    """Give what the route says over a WebSocket, and the subprotocol that it chose."""
    url = api.url.replace("http://", "ws://") + "/ws"
    with connect(url, open_timeout=ANSWER_SECONDS, **arguments) as connection:
        return connection.recv(timeout=ANSWER_SECONDS), connection.subprotocol


def refused_websocket(api: Api, **arguments: Any) -> Refusal:
    """Give the answer to a handshake that must not succeed."""
    with pytest.raises(InvalidStatus) as caught:
        ask_by_websocket(api, **arguments)
    answer = caught.value.response
    return Refusal(
        answer.status_code, json.loads(answer.body or b"{}"), answer.headers.get("www-authenticate")
    )


def application(environment: Mapping[str, str]) -> ModuleType:
    """Load main.py anew, as a new process with these settings alone would."""
    specification = importlib.util.spec_from_file_location("e2e_main", MAIN)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(MAIN.parent)  # where no .env lies
        for name in filter(lambda name: name.startswith(SETTINGS), list(os.environ)):
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        specification.loader.exec_module(module)
    return module


def settings_for(server: BetterAuth, **changes: str) -> dict[str, str]:
    """Give the least that a user sets, with ``changes`` over it; an empty text takes one away."""
    least = {"BETTER_AUTH_URL": server.url, "FRONTEND_URL": FRONTEND}
    return {name: value for name, value in {**least, **changes}.items() if value}
