"""A refusal that comes of a wrong setting says in the log what was seen and what to change."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from betterguard.testing.tokens import TokenIssuer
from betterguard.tokens import SharedSecrets, TokenKind
from betterguard.web.refusals import RefusalLog
from tests.tokens.issuers import NOW, Clock, issuer, refused

if TYPE_CHECKING:
    from betterguard.errors import AuthError
    from betterguard.tokens import TokenVerifier

KEY_SET = issuer("EdDSA")
SHARED = issuer("HS256")
URL = KEY_SET.url


def shared_verifier(**options: Any) -> TokenVerifier:
    return SHARED.verifier(**options)


@pytest.mark.parametrize(
    ("verifier", "token", "seen", "change"),
    [
        pytest.param(
            KEY_SET.verifier(), SHARED.token(), "(HS256)", "BETTER_AUTH_TOKENS=secret",
            id="hs256-where-the-key-set-is-expected",
        ),
        pytest.param(
            SHARED.verifier(), KEY_SET.token(), "(EdDSA)", "BETTER_AUTH_TOKENS=jwks",
            id="key-set-where-a-secret-is-expected",
        ),
        pytest.param(
            KEY_SET.verifier(), KEY_SET.sign(b"{}", {"alg": "RS512"}), "'RS512'", "EdDSA",
            id="algorithm-that-is-never-used",
        ),
        pytest.param(
            KEY_SET.verifier(), KEY_SET.token("a", iss=URL + "/"), f"'{URL}/'",
            "a trailing slash; set BETTER_AUTH_ISSUER", id="issuer-with-a-slash",
        ),
        pytest.param(
            KEY_SET.verifier(issuer=URL + "/"), KEY_SET.token(), f"'{URL}'",
            "a trailing slash; set BETTER_AUTH_ISSUER", id="issuer-without-the-slash",
        ),
        pytest.param(
            KEY_SET.verifier(), KEY_SET.token("a", iss=URL + "/api/auth"), f"'{URL}/api/auth'",
            "by /api/auth; set BETTER_AUTH_ISSUER", id="issuer-with-the-api-path",
        ),
        pytest.param(
            KEY_SET.verifier(issuer=URL + "/api/auth"), KEY_SET.token(), f"'{URL}'",
            "by /api/auth; set BETTER_AUTH_ISSUER", id="issuer-without-the-api-path",
        ),
        pytest.param(
            KEY_SET.verifier(), KEY_SET.token("a", iss="https://auth.example.com"),
            "'https://auth.example.com'", "BETTER_AUTH_URL", id="issuer-of-another-name",
        ),
        pytest.param(
            KEY_SET.verifier(audience="https://api.example.com"), KEY_SET.token(), f"'{URL}'",
            "Better Auth's own address, its default; set BETTER_AUTH_AUDIENCE",
            id="audience-default",
        ),
        pytest.param(
            KEY_SET.verifier(), KEY_SET.token("a", aud="https://app.example.com"),
            "'https://app.example.com'", "such as the front end", id="audience-front-end",
        ),
        pytest.param(
            KEY_SET.verifier(), KEY_SET.token("a", aud=["x", "y"]), "'x' or 'y'",
            "BETTER_AUTH_AUDIENCE", id="audience-of-another-name",
        ),
        pytest.param(
            KEY_SET.verifier(), KEY_SET.token("a", iat=NOW + 90), "begins 90 seconds from now",
            "clock", id="clock-off-by-90-seconds",
        ),
        pytest.param(
            KEY_SET.verifier(), KEY_SET.token("a", iat=NOW - 900, exp=NOW - 33),
            "expired 33 seconds ago", "", id="expired-33-seconds-ago",
        ),
        pytest.param(
            KEY_SET.verifier(), KEY_SET.token("a", iat=0, exp=3600), "exp lies in 1970", '"15m"',
            id="expiration-time-given-as-a-number",
        ),
        pytest.param(
            KEY_SET.verifier(), KEY_SET.token("a", exp=NOW + 100_000), "longer than 86400 seconds",
            "BETTER_AUTH_MAX_LIFETIME", id="lifetime",
        ),
        pytest.param(
            shared_verifier(), SHARED.sign({"email": "a@b.c", "exp": NOW + 60}),
            "an e-mail-verification token", "lacks iss", id="e-mail-verification-token",
        ),
        pytest.param(
            shared_verifier(), SHARED.sign({"session": {}, "user": {}, "exp": NOW + 60}),
            "a session cache, which belongs in its cookie", "", id="session-cache",
        ),
        pytest.param(
            KEY_SET.verifier(),
            KEY_SET.sign(KEY_SET.claims(), {"alg": "EdDSA", "typ": "at+jwt"}),
            "an OAuth access token", "/api/auth/token", id="oauth-access-token",
        ),
        pytest.param(
            KEY_SET.verifier(),
            KEY_SET.sign({"events": {}, "exp": NOW + 60}),
            "a logout token", "", id="logout-token",
        ),
        pytest.param(
            KEY_SET.verifier(), KEY_SET.token("a", sub=..., id=...), "lacks sub, user_id and id",
            "", id="nobody",
        ),
        pytest.param(
            KEY_SET.verifier(), KEY_SET.token("a", id="b"), "sub and id differ",
            "BETTER_AUTH_USER_ID_CLAIM", id="two-users",
        ),
        pytest.param(
            KEY_SET.verifier(), "Zq" * 16, "a session token came", "/api/auth/token",
            id="session-token",
        ),
        pytest.param(
            KEY_SET.verifier(), "Zq" * 16 + ".c2lnbmF0dXJl", "a signed session cookie",
            "/api/auth/token", id="session-cookie",
        ),
        pytest.param(
            KEY_SET.verifier(), "a.b.c.d.e", "an encrypted token (JWE)", "/api/auth/token",
            id="encrypted-session-cookie",
        ),
        pytest.param(
            KEY_SET.verifier(), "undefined", "the word undefined", "await the token",
            id="undefined",
        ),
        pytest.param(
            KEY_SET.verifier(), f'"{KEY_SET.token()}.x"', "in quotes", "as it is", id="quoted",
        ),
    ],
)  # fmt: skip
def test_hint(verifier: TokenVerifier, token: str, seen: str, change: str) -> None:
    hint = refused(verifier, token).hint
    assert seen in hint
    assert change in hint
    assert token not in hint or len(token) < 16


def test_nothing_is_told_of_what_is_longer_than_a_cookie() -> None:
    assert refused(KEY_SET.verifier(), "a.b.c.d." + "e" * 4088).hint
    assert refused(KEY_SET.verifier(), "a.b.c.d." + "e" * 4089).hint == ""


def test_no_hint_for_a_token_that_is_simply_forged() -> None:
    assert refused(KEY_SET.verifier(), KEY_SET.token()[:-6] + "AAAAAA").hint == ""


@pytest.mark.parametrize("claim", ["iss", "aud"])
def test_what_a_token_says_is_escaped_and_cut(claim: str) -> None:
    evil = "x\r\nroot: all is well \x1b[31m\u202e" + "y" * 5000
    hint = refused(KEY_SET.verifier(), KEY_SET.token("a", **{claim: evil})).hint
    assert hint.isprintable()
    assert hint.isascii()
    assert len(hint) < 500


def test_algorithm_of_a_token_is_escaped_and_cut() -> None:
    token = KEY_SET.sign(b"{}", {"alg": "x\n" * 400})
    hint = refused(KEY_SET.verifier(), token).hint
    assert "\n" not in hint
    assert len(hint) < 400


def test_session_cache_at_the_wrong_place_names_its_kind() -> None:
    verifier = KEY_SET.verifier(kind=TokenKind.SESSION_CACHE)
    assert refused(verifier, KEY_SET.token()).reason == "kind_refused"


def logged(errors: list[AuthError], clock: Clock, log: RefusalLog) -> None:
    for error in errors:
        log.tell(error)
        clock.now += 1


def test_hints_are_logged_once_in_a_while_and_without_the_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock(0.0)
    tokens = [KEY_SET.token("alice", iss=f"https://{n}.example.com") for n in range(25)]
    errors = [refused(KEY_SET.verifier(), token) for token in tokens]
    with caplog.at_level(logging.INFO):
        logged(errors, clock, RefusalLog(clock=clock))
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 3
    assert "(9 more since the last such line)" in lines[1]
    assert not any(token in line for line in lines for token in tokens)


def test_no_hint_ever_names_a_secret() -> None:
    other = TokenIssuer(clock=lambda: NOW)
    verifier = SHARED.verifier()
    verifier.keys = SharedSecrets(["correct-horse-battery-staple-0123456789"])
    for token in (SHARED.token(), other.token(), "undefined"):
        assert "correct-horse" not in refused(verifier, token).hint
