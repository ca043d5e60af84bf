"""Attacks on what a token says: time, issuer, audience, subject and kind, well signed."""

from __future__ import annotations

import pytest

from betterguard.errors import ExpiredToken, Reason
from betterguard.testing.tokens import encode_json
from betterguard.tokens import TokenKind
from tests.tokens.issuers import NOW, accepted, issuer, refused

GENUINE = issuer("EdDSA")
URL = GENUINE.url
NOT_DATES = [
    pytest.param("1800000900", id="numeric-text"),
    pytest.param("tomorrow", id="text"),
    pytest.param(None, id="null"),
    pytest.param(True, id="true"),
    pytest.param([NOW], id="list"),
    pytest.param({"value": NOW}, id="object"),
    pytest.param(-1, id="negative"),
    pytest.param(10**30, id="10-to-the-30"),
    pytest.param(1e300, id="1e300"),
    pytest.param(253_402_300_800, id="year-10000"),
    pytest.param(int(NOW) * 1000, id="milliseconds"),
]


def reason(**changes: object) -> str:
    return refused(GENUINE.verifier(leeway=0.0), GENUINE.token("alice", **changes)).reason


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", NOT_DATES)
def test_date_of_another_type(name: str, value: object) -> None:
    assert reason(**{name: value}) == Reason.CLAIM_MALFORMED


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 5000])
def test_date_that_is_no_number(value: str) -> None:
    payload = encode_json(GENUINE.claims(exp=0)).replace(b'"exp":0', f'"exp":{value}'.encode())
    assert refused(GENUINE.verifier(), GENUINE.sign(payload)).reason == Reason.JSON_MALFORMED


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"exp": int(NOW)}, id="exp-now"),
        pytest.param({"exp": NOW - 0.001}, id="exp-just-past"),
        pytest.param({"exp": 3600}, id="exp-a-duration"),
        pytest.param({"exp": 0}, id="exp-zero"),
    ],
)
def test_expired(changes: dict[str, object]) -> None:
    iat = 0 if changes["exp"] in (0, 3600) else NOW - 900
    error = refused(GENUINE.verifier(leeway=0.0), GENUINE.token("alice", iat=iat, **changes))
    assert isinstance(error, ExpiredToken)
    assert error.reason == Reason.EXPIRED


@pytest.mark.parametrize(
    ("leeway", "exp", "passes"),
    [
        pytest.param(0.0, NOW + 0.001, True, id="none-just-before"),
        pytest.param(5.0, NOW - 4.999, True, id="within"),
        pytest.param(5.0, NOW - 5, False, id="at-its-end"),
    ],
)
def test_leeway_of_exp(leeway: float, exp: float, passes: bool) -> None:  # noqa: FBT001 - a column of the table
    verifier = GENUINE.verifier(leeway=leeway)
    token = GENUINE.token("alice", exp=exp, iat=NOW - 60)
    if passes:
        assert accepted(verifier, token).expires_at == exp
    else:
        assert refused(verifier, token).reason == Reason.EXPIRED


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_not_yet_valid(name: str) -> None:
    token = GENUINE.token("alice", **{name: NOW + 5.001})
    assert refused(GENUINE.verifier(leeway=5.0), token).reason == Reason.NOT_YET_VALID


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_leeway_of_the_beginning(name: str) -> None:
    token = GENUINE.token("alice", **{name: NOW + 5})
    assert accepted(GENUINE.verifier(leeway=5.0), token).user_id == "alice"


def test_nbf_counts_although_iat_is_past() -> None:
    assert reason(iat=NOW - 60, nbf=NOW + 60) == Reason.NOT_YET_VALID


def test_iat_counts_although_nbf_is_past() -> None:
    assert reason(iat=NOW + 60, nbf=NOW - 60) == Reason.NOT_YET_VALID


def test_iat_may_be_absent() -> None:
    assert accepted(GENUINE.verifier(), GENUINE.token("alice", iat=...)).user_id == "alice"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"exp": NOW + 86_401}, id="from-iat"),
        pytest.param({"exp": NOW + 86_401, "iat": ...}, id="without-iat"),
        pytest.param({"exp": NOW + 60, "iat": NOW - 86_400}, id="nearly-over"),
        pytest.param({"exp": 253_402_300_799}, id="for-ever"),
    ],
)
def test_lifetime_too_long(changes: dict[str, object]) -> None:
    assert reason(**changes) == Reason.LIFETIME_TOO_LONG


def test_longest_lifetime() -> None:
    token = GENUINE.token("alice", exp=NOW + 86_400)
    assert accepted(GENUINE.verifier(), token).user_id == "alice"


@pytest.mark.parametrize("name", ["exp", "iss", "aud"])
def test_claim_missing(name: str) -> None:
    assert reason(**{name: ...}) == Reason.CLAIM_MISSING


def test_nothing_names_a_user() -> None:
    assert reason(sub=..., id=...) == Reason.CLAIM_MISSING


@pytest.mark.parametrize(
    "issuer_claim",
    [
        pytest.param(URL[:-1], id="prefix"),
        pytest.param(URL + "0", id="longer"),
        pytest.param(URL[1:], id="suffix"),
        pytest.param(URL + "/", id="slash"),
        pytest.param(URL + "/api/auth", id="api-path"),
        pytest.param(URL.upper(), id="upper-case"),
        pytest.param(URL + " ", id="blank"),
        pytest.param(URL + "\0", id="nul"),
        pytest.param("https" + URL[4:], id="other-scheme"),
    ],
)
def test_issuer_mismatch(issuer_claim: str) -> None:
    assert reason(iss=issuer_claim) == Reason.ISSUER_MISMATCH


@pytest.mark.parametrize("name", ["iss", "aud"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param(1, id="number"),
        pytest.param({URL: URL}, id="object"),
        pytest.param("", id="empty"),
        pytest.param([], id="empty-list"),
        pytest.param([[URL]], id="nested-list"),
        pytest.param([URL, None], id="list-with-null"),
        pytest.param([URL, ""], id="list-with-empty"),
        pytest.param(True, id="true"),
    ],
)
def test_issuer_or_audience_of_another_type(name: str, value: object) -> None:
    assert reason(**{name: value}) == Reason.CLAIM_MALFORMED


def test_issuer_in_a_list() -> None:
    assert reason(iss=[URL]) == Reason.CLAIM_MALFORMED


@pytest.mark.parametrize(
    "audience",
    [
        pytest.param(URL[:-1], id="prefix"),
        pytest.param(URL + "0", id="longer"),
        pytest.param(URL + "/", id="slash"),
        pytest.param(URL.upper(), id="upper-case"),
        pytest.param([URL + "0", "other"], id="list-without-it"),
        pytest.param(f"{URL},other", id="comma-list"),
        pytest.param(f"{URL} other", id="blank-list"),
    ],
)
def test_audience_mismatch(audience: object) -> None:
    assert reason(aud=audience) == Reason.AUDIENCE_MISMATCH


def test_audience_in_a_list() -> None:
    token = GENUINE.token("alice", aud=["other", URL])
    assert accepted(GENUINE.verifier(), token).user_id == "alice"


@pytest.mark.parametrize("rule", ["issuer", "audience"])
def test_issuer_and_audience_must_be_there_even_where_any_will_do(rule: str) -> None:
    name = {"issuer": "iss", "audience": "aud"}[rule]
    verifier = GENUINE.verifier(**{rule: None})
    assert accepted(verifier, GENUINE.token("alice", **{name: "anyone"})).user_id == "alice"
    assert refused(verifier, GENUINE.token("alice", **{name: ...})).reason == Reason.CLAIM_MISSING


@pytest.mark.parametrize(
    "user_id",
    [
        pytest.param(None, id="null"),
        pytest.param(1, id="number"),
        pytest.param(True, id="true"),
        pytest.param(["alice"], id="list"),
        pytest.param({"id": "alice"}, id="object"),
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param("alice ", id="blank-behind"),
        pytest.param(" alice", id="blank-in-front"),
        pytest.param("alice\0", id="nul"),
        pytest.param("alice\n", id="line-break"),
        pytest.param("ali\u200bce", id="zero-width-space"),
        pytest.param("\u202ealice", id="right-to-left-override"),
        pytest.param("a" * 257, id="too-long"),
    ],
)
@pytest.mark.parametrize("name", ["sub", "user_id", "id"])
def test_user_id_that_is_none(name: str, user_id: object) -> None:
    others = dict.fromkeys(("sub", "user_id", "id"), ...)
    assert reason(**{**others, name: user_id}) == Reason.CLAIM_MALFORMED


def test_user_id_with_a_lone_surrogate() -> None:
    payload = encode_json(GENUINE.claims(sub="x", id=...)).replace(b'"x"', rb'"\ud800"')
    assert refused(GENUINE.verifier(), GENUINE.sign(payload)).reason == Reason.JSON_MALFORMED


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"sub": "alice", "id": "bob"}, id="sub-and-id"),
        pytest.param({"sub": "alice", "id": ..., "user_id": "bob"}, id="sub-and-user-id"),
        pytest.param({"sub": ..., "id": "alice", "user_id": "bob"}, id="user-id-and-id"),
        pytest.param({"sub": "alice", "id": None}, id="sub-and-null"),
        pytest.param({"sub": "1", "id": 1}, id="text-and-number"),
        pytest.param({"sub": "alice", "id": "Alice"}, id="letter-case"),
    ],
)
def test_claims_that_name_two_users(changes: dict[str, object]) -> None:
    assert reason(**changes) == Reason.IDENTITY_AMBIGUOUS


@pytest.mark.parametrize("name", ["sub", "user_id", "id"])
def test_one_claim_is_enough(name: str) -> None:
    others = dict.fromkeys(("sub", "user_id", "id"), ...)
    token = GENUINE.token("alice", **{**others, name: "carol"})
    assert accepted(GENUINE.verifier(), token).user_id == "carol"


def test_claim_that_the_setting_names_decides() -> None:
    token = GENUINE.token("alice", id="bob")
    assert accepted(GENUINE.verifier(identity="id"), token).user_id == "bob"


def test_claim_that_the_setting_names_must_be_there() -> None:
    token = GENUINE.token("alice", sub=...)
    assert refused(GENUINE.verifier(identity="sub"), token).reason == Reason.CLAIM_MISSING


def test_user_id_in_camel_case_names_nobody() -> None:
    assert reason(sub=..., id=..., userId="alice") == Reason.CLAIM_MISSING


@pytest.mark.parametrize(
    "typ",
    [
        pytest.param("at+jwt", id="oauth-access-token"),
        pytest.param("logout+jwt", id="logout-token"),
        pytest.param("better-auth.session-cache+jwt", id="session-cache"),
        pytest.param("dpop+jwt", id="proof"),
        pytest.param("", id="empty"),
        pytest.param("JWT ", id="blank-behind"),
        pytest.param("application/jwt", id="media-type"),
        pytest.param("JWE", id="encrypted"),
    ],
)
def test_token_of_another_type(typ: str) -> None:
    token = GENUINE.sign(GENUINE.claims(), {**GENUINE.key.header(), "typ": typ})
    assert refused(GENUINE.verifier(), token).reason == Reason.KIND_REFUSED


@pytest.mark.parametrize("typ", ["JWT", "jwt", "Jwt"])
def test_token_of_the_usual_type(typ: str) -> None:
    token = GENUINE.sign(GENUINE.claims(), {**GENUINE.key.header(), "typ": typ})
    assert accepted(GENUINE.verifier(), token).kind is TokenKind.ACCESS


SHARED = issuer("HS256")
SESSION_CACHE = {
    "session": {"id": "s", "userId": "alice", "token": "live-session-token"},
    "user": {"id": "alice", "email": "alice@example.com"},
    "updatedAt": int(NOW) * 1000,
    "version": "1",
    "iat": int(NOW),
    "exp": int(NOW) + 300,
}


def test_email_verification_token() -> None:
    payload = {"email": "alice@example.com", "iat": int(NOW), "exp": int(NOW) + 3600}
    verifier = SHARED.verifier(issuer=None, audience=None)
    assert refused(verifier, SHARED.sign(payload)).reason == Reason.CLAIM_MISSING


def test_change_email_token_with_a_user_id() -> None:
    payload = {"email": "alice@example.com", "userId": "alice", "iat": int(NOW), "exp": NOW + 3600}
    verifier = SHARED.verifier(issuer=None, audience=None)
    assert refused(verifier, SHARED.sign(payload)).reason == Reason.CLAIM_MISSING


def test_session_cache_as_an_access_token() -> None:
    verifier = SHARED.verifier(issuer=None, audience=None)
    assert refused(verifier, SHARED.sign(SESSION_CACHE)).reason == Reason.CLAIM_MISSING


def test_session_cache_of_the_key_set_as_an_access_token() -> None:
    payload = GENUINE.claims(aud="better-auth:session-cache", **SESSION_CACHE)
    assert refused(GENUINE.verifier(), GENUINE.sign(payload)).reason == Reason.AUDIENCE_MISMATCH


def test_access_token_as_a_session_cache() -> None:
    verifier = SHARED.verifier(kind=TokenKind.SESSION_CACHE)
    assert refused(verifier, SHARED.token()).reason == Reason.KIND_REFUSED


def test_session_cache_in_its_place() -> None:
    verifier = SHARED.verifier(kind=TokenKind.SESSION_CACHE, issuer=None, audience=None)
    claims = accepted(verifier, SHARED.sign(SESSION_CACHE))
    assert claims.user_id == "alice"
    assert claims.kind is TokenKind.SESSION_CACHE


def test_session_cache_keeps_the_live_session_token_to_itself() -> None:
    verifier = SHARED.verifier(kind=TokenKind.SESSION_CACHE, issuer=None, audience=None)
    claims = accepted(verifier, SHARED.sign(SESSION_CACHE))
    assert dict(claims.payload) == {
        "id": "alice",
        "email": "alice@example.com",
        "sub": "alice",
        "sid": "s",
        "iat": int(NOW),
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"session": ...}, Reason.KIND_REFUSED, id="no-session"),
        pytest.param({"user": ...}, Reason.KIND_REFUSED, id="no-user"),
        pytest.param({"user": ["alice"]}, Reason.KIND_REFUSED, id="user-list"),
        pytest.param({"session": "alice"}, Reason.KIND_REFUSED, id="session-text"),
        pytest.param({"sub": "alice"}, Reason.KIND_REFUSED, id="with-sub"),
        pytest.param({"iss": URL}, Reason.KIND_REFUSED, id="with-iss"),
        pytest.param({"aud": URL}, Reason.KIND_REFUSED, id="with-aud"),
        pytest.param({"user": {"id": "bob"}}, Reason.IDENTITY_AMBIGUOUS, id="another-user"),
        pytest.param({"user": {"id": ""}}, Reason.CLAIM_MALFORMED, id="user-without-id"),
        pytest.param({"session": {}}, Reason.CLAIM_MISSING, id="session-of-nobody"),
        pytest.param({"exp": ...}, Reason.CLAIM_MISSING, id="no-exp"),
        pytest.param({"exp": NOW - 60}, Reason.EXPIRED, id="expired"),
    ],
)
def test_session_cache_spoilt(changes: dict[str, object], expected: Reason) -> None:
    payload = {k: v for k, v in {**SESSION_CACHE, **changes}.items() if v is not ...}
    verifier = SHARED.verifier(kind=TokenKind.SESSION_CACHE, issuer=None, audience=None)
    assert refused(verifier, SHARED.sign(payload)).reason == expected


CACHE_HEADER = {**GENUINE.key.header(), "typ": "better-auth.session-cache+jwt"}
CACHE_CLAIMS = {
    **SESSION_CACHE,
    "sub": "alice",
    "iss": URL,
    "aud": "better-auth:session-cache",
}


def test_session_cache_of_the_key_set_in_its_place() -> None:
    verifier = GENUINE.verifier(kind=TokenKind.SESSION_CACHE, audience=None)
    assert accepted(verifier, GENUINE.sign(CACHE_CLAIMS, CACHE_HEADER)).user_id == "alice"


@pytest.mark.parametrize(
    ("claims", "header", "expected"),
    [
        pytest.param({"iss": "x"}, {}, Reason.ISSUER_MISMATCH, id="other-issuer"),
        pytest.param({"aud": URL}, {}, Reason.KIND_REFUSED, id="other-audience"),
        pytest.param({"sub": "bob"}, {}, Reason.IDENTITY_AMBIGUOUS, id="other-subject"),
        pytest.param({}, {"typ": "JWT"}, Reason.KIND_REFUSED, id="other-type"),
    ],
)
def test_session_cache_of_the_key_set_spoilt(
    claims: dict[str, object], header: dict[str, object], expected: Reason
) -> None:
    verifier = GENUINE.verifier(kind=TokenKind.SESSION_CACHE, audience=None)
    token = GENUINE.sign({**CACHE_CLAIMS, **claims}, {**CACHE_HEADER, **header})
    assert refused(verifier, token).reason == expected
