"""Tokens that must never pass, each made by a real Better Auth or from one that it made."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.e2e.forgery import claims_of, header_of, hmac_signed, unsigned
from tests.e2e.serving import EXPIRED, FRONTEND, INVALID, Api, Refusal, running_api, settings_for
from tests.servers.better_auth import SECRET, Account, BetterAuth, running_better_auth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Forge = Callable[["Scene"], str]

pytestmark = pytest.mark.node

OTHER = "https://other.example.org"
BACK_ENDS = ("jwks", "secret", "both")


@dataclass(frozen=True)
class Scene:
    """One Better Auth, and three back ends beside it that differ in ``BETTER_AUTH_TOKENS``."""

    server: BetterAuth
    apis: dict[str, Api]
    ada: Account
    token: str

    def changed(self, **changes: Any) -> dict[str, Any]:
        """Give the claims of the real token with some changed; None takes one away."""
        claims = {**claims_of(self.token), **changes}
        return {name: value for name, value in claims.items() if value is not None}


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    secret = {"BETTER_AUTH_SECRET": SECRET}
    with (
        running_better_auth() as server,
        running_api(settings_for(server)) as by_key_set,
        running_api(settings_for(server, BETTER_AUTH_TOKENS="secret", **secret)) as by_secret,
        running_api(settings_for(server, BETTER_AUTH_TOKENS="both", **secret)) as by_both,
    ):
        ada = server.sign_up()
        apis = {"jwks": by_key_set, "secret": by_secret, "both": by_both}
        yield Scene(server, apis, ada, server.token(ada))


@dataclass(frozen=True)
class Way:
    """Who signs, and which back end must decide: the signature fits in every one of these."""

    signer: Literal["key", "secret"]
    back_end: str

    def answer(self, scene: Scene, claims: dict[str, Any]) -> Refusal:
        return Refusal.of(scene.apis[self.back_end].get("/me", self.signed(scene, claims)))

    def signed(self, scene: Scene, claims: dict[str, Any]) -> str:
        if self.signer == "key":
            return scene.server.sign(claims)
        return hmac_signed(claims, scene.server.options.secret.encode())


WAYS = pytest.mark.parametrize(
    "way",
    [
        pytest.param(Way("key", "jwks"), id="key-at-jwks"),
        pytest.param(Way("key", "both"), id="key-at-both"),
        pytest.param(Way("secret", "secret"), id="secret-at-secret"),
        pytest.param(Way("secret", "both"), id="secret-at-both"),
    ],
)


@WAYS
def test_unchanged_claims_pass(scene: Scene, way: Way) -> None:
    # So that each of the changed claims below is refused for its change alone.
    token = way.signed(scene, scene.changed())
    assert scene.apis[way.back_end].user_id(token) == scene.ada.user_id


@WAYS
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"iss": OTHER}, id="other-issuer"),
        pytest.param({"iss": "{url}/"}, id="issuer-with-a-slash"),
        pytest.param({"iss": "{url}/api/auth"}, id="issuer-with-the-api-path"),
        pytest.param({"aud": OTHER}, id="other-audience"),
        pytest.param({"aud": [OTHER, "{url}/"]}, id="other-audiences"),
        pytest.param({"sub": None, "id": None}, id="nobody"),
        pytest.param({"sub": ""}, id="an-empty-id"),
        pytest.param({"user_id": "somebody-else"}, id="two-users"),
    ],
)
def test_wrong_claims_are_refused(scene: Scene, way: Way, changes: dict[str, Any]) -> None:
    text = json.dumps(scene.changed(**changes)).replace("{url}", scene.server.url)
    assert way.answer(scene, json.loads(text)) == INVALID


@WAYS
@pytest.mark.parametrize(
    ("offsets", "refusal"),
    [
        pytest.param({"iat": -1000, "exp": -100}, EXPIRED, id="expired"),
        pytest.param({"exp": -7}, EXPIRED, id="expired-by-more-than-the-leeway"),
        pytest.param({"nbf": 600}, INVALID, id="not-yet-valid"),
        pytest.param({"iat": 600, "exp": 1200}, INVALID, id="issued-in-the-future"),
        pytest.param({"exp": 10 * 24 * 3600}, INVALID, id="lives-for-ten-days"),
    ],
)
def test_wrong_times_are_refused(
    scene: Scene, way: Way, offsets: dict[str, int], refusal: Refusal
) -> None:
    now = int(time.time())
    times = {name: now + offset for name, offset in offsets.items()}
    assert way.answer(scene, scene.changed(**times)) == refusal


@WAYS
def test_an_expired_token_of_another_issuer_is_not_called_expired(scene: Scene, way: Way) -> None:
    now = int(time.time())
    claims = scene.changed(iss=OTHER, iat=now - 1000, exp=now - 100)
    assert way.answer(scene, claims) == INVALID


FORGERIES: dict[str, Forge] = {
    "alg-none": lambda scene: unsigned(scene.token, "none"),
    "alg-none-in-capitals": lambda scene: unsigned(scene.token, "NONE"),
    "alg-none-with-the-signature-kept": lambda scene: unsigned(
        scene.token, "none", keep_signature=True
    ),
    "hs256-with-the-public-key-as-pem": lambda scene: with_public_key(
        scene, public_key(scene).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ),
    "hs256-with-the-public-key-as-it-is": lambda scene: with_public_key(
        scene, public_key(scene).public_bytes(Encoding.Raw, PublicFormat.Raw)
    ),
    "hs256-with-the-published-key": lambda scene: with_public_key(
        scene, json.dumps(scene.server.key_set()["keys"][0], separators=(",", ":")).encode()
    ),
    "hs256-with-the-published-key-set": lambda scene: with_public_key(
        scene, scene.server.client.get(scene.server.key_set_url).content
    ),
    "hs256-with-another-secret": lambda scene: hmac_signed(scene.changed(), b"x" * 32),
    "hs256-with-no-secret": lambda scene: hmac_signed(scene.changed(), b""),
    "no-signature": lambda scene: scene.token.rpartition(".")[0] + ".",
    "two-parts": lambda scene: scene.token.rpartition(".")[0],
    "padded": lambda scene: scene.token + "=",
    "opaque-session-token": lambda scene: scene.ada.cookies["better-auth.session_token"],
}


def public_key(scene: Scene) -> Any:
    return jwt.PyJWK(scene.server.key_set()["keys"][0]).key


def with_public_key(scene: Scene, key: bytes) -> str:
    return hmac_signed(scene.changed(), key, kid=header_of(scene.token)["kid"])


@pytest.mark.parametrize("back_end", BACK_ENDS)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_forgeries_are_refused(scene: Scene, back_end: str, forgery: str) -> None:
    token = FORGERIES[forgery](scene)
    assert Refusal.of(scene.apis[back_end].get("/me", token)) == INVALID


@pytest.mark.parametrize("back_end", BACK_ENDS)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forger_is_never_anonymous(scene: Scene, back_end: str, forgery: str) -> None:
    token = FORGERIES[forgery](scene)
    assert Refusal.of(scene.apis[back_end].get("/maybe", token)) == INVALID


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_an_email_verification_token_of_the_same_secret_is_refused(
    scene: Scene, back_end: str
) -> None:
    token = scene.server.verification_token(scene.ada)
    # What makes it dangerous: the very secret signs it, so a plain HS256 check would pass it.
    jwt.decode(token, SECRET, algorithms=["HS256"])
    assert Refusal.of(scene.apis[back_end].get("/me", token)) == INVALID


def test_a_good_token_of_the_secret_is_refused_where_the_key_set_rules(scene: Scene) -> None:
    token = hmac_signed(scene.changed(), SECRET.encode())
    assert Refusal.of(scene.apis["jwks"].get("/me", token)) == INVALID


def test_a_good_token_of_the_key_set_is_refused_where_the_secret_rules(scene: Scene) -> None:
    assert Refusal.of(scene.apis["secret"].get("/me", scene.token)) == INVALID


def test_another_servers_token_is_refused_though_it_names_this_issuer(scene: Scene) -> None:
    with running_better_auth(issuer=scene.server.url, audience=(scene.server.url,)) as other:
        token = other.token(other.sign_up())
    assert claims_of(token)["iss"] == claims_of(scene.token)["iss"]
    assert Refusal.of(scene.apis["jwks"].get("/me", token)) == INVALID


def test_an_expiration_time_given_as_a_number_has_always_expired() -> None:
    # Better Auth takes a bare number for an absolute time: 3600 is an hour after 1970 began.
    with (
        running_better_auth(expiration_time="3600") as server,
        running_api(settings_for(server)) as api,
    ):
        assert Refusal.of(api.get("/me", server.token(server.sign_up()))) == EXPIRED


def test_a_token_expires_while_it_is_in_use() -> None:
    # Verified tokens are remembered: the memory must not outlive them.
    with (
        running_better_auth(expiration_time="2s") as server,
        running_api(settings_for(server, BETTER_AUTH_LEEWAY="0")) as api,
    ):
        ada = server.sign_up()
        token = server.token(ada)
        while api.get("/me", token).status_code != 200:  # too slow for two seconds: once more
            token = server.token(ada)
        while (left := claims_of(token)["exp"] - time.time()) > 0:
            time.sleep(left)
        assert Refusal.of(api.get("/me", token)) == EXPIRED


def test_the_log_tells_no_token_and_no_secret(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = [forge(scene) for forge in FORGERIES.values()]
    tokens += [scene.token, scene.server.verification_token(scene.ada)]
    # A back end of its own: the log tells each reason but once in a while.
    both = {"BETTER_AUTH_TOKENS": "both", "BETTER_AUTH_SECRET": SECRET}
    with running_api(settings_for(scene.server, **both)) as api:
        for token in tokens:
            api.get("/me", token)
    assert "refused with 401" in caplog.text
    assert SECRET not in caplog.text
    parts = {part for token in tokens for part in token.split(".") if len(part) > 20}
    assert not [part for part in parts if part in caplog.text]


@pytest.mark.parametrize(
    ("back_end", "forge", "hint"),
    [
        pytest.param(
            {"BETTER_AUTH_TOKENS": "secret", "BETTER_AUTH_SECRET": SECRET},
            lambda scene: scene.server.verification_token(scene.ada),
            "e-mail-verification token",
            id="an-email-verification-token",
        ),
        pytest.param(
            {"BETTER_AUTH_TOKENS": "secret", "BETTER_AUTH_SECRET": SECRET},
            lambda scene: scene.token,
            "BETTER_AUTH_TOKENS=jwks",
            id="a-token-of-the-key-set-where-the-secret-rules",
        ),
        pytest.param(
            {},
            lambda scene: hmac_signed(scene.changed(), SECRET.encode()),
            "BETTER_AUTH_TOKENS=secret",
            id="a-token-of-the-secret-where-the-key-set-rules",
        ),
        pytest.param(
            {"BETTER_AUTH_ISSUER": OTHER},
            lambda scene: scene.token,
            "BETTER_AUTH_ISSUER",
            id="another-issuer",
        ),
        pytest.param(
            {"BETTER_AUTH_AUDIENCE": FRONTEND},
            lambda scene: scene.token,
            "BETTER_AUTH_AUDIENCE",
            id="another-audience",
        ),
    ],
)
def test_the_log_tells_which_setting_to_change(
    scene: Scene,
    caplog: pytest.LogCaptureFixture,
    back_end: dict[str, str],
    forge: Forge,
    hint: str,
) -> None:
    with running_api(settings_for(scene.server, **back_end)) as api:
        assert Refusal.of(api.get("/me", forge(scene))) == INVALID
    assert hint in caplog.text
