from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from betterguard.live.doctor import Report, Status
from betterguard.settings import check
from betterguard.testing.tokens import SharedSecretKey, TokenIssuer
from tests.live.doctor import apps
from tests.live.doctor.diagnosing import FRONT_END, SECRET, diagnosed, named, subject_of
from tests.servers.asgi import running_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from starlette.types import ASGIApp

VARIABLES = {
    "BETTER_AUTH_SECRET": SECRET,
    "BETTER_AUTH_ISSUER": FRONT_END,
    "FRONTEND_URL": FRONT_END,
}
OTHER = "another-secret-of-the-tests-8Zt5Qw1Lk9Vb3"
FAULTS = [
    pytest.param(apps.other_front_end, {"api.origin"}, id="origin-missing"),
    pytest.param(apps.another_form_of_origin, {"api.origin-form"}, id="origin-with-slash"),
    pytest.param(apps.any_origin, {"api.stranger"}, id="any-origin-with-cookies"),
    pytest.param(apps.no_authorization_header, {"api.preflight-headers"}, id="header-missing"),
    pytest.param(apps.no_challenge, {"api.challenge"}, id="no-www-authenticate"),
    pytest.param(apps.forbidding, {"api.challenge", "api.forged"}, id="403-for-strangers"),
    pytest.param(apps.open_route, {"api.open"}, id="secured-and-open"),
    pytest.param(
        apps.cors_inside_of_authentication, {"api.cors-401", "api.cors-404"}, id="cors-on-401"
    ),
    pytest.param(apps.preflight_asked_for_a_token, {"api.preflight"}, id="preflight-blocked"),
    pytest.param(apps.cors_on_the_api_only, {"api.cors-404"}, id="cors-on-404"),
    pytest.param(apps.trusting_any_token, {"api.forged"}, id="unsigned-token-taken"),
    pytest.param(apps.failing_on_bad_tokens, {"api.forged"}, id="500-on-a-bad-token"),
]


def examined(app: ASGIApp, variables: dict[str, str] = VARIABLES, **options: Any) -> Report:
    # A slash that the guard forgives, for those that do not.
    slashed = {**variables, "FRONTEND_URL": f"{FRONT_END}/"}
    with running_app(app) as url:
        return diagnosed(subject_of(slashed, api=url, **options), "api")


@pytest.mark.parametrize(("app", "checks"), FAULTS)
def test_an_api_that_is_wrong_is_named(app: Callable[[], ASGIApp], checks: set[str]) -> None:
    assert named(examined(app())) == checks


def guarded() -> FastAPI:
    return apps.guarded(subject_settings(VARIABLES))


def subject_settings(variables: dict[str, str]) -> Any:
    return check(subject_of(variables).environment)


def test_an_api_with_the_guard_is_sound() -> None:
    report = examined(guarded(), token=issued(SECRET))
    assert named(report) | named(report, Status.WARNING) == set()
    assert {"api.token", "api.forged", "api.cors-401", "api.cors-404"} <= named(report, Status.OK)


def issued(secret: str) -> str:
    return TokenIssuer(SharedSecretKey(secret), url=FRONT_END).token()


def test_an_api_with_other_settings_is_named() -> None:
    other = apps.guarded(subject_settings({**VARIABLES, "BETTER_AUTH_SECRET": OTHER}))
    assert named(examined(other, token=issued(SECRET))) == {"api.token"}


def test_methods_that_are_not_admitted_are_a_warning() -> None:
    report = examined(apps.reading_methods_only())
    assert (named(report), named(report, Status.WARNING)) == (set(), {"api.preflight-methods"})


def test_docs_in_production_are_a_warning() -> None:
    report = examined(guarded(), {**VARIABLES, "ENVIRONMENT": "production"})
    assert (named(report), named(report, Status.WARNING)) == (set(), {"api.docs"})


def test_closed_docs_need_a_path() -> None:
    report = examined(apps.closed_docs())
    assert (named(report), named(report, Status.WARNING)) == (set(), {"api.protected"})
    assert "api.protected" in named(examined(apps.closed_docs(), api_path="/api/me"), Status.OK)


def test_a_path_that_needs_no_token_is_named() -> None:
    report = examined(apps.closed_docs(), api_path="/nowhere")
    assert named(report) == {"api.protected"}


def test_an_api_that_does_not_run_is_named() -> None:
    report = diagnosed(subject_of(VARIABLES, api="http://127.0.0.1:9"), "api")
    assert named(report) == {"api.reachable"}


def test_the_token_is_never_shown() -> None:
    token = issued(SECRET)
    assert token not in repr(examined(guarded(), token=token))
