from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI

from betterguard.live.doctor import Report, Status
from betterguard.live.doctor.better_auth import _rate_limit
from tests.live.doctor.diagnosing import diagnosed, named, subject_of
from tests.servers.asgi import running_app
from tests.servers.better_auth import SECRET, running_better_auth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.better_auth import BetterAuth

pytestmark = pytest.mark.node

OTHER = "another-secret-of-the-tests-8Zt5Qw1Lk9Vb3"


@pytest.fixture(scope="module")
def key_set_server() -> Iterator[BetterAuth]:
    with running_better_auth(rate_limit=True) as server:
        yield server


@pytest.fixture(scope="module")
def secret_server() -> Iterator[BetterAuth]:
    with running_better_auth(sign_hs256=True, cookie_cache="jwt") as server:
        yield server


@pytest.fixture(scope="module")
def key_set_token(key_set_server: BetterAuth) -> str:
    return token_of(key_set_server)  # one for all: sign-up is limited, too


def with_secret(server: BetterAuth, secret: str = SECRET) -> dict[str, str]:
    return {
        "BETTER_AUTH_URL": server.url,
        "BETTER_AUTH_SECRET": secret,
        "BETTER_AUTH_TOKENS": "secret",
    }


def with_key_set(server: BetterAuth, **more: str) -> dict[str, str]:
    return {"BETTER_AUTH_URL": server.url, **more}


def examined(variables: dict[str, str], token: str = "", *only: str) -> Report:
    families = only or ("better-auth", "keys", "clock", "token")
    return diagnosed(subject_of(variables, token=token), *families)


def token_of(server: BetterAuth) -> str:
    return server.token(server.sign_up())


def test_a_key_set_as_it_should_be(key_set_server: BetterAuth, key_set_token: str) -> None:
    report = examined(with_key_set(key_set_server), key_set_token)
    assert named(report) | named(report, Status.WARNING) == set()
    assert "better-auth.rate-limit" in named(report, Status.OK)
    assert "better-auth.base-url" in named(report, Status.OK)


def test_a_secret_as_it_should_be(secret_server: BetterAuth) -> None:
    report = examined(with_secret(secret_server), token_of(secret_server))
    assert named(report) == set()


def test_hs256_where_a_key_set_is_expected(secret_server: BetterAuth) -> None:
    report = examined(with_key_set(secret_server), token_of(secret_server))
    assert named(report) == {"better-auth.signing", "keys.found", "token.algorithm"}


def test_a_key_set_where_hs256_is_expected(key_set_server: BetterAuth, key_set_token: str) -> None:
    report = examined(with_secret(key_set_server), key_set_token)
    assert named(report) == {"better-auth.signing", "token.algorithm"}


def test_another_secret(secret_server: BetterAuth) -> None:
    report = examined(with_secret(secret_server, OTHER), token_of(secret_server))
    assert named(report) == {"token.signature"}


def test_an_issuer_with_the_path_of_the_api(key_set_server: BetterAuth, key_set_token: str) -> None:
    issuer = f"{key_set_server.url}/api/auth"
    variables = with_key_set(key_set_server, BETTER_AUTH_ISSUER=issuer)
    report = examined(variables, key_set_token, "settings", "better-auth", "token")
    assert named(report) == {"token.issuer"}
    assert named(report, Status.WARNING) >= {"settings.issuer", "better-auth.base-url"}


def test_another_audience(key_set_server: BetterAuth, key_set_token: str) -> None:
    variables = with_key_set(key_set_server, BETTER_AUTH_AUDIENCE="https://api.example.com")
    assert named(examined(variables, key_set_token)) == {"token.audience"}


def test_an_expired_token(key_set_server: BetterAuth) -> None:
    past = int(time.time()) - 1000
    token = key_set_server.sign({"sub": "ada", "iat": past, "exp": past + 900})
    assert named(examined(with_key_set(key_set_server), token, "token")) == {"token.expiry"}


def test_a_token_of_another_server(key_set_server: BetterAuth, secret_server: BetterAuth) -> None:
    variables = {
        **with_key_set(key_set_server),
        "BETTER_AUTH_TOKENS": "both",
        "BETTER_AUTH_SECRET": SECRET,
    }
    report = examined(variables, token_of(secret_server), "token")
    assert named(report) == {"token.issuer", "token.audience"}


def test_the_token_of_the_verification_mail(secret_server: BetterAuth) -> None:
    token = secret_server.verification_token(secret_server.sign_up())
    report = examined(with_secret(secret_server), token, "token")
    assert "token.kind" in named(report)
    assert "token.signature" not in named(report)


def test_the_session_cache(secret_server: BetterAuth) -> None:
    token = secret_server.session_data(secret_server.sign_up())
    report = examined(with_secret(secret_server), token, "token")
    assert "token.kind" in named(report)
    assert "token.signature" not in named(report)


def test_an_expiration_time_that_was_given_as_a_number() -> None:
    with running_better_auth(expiration_time="3600") as server:
        report = examined(with_key_set(server), token_of(server), "token")
    (outcome,) = (one for one in report.outcomes if one.status is Status.FAULT)
    assert (outcome.check, "expirationTime" in outcome.found) == ("token.expiry", True)


def test_a_public_address_that_the_settings_do_not_know() -> None:
    with running_better_auth(base_url="https://app.example.com") as server:
        report = examined(with_key_set(server), token_of(server))
        public = {
            "BETTER_AUTH_URL": "https://app.example.com",
            "BETTER_AUTH_JWKS_URL": server.key_set_url,
        }
        mended = examined(public, token_of(server))
    assert named(report) == {"token.issuer", "token.audience"}
    assert "better-auth.base-url" in named(report, Status.WARNING)
    assert named(mended) == set()


def test_a_missing_plugin() -> None:
    with running_better_auth(no_jwt_plugin=True) as server:
        report = examined(with_key_set(server))
    assert named(report) == {"better-auth.jwt-plugin", "keys.found"}
    assert "better-auth.rate-limit" in named(report, Status.WARNING)


def test_something_else_at_the_address() -> None:
    with running_app(FastAPI()) as url:
        report = examined({"BETTER_AUTH_URL": url}, "", "better-auth")
    assert named(report) == {"better-auth.ok"}


def test_nothing_at_the_address() -> None:
    report = examined({"BETTER_AUTH_URL": "http://127.0.0.1:9"}, "", "better-auth")
    assert named(report) == {"better-auth.ok"}


def test_sign_in_is_tried_on_this_machine_only() -> None:
    outcome = asyncio.run(_rate_limit(subject_of({}), "https://auth.example.com/api/auth"))
    assert (outcome.status, "--probe-sign-in" in outcome.found) == (Status.SKIPPED, True)


def test_a_cookie_cache_outlives_the_sign_out(secret_server: BetterAuth) -> None:
    variables = {**with_secret(secret_server), "BETTER_AUTH_COOKIE_CACHE": "true"}
    report = examined(variables, "", "better-auth")
    assert "better-auth.cookie-cache" in named(report, Status.WARNING)
