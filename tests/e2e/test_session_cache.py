"""Better Auth's session cache as a JWT cookie: a credential of its own kind, for those who ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.e2e.forgery import tampered
from tests.e2e.serving import FRONTEND, INVALID, MISSING, Api, Refusal, running_api, settings_for
from tests.servers.better_auth import SECRET, Account, BetterAuth, running_better_auth

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.node

COOKIE = "better-auth.session_data"


@dataclass(frozen=True)
class Scene:
    """A Better Auth that caches sessions in a JWT, with a back end that reads the cookie."""

    server: BetterAuth
    api: Api
    bearer_only: Api
    ada: Account

    def by_cookie(self, api: Api, value: str) -> Refusal:
        return Refusal.of(api.get("/me", cookie=f"{COOKIE}={value}"))


@pytest.fixture(scope="module", params=[False, True], ids=["secret", "key-set"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    secret = {"BETTER_AUTH_SECRET": SECRET}
    with (
        running_better_auth(cookie_cache="jwt", session_cookie_cache=request.param) as server,
        running_api(settings_for(server, BETTER_AUTH_COOKIE_CACHE="true", **secret)) as api,
        running_api(settings_for(server, BETTER_AUTH_TOKENS="both", **secret)) as bearer_only,
    ):
        yield Scene(server, api, bearer_only, server.sign_up())


def test_the_cookie_tells_who_is_calling(scene: Scene) -> None:
    answer = scene.api.get("/me", cookie=f"{COOKIE}={scene.server.session_data(scene.ada)}")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["id"], answer.json()["email"]) == (scene.ada.user_id, scene.ada.email)


def test_the_live_session_token_stays_out_of_the_application(scene: Scene) -> None:
    answer = scene.api.get("/me", cookie=f"{COOKIE}={scene.server.session_data(scene.ada)}")
    session_token = scene.ada.cookies["better-auth.session_token"].split(".")[0]
    assert session_token not in answer.text


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
    assert _written(scene, "https://evil.example.org") == 403


def _written(scene: Scene, origin: str) -> int:
    cookie = f"{COOKIE}={scene.server.session_data(scene.ada)}"
    answer = scene.api.client.post(
        "/notes", json={"text": "x"}, headers={"cookie": cookie, "origin": origin}
    )
    return answer.status_code
