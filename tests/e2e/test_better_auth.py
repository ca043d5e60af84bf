"""Tokens that a real Better Auth signs, in each way that people set it up, are understood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.e2e.forgery import tampered
from tests.e2e.serving import FORBIDDEN, INVALID, MISSING, Refusal, running_api, settings_for
from tests.servers.better_auth import BetterAuthOptions, running_better_auth

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.e2e.serving import Api
    from tests.servers.better_auth import Account, BetterAuth

pytestmark = pytest.mark.node

PUBLIC_ORIGIN = "https://auth.example.org"
API_AUDIENCE = "https://api.example.org"
NEXT_SECRET = "the-secret-to-come-9sKf2Lq7Wd4Rj6Pm"


@dataclass(frozen=True)
class Mode:
    """A way to set Better Auth up and the settings that a back end beside it needs.

    In ``settings``, ``{url}`` is the server's address and ``{secret}`` its secret.
    """

    options: BetterAuthOptions
    settings: Mapping[str, str] = field(default_factory=dict)

    def settings_for(self, server: BetterAuth) -> dict[str, str]:
        filled = {
            name: value.format(url=server.url, secret=server.options.secret)
            for name, value in self.settings.items()
        }
        return settings_for(server, **filled)


@dataclass(frozen=True)
class Scene:
    """Both servers of one mode, and someone who has signed up."""

    mode: Mode
    server: BetterAuth
    api: Api
    ada: Account
    token: str


SECRET = {"BETTER_AUTH_SECRET": "{secret}"}
MODES = [
    pytest.param(Mode(BetterAuthOptions()), id="default"),
    *(
        pytest.param(Mode(BetterAuthOptions(algorithm=algorithm)), id=algorithm)
        for algorithm in ("EdDSA", "ES256", "ES512", "PS256", "RS256")
    ),
    pytest.param(
        Mode(BetterAuthOptions(sign_hs256=True), {**SECRET, "BETTER_AUTH_TOKENS": "secret"}),
        id="custom-sign-HS256",
    ),
    pytest.param(
        Mode(BetterAuthOptions(sign_hs256=True), {**SECRET, "BETTER_AUTH_URL": ""}),
        id="custom-sign-HS256-with-the-secret-alone",
    ),
    pytest.param(
        Mode(BetterAuthOptions(sign_hs256=True), {**SECRET, "BETTER_AUTH_TOKENS": "both"}),
        id="custom-sign-HS256-beside-a-key-set",
    ),
    pytest.param(
        Mode(
            BetterAuthOptions(sign_hs256=True),
            {
                "BETTER_AUTH_SECRETS": f"2:{NEXT_SECRET},1:{{secret}}",
                "BETTER_AUTH_TOKENS": "secret",
            },
        ),
        id="custom-sign-HS256-while-secrets-rotate",
    ),
    pytest.param(
        Mode(BetterAuthOptions(), {**SECRET, "BETTER_AUTH_TOKENS": "both"}),
        id="key-set-beside-a-secret",
    ),
    pytest.param(Mode(BetterAuthOptions(cookie_cache="jwt")), id="cookie-cache-jwt"),
    pytest.param(
        Mode(BetterAuthOptions(cookie_cache="jwt", session_cookie_cache=True)),
        id="cookie-cache-signed-by-the-key-set",
    ),
    pytest.param(
        Mode(
            BetterAuthOptions(issuer="https://issuer.example.org/tenant/"),
            {"BETTER_AUTH_ISSUER": "https://issuer.example.org/tenant/"},
        ),
        id="custom-issuer",
    ),
    pytest.param(
        Mode(
            BetterAuthOptions(audience=("https://other.example.org", API_AUDIENCE)),
            {"BETTER_AUTH_AUDIENCE": API_AUDIENCE},
        ),
        id="audience-list",
    ),
    pytest.param(
        Mode(
            BetterAuthOptions(jwks_path="/.well-known/jwks.json"),
            {"BETTER_AUTH_JWKS_URL": "{url}/api/auth/.well-known/jwks.json"},
        ),
        id="jwks-path",
    ),
    pytest.param(
        Mode(BetterAuthOptions(define_payload="user_id")), id="define-payload-with-user_id"
    ),
    pytest.param(Mode(BetterAuthOptions(generate_id="serial")), id="serial-ids"),
    pytest.param(Mode(BetterAuthOptions(generate_id="uuid")), id="uuid-ids"),
    pytest.param(
        Mode(
            BetterAuthOptions(base_url=PUBLIC_ORIGIN),
            {
                "BETTER_AUTH_URL": PUBLIC_ORIGIN,
                "BETTER_AUTH_JWKS_URL": "{url}/api/auth/jwks",
            },
        ),
        id="internal-key-set-and-public-issuer",
    ),
]


@pytest.fixture(scope="module", params=MODES)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    mode: Mode = request.param
    with (
        running_better_auth(mode.options) as server,
        running_api(mode.settings_for(server)) as api,
    ):
        ada = server.sign_up()
        yield Scene(mode, server, api, ada, server.token(ada))


def test_the_route_knows_who_is_calling(scene: Scene) -> None:
    answer = scene.api.get("/me", scene.token)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["id"], answer.json()["email"]) == (scene.ada.user_id, scene.ada.email)


def test_the_callers_own_path_is_open(scene: Scene) -> None:
    answer = scene.api.get(f"/api/user/{scene.ada.user_id}/tasks", scene.token)
    assert answer.json() == [f"a task of {scene.ada.user_id}"]


def test_another_users_path_is_forbidden(scene: Scene) -> None:
    answer = scene.api.get(f"/api/user/{scene.ada.user_id}0/tasks", scene.token)
    assert Refusal.of(answer) == FORBIDDEN


def test_a_new_session_of_the_same_person_is_the_same_user(scene: Scene) -> None:
    again = scene.server.token(scene.server.sign_in(scene.ada))
    assert scene.api.user_id(again) == scene.ada.user_id


def test_without_a_token_it_says_that_one_is_missing(scene: Scene) -> None:
    assert Refusal.of(scene.api.get("/me")) == MISSING


@pytest.mark.parametrize("part", ["header", "payload", "signature"])
def test_a_tampered_token_is_refused(scene: Scene, part: str) -> None:
    assert Refusal.of(scene.api.get("/me", tampered(scene.token, part))) == INVALID


def test_an_email_verification_token_is_refused(scene: Scene) -> None:
    token = scene.server.verification_token(scene.ada)
    assert Refusal.of(scene.api.get("/me", token)) == INVALID


def test_a_back_end_may_start_before_there_is_any_key() -> None:
    with running_better_auth(first_key=False) as server, running_api(settings_for(server)) as api:
        ada = server.sign_up()
        assert api.user_id(server.token(ada)) == ada.user_id
