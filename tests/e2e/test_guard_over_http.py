"""What a browser and its tools see of a guarded application over real HTTP and WebSockets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from websockets.typing import Subprotocol

from tests.e2e.forgery import tampered
from tests.e2e.serving import (
    FORBIDDEN,
    FRONTEND,
    INVALID,
    MALFORMED,
    MISSING,
    Api,
    Refusal,
    ask_by_websocket,
    refused_websocket,
    running_api,
    settings_for,
)
from tests.servers.better_auth import Account, BetterAuth, running_better_auth

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from httpx2 import Response

pytestmark = pytest.mark.node

SECOND_FRONTEND = "https://chat.example.org"
STRANGER = "https://evil.example.org"
EXPOSED = {"www-authenticate", "x-request-id", "retry-after"}


@dataclass(frozen=True)
class Scene:
    """A back end with two front ends, an ordinary user and an administrator."""

    server: BetterAuth
    api: Api
    ada: Account
    token: str
    admin: str

    def from_browser(
        self, method: str, path: str, origin: str = FRONTEND, **arguments: Any
    ) -> Response:
        headers = {"origin": origin, **arguments.pop("headers", {})}
        return self.api.client.request(method, path, headers=headers, **arguments)

    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    front_ends = {"FRONTEND_URL": f"{FRONTEND}, {SECOND_FRONTEND}/"}
    with (
        running_better_auth() as server,
        running_api(settings_for(server, **front_ends)) as api,
    ):
        ada = server.sign_up()
        yield Scene(server, api, ada, server.token(ada), server.sign({"sub": "a", "role": "admin"}))


# --- Routes ---


def test_a_role_opens_the_route_that_requires_it(scene: Scene) -> None:
    assert scene.api.get("/admin", scene.admin).status_code == 200


def test_without_the_role_the_route_is_forbidden(scene: Scene) -> None:
    assert Refusal.of(scene.api.get("/admin", scene.token)) == FORBIDDEN


def test_a_stranger_at_a_route_with_a_role_is_told_to_sign_in(scene: Scene) -> None:
    assert Refusal.of(scene.api.get("/admin")) == MISSING


def test_an_optional_user_is_none_without_a_credential(scene: Scene) -> None:
    answer = scene.api.get("/maybe")
    assert (answer.status_code, answer.json()) == (200, None)


def test_an_optional_user_is_somebody_with_a_good_token(scene: Scene) -> None:
    assert scene.api.get("/maybe", scene.token).json() == scene.ada.user_id


def test_a_token_in_the_query_is_none(scene: Scene) -> None:
    assert Refusal.of(scene.api.get(f"/me?access_token={scene.token}")) == MISSING


# --- CORS ---


@dataclass(frozen=True)
class Call:
    """A request from the page, and the status that it ends with."""

    status: int
    method: str
    path: str
    arguments: Mapping[str, Any]
    signed_in: bool = True


CALLS = [
    pytest.param(Call(200, "GET", "/me", {}), id="200"),
    pytest.param(Call(401, "GET", "/me", {}, signed_in=False), id="401"),
    pytest.param(Call(403, "GET", "/api/user/somebody-else/tasks", {}), id="403"),
    pytest.param(Call(404, "GET", "/nowhere", {}), id="404"),
    pytest.param(Call(405, "DELETE", "/me", {}), id="405"),
    pytest.param(Call(413, "POST", "/notes", {"json": {"text": "x" * 100_000}}), id="413"),
    pytest.param(Call(422, "POST", "/notes", {"json": {}}), id="422"),
    pytest.param(Call(500, "GET", "/bug", {}), id="500"),
]


@pytest.mark.parametrize("origin", [FRONTEND, SECOND_FRONTEND])
@pytest.mark.parametrize("call", CALLS)
def test_the_page_may_read_every_answer(scene: Scene, call: Call, origin: str) -> None:
    headers = scene.bearer() if call.signed_in else {}
    answer = scene.from_browser(call.method, call.path, origin, headers=headers, **call.arguments)
    assert answer.status_code == call.status
    assert answer.headers.get_list("access-control-allow-origin") == [origin]
    assert "origin" in answer.headers["vary"].lower()
    exposed = answer.headers["access-control-expose-headers"].lower().replace(" ", "").split(",")
    assert set(exposed) >= EXPOSED


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "origin",
    [
        pytest.param(STRANGER, id="another-site"),
        pytest.param("null", id="null"),
        pytest.param(f"{FRONTEND}.evil.example.org", id="the-front-end-as-a-prefix"),
        pytest.param("http://localhost:51730", id="another-port"),
        pytest.param("http://localhost:517", id="a-part-of-the-front-end"),
    ],
)
def test_another_page_may_read_none(scene: Scene, call: Call, origin: str) -> None:
    headers = scene.bearer() if call.signed_in else {}
    answer = scene.from_browser(call.method, call.path, origin, headers=headers, **call.arguments)
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/me", "/api/user/a/tasks", "/notes", "/nowhere", "/bug"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_preflight_needs_no_token(scene: Scene, path: str, method: str) -> None:
    answer = preflight(scene, path, method, FRONTEND)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == FRONTEND
    assert method in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert "authorization" in allowed
    assert "content-type" in allowed


def test_a_preflight_from_another_site_is_refused(scene: Scene) -> None:
    answer = preflight(scene, "/me", "GET", STRANGER)
    assert answer.status_code == 400
    assert "access-control-allow-origin" not in answer.headers


def preflight(scene: Scene, path: str, method: str, origin: str) -> Response:
    asked = {
        "access-control-request-method": method,
        "access-control-request-headers": "authorization,content-type",
    }
    return scene.from_browser("OPTIONS", path, origin, headers=asked)


def test_a_bug_tells_its_number_and_nothing_else(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    answer = scene.from_browser("GET", "/bug")
    assert answer.json() == {"detail": "Internal Server Error"}
    assert answer.headers["x-request-id"] in caplog.text
    assert "the inside that nobody may see" in caplog.text


# --- WebSockets ---


def test_a_websocket_with_the_header_knows_who_is_calling(scene: Scene) -> None:
    said, _ = ask_by_websocket(scene.api, additional_headers=scene.bearer())
    assert said == scene.ada.user_id


def test_a_websocket_with_subprotocols_knows_who_is_calling(scene: Scene) -> None:
    # All that a browser can do: new WebSocket(url, ["bearer", token]).
    offered = [Subprotocol("bearer"), Subprotocol(scene.token)]
    assert ask_by_websocket(scene.api, subprotocols=offered) == (scene.ada.user_id, "bearer")


def test_a_websocket_without_a_token_is_not_opened(scene: Scene) -> None:
    assert refused_websocket(scene.api) == MISSING


def test_a_websocket_with_a_tampered_header_is_not_opened(scene: Scene) -> None:
    headers = {"authorization": f"Bearer {tampered(scene.token, 'payload')}"}
    assert refused_websocket(scene.api, additional_headers=headers) == INVALID


def test_a_websocket_with_a_tampered_subprotocol_is_not_opened(scene: Scene) -> None:
    offered = [Subprotocol("bearer"), Subprotocol(tampered(scene.token, "payload"))]
    assert refused_websocket(scene.api, subprotocols=offered) == INVALID


def test_a_websocket_with_two_credentials_is_not_opened(scene: Scene) -> None:
    offered = [Subprotocol("bearer"), Subprotocol(scene.token)]
    refusal = refused_websocket(scene.api, subprotocols=offered, additional_headers=scene.bearer())
    assert refusal == MALFORMED


# --- OpenAPI and /docs ---


@pytest.fixture(scope="module")
def document(scene: Scene) -> dict[str, Any]:
    answer: dict[str, Any] = scene.api.get("/openapi.json").json()
    return answer


def test_openapi_has_one_bearer_scheme_for_jwts(document: dict[str, Any]) -> None:
    (scheme,) = document["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")


@pytest.mark.parametrize(
    ("path", "documented"),
    [
        pytest.param("/public", set(), id="open"),
        pytest.param("/me", {"401", "503"}, id="user"),
        pytest.param("/id", {"401", "503"}, id="verify_token"),
        pytest.param("/maybe", {"401", "503"}, id="optional_user"),
        pytest.param("/admin", {"401", "403", "503"}, id="require"),
        pytest.param("/api/user/{user_id}/tasks", {"401", "403", "503"}, id="path_user"),
    ],
)
def test_openapi_says_how_a_route_refuses(
    document: dict[str, Any], path: str, documented: set[str]
) -> None:
    operation = document["paths"][path]["get"]
    assert set(operation["responses"]) & {"401", "403", "503"} == documented


def test_openapi_asks_for_the_token_where_it_is_needed(document: dict[str, Any]) -> None:
    (name,) = document["components"]["securitySchemes"]
    guarded = {
        path
        for path, item in document["paths"].items()
        if any({name: []} in operation.get("security", []) for operation in item.values())
    }
    assert guarded == set(document["paths"]) - {"/public", "/bug"}


def test_the_docs_page_loads_this_document(scene: Scene) -> None:
    # Its Authorize button comes from the security scheme above; what it then sends is the
    # header that every other test here sends.
    page = scene.api.get("/docs")
    assert page.status_code == 200
    assert "url: '/openapi.json'" in page.text
