"""Better Auth's session cache as a JWT cookie: a credential of its own kind, for those who ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from websockets.typing import Origin

from tests.e2e.forgery import tampered
from tests.e2e.serving import (
    FORBIDDEN,
    FRONTEND,
    INVALID,
    MISSING,
    Api,
    Refusal,
    ask_by_websocket,
    refused_websocket,
    running_api,
    settings_for,
)
from tests.servers.better_auth import SECRET, Account, BetterAuth, running_better_auth

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.node

STRANGER = "https://evil.example.org"
PUBLIC_ORIGIN = "https://auth.example.org"


@dataclass(frozen=True)
class Mode:
    """How Better Auth signs the cookie, and whether its address makes cookies secure."""

    signed_by_key_set: bool
    public: bool

    def settings_for(self, server: BetterAuth) -> dict[str, str]:
        least = settings_for(server, BETTER_AUTH_SECRET=SECRET)
        if not self.public:
            return least
        return {
            **least,
            "BETTER_AUTH_URL": PUBLIC_ORIGIN,
            "BETTER_AUTH_JWKS_URL": server.key_set_url,
        }


@dataclass(frozen=True)
class Scene:
    """A Better Auth that caches sessions in a JWT, with a back end that reads the cookie."""

    server: BetterAuth
    api: Api
    bearer_only: Api
    ada: Account

    def by_cookie(self, api: Api, value: str) -> Refusal:
        (name,) = self.ada.session_data_cookies()
        return Refusal.of(api.get("/me", cookie=f"{name}={value}"))


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(Mode(signed_by_key_set=False, public=False), id="secret"),
        pytest.param(Mode(signed_by_key_set=True, public=False), id="key-set"),
        pytest.param(Mode(signed_by_key_set=False, public=True), id="secret-on-https"),
        pytest.param(Mode(signed_by_key_set=True, public=True), id="key-set-on-https"),
    ],
)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    mode: Mode = request.param
    with running_better_auth(
        cookie_cache="jwt",
        session_cookie_cache=mode.signed_by_key_set,
        base_url=PUBLIC_ORIGIN if mode.public else "",
    ) as server:
        settings = mode.settings_for(server)
        with (
            running_api({**settings, "BETTER_AUTH_COOKIE_CACHE": "true"}) as api,
            running_api({**settings, "BETTER_AUTH_TOKENS": "both"}) as bearer_only,
        ):
            yield Scene(server, api, bearer_only, server.sign_up())


def cookies_of(account: Account) -> str:
    return "; ".join(f"{name}={value}" for name, value in account.cookies.items())


def test_the_cookie_tells_who_is_calling(scene: Scene) -> None:
    answer = scene.api.get("/me", cookie=cookies_of(scene.ada))
    assert answer.status_code == 200, answer.text
    assert (answer.json()["id"], answer.json()["email"]) == (scene.ada.user_id, scene.ada.email)


def test_a_cookie_in_chunks_tells_who_is_calling(scene: Scene) -> None:
    # Better Auth cuts a cookie that browsers would find too large.
    bob = scene.server.sign_up("B" * 6000)
    assert len(bob.session_data_cookies()) > 1
    answer = scene.api.get("/me", cookie=cookies_of(bob))
    assert (answer.status_code, answer.json().get("id")) == (200, bob.user_id)


def test_the_live_session_token_stays_out_of_the_application(scene: Scene) -> None:
    answer = scene.api.get("/me", cookie=cookies_of(scene.ada))
    (session_token,) = (
        value for name, value in scene.ada.cookies.items() if "session_token" in name
    )
    assert session_token.split(".")[0] not in answer.text


def test_a_bearer_token_still_serves(scene: Scene) -> None:
    assert scene.api.user_id(scene.server.token(scene.ada)) == scene.ada.user_id


def test_the_cookies_token_is_no_bearer_token(scene: Scene) -> None:
    token = scene.server.session_data(scene.ada)
    assert Refusal.of(scene.api.get("/me", token)) == INVALID


def test_the_cookies_token_is_no_bearer_token_where_cookies_are_off(scene: Scene) -> None:
    token = scene.server.session_data(scene.ada)
    assert Refusal.of(scene.bearer_only.get("/me", token)) == INVALID


def test_a_bearer_token_is_no_session_cache(scene: Scene) -> None:
    assert scene.by_cookie(scene.api, scene.server.token(scene.ada)) == INVALID


def test_an_email_verification_token_is_no_session_cache(scene: Scene) -> None:
    assert scene.by_cookie(scene.api, scene.server.verification_token(scene.ada)) == INVALID


@pytest.mark.parametrize("part", ["header", "payload", "signature"])
def test_a_tampered_cookie_is_refused(scene: Scene, part: str) -> None:
    value = tampered(scene.server.session_data(scene.ada), part)
    assert scene.by_cookie(scene.api, value) == INVALID


def test_the_cookie_is_not_looked_at_unless_asked_for(scene: Scene) -> None:
    value = scene.server.session_data(scene.ada)
    assert scene.by_cookie(scene.bearer_only, value) == MISSING


def test_a_write_by_cookie_from_the_front_end_is_served(scene: Scene) -> None:
    assert _written(scene, FRONTEND) == 200


def test_a_write_by_cookie_from_another_site_is_refused(scene: Scene) -> None:
    assert _written(scene, STRANGER) == 403


def test_a_websocket_by_cookie_from_the_front_end_is_opened(scene: Scene) -> None:
    headers = {"cookie": cookies_of(scene.ada)}
    said, _ = ask_by_websocket(scene.api, additional_headers=headers, origin=Origin(FRONTEND))
    assert said == scene.ada.user_id


def test_a_websocket_by_cookie_from_another_site_is_not_opened(scene: Scene) -> None:
    # A browser sends cookies with any site's WebSocket, and CORS does not apply to one.
    headers = {"cookie": cookies_of(scene.ada)}
    refusal = refused_websocket(scene.api, additional_headers=headers, origin=Origin(STRANGER))
    assert refusal == FORBIDDEN


def _written(scene: Scene, origin: str) -> int:
    headers = {"cookie": cookies_of(scene.ada), "origin": origin}
    answer = scene.api.client.post("/notes", json={"text": "x"}, headers=headers)
    return answer.status_code
