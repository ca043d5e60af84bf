from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betterguard.errors import AuthError, Reason
from betterguard.live.advice import advice_for
from betterguard.live.explanation import STATIONS, Explanation, Verdict, explain
from betterguard.testing.forgery import forgeries
from betterguard.testing.tokens import SharedSecretKey, SigningKey, TokenIssuer
from betterguard.tokens import StaticKeys, TokenVerifier

NOW = 1_800_000_000.0
ISSUER = TokenIssuer(clock=lambda: NOW)
TOKEN_REASONS = [
    reason
    for reason in Reason
    if reason.name.startswith(("TOKEN", "BASE64URL", "JSON", "HEADER", "ALGORITHM", "KEY"))
    and reason is not Reason.TOKEN_REVOKED
]


def explained(token: str, verifier: TokenVerifier | None = None) -> Explanation:
    return asyncio.run(explain(token, verifier or ISSUER.verifier(), NOW))


def failed(token: str, verifier: TokenVerifier | None = None) -> list[str]:
    return [step.station for step in explained(token, verifier).failed]


def another(key: SigningKey | SharedSecretKey) -> str:
    return TokenIssuer(key, clock=lambda: NOW).token()


def token(**claims: Any) -> str:
    return ISSUER.token(**claims)


VERIFICATION = {"iss": ..., "aud": ..., "sub": ..., "id": ..., "userId": "alice"}
CACHE = {
    "iss": ...,
    "aud": ...,
    "sub": ...,
    "id": ...,
    "session": {"userId": "alice"},
    "user": {"id": "alice"},
}
CASES = [
    pytest.param("undefined", ["structure"], id="a-word"),
    pytest.param("a.b", ["structure"], id="two-segments"),
    pytest.param(another(SharedSecretKey()), ["algorithm"], id="hs256"),
    pytest.param(another(SigningKey.generate(kid="x")), ["key"], id="key"),
    pytest.param(another(SigningKey.generate()), ["signature"], id="signature"),
    pytest.param(ISSUER.sign(b"[]"), ["payload"], id="payload"),
    pytest.param(
        ISSUER.sign(ISSUER.claims(), {**ISSUER.key.header(), "typ": "at+jwt"}),
        ["kind"],
        id="access-token-of-oauth",
    ),
    pytest.param(
        token(**VERIFICATION),
        ["kind", "issuer", "audience", "identity"],
        id="e-mail-verification",
    ),
    pytest.param(token(**CACHE), ["kind", "issuer", "audience", "identity"], id="session-cache"),
    pytest.param(token(iss=f"{ISSUER.url}/api/auth"), ["issuer"], id="issuer-with-path"),
    pytest.param(token(iss=f"{ISSUER.url}/"), ["issuer"], id="issuer-with-slash"),
    pytest.param(token(iss=...), ["issuer"], id="no-issuer"),
    pytest.param(token(iss=[ISSUER.url]), ["issuer"], id="issuer-as-list"),
    pytest.param(token(aud="https://other.example"), ["audience"], id="audience"),
    pytest.param(token(aud=[]), ["audience"], id="empty-audience"),
    pytest.param(token(user_id="bob"), ["identity"], id="two-users"),
    pytest.param(token(sub=..., id=...), ["identity"], id="no-user"),
    pytest.param(token(sub=7), ["identity"], id="user-as-number"),
    pytest.param(token(iat=NOW + 600, exp=NOW + 1200), ["begin"], id="issued-in-the-future"),
    pytest.param(token(nbf=NOW + 600), ["begin"], id="not-before"),
    pytest.param(token(iat="now"), ["begin"], id="issued-as-text"),
    pytest.param(token(exp=NOW + 10**6), ["lifetime"], id="lives-too-long"),
    pytest.param(token(iat=..., exp=NOW + 10**6), ["lifetime"], id="lives-too-long-without-iat"),
    pytest.param(token(iat=NOW - 1000, exp=NOW - 100), ["expiry"], id="expired"),
    pytest.param(token(iat=NOW - 10, exp=3600), ["expiry"], id="expiration-time-as-number"),
    pytest.param(token(exp=...), ["expiry"], id="no-expiry"),
    pytest.param(token(exp="soon"), ["expiry"], id="expiry-as-text"),
    pytest.param(
        token(iss="x", aud="y", iat=NOW - 1000, exp=NOW - 100),
        ["issuer", "audience", "expiry"],
        id="several-at-once",
    ),
    pytest.param(
        token(iss=7, aud=8, sub=9, iat="a", exp="b"),
        ["issuer", "audience", "identity", "begin", "expiry"],
        id="all-malformed",
    ),
    pytest.param(token(), [], id="good"),
]


@pytest.mark.parametrize(("text", "stations"), CASES)
def test_every_check_that_fails_is_told(text: str, stations: list[str]) -> None:
    assert failed(text) == stations


@pytest.mark.parametrize(("text", "stations"), CASES)
def test_steps_are_in_order_and_complete(text: str, stations: list[str]) -> None:  # noqa: ARG001 - the cases' shape
    assert tuple(step.station for step in explained(text).steps) == STATIONS


@pytest.mark.parametrize(("text", "stations"), CASES)
def test_a_failing_step_says_what_to_do(text: str, stations: list[str]) -> None:
    told = explained(text).failed
    assert [bool(step.found and step.reason and step.action) for step in told] == [True] * len(
        stations
    )


@pytest.mark.parametrize(("text", "stations"), CASES)
def test_no_signature_and_no_token_is_told(text: str, stations: list[str]) -> None:  # noqa: ARG001 - the cases' shape
    signature = text.rpartition(".")[2]
    assert len(signature) < 10 or signature not in repr(explained(text))


def test_forgeries_fail_where_the_verifier_refuses() -> None:
    keys = {"keys": [ISSUER.key.public_jwk()]}  # type: ignore[union-attr]  # a signing key
    verifier = TokenVerifier(
        StaticKeys(keys), issuer=ISSUER.url, audience=ISSUER.url, clock=lambda: NOW
    )
    told = {one.attack: explained(one.token, verifier) for one in forgeries(token(), keys)}
    assert len(told) > 50
    assert [name for name, one in told.items() if one.accepted or not one.failed] == []


any_claim = st.one_of(
    st.just(...),
    st.none(),
    st.text(max_size=5),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.lists(st.sampled_from([ISSUER.url, "x", 7]), max_size=3),
    st.sampled_from([ISSUER.url, "alice", int(NOW), int(NOW) + 60, int(NOW) - 60]),
)
names = st.sampled_from(["iss", "aud", "sub", "id", "user_id", "iat", "nbf", "exp", "session"])


@given(st.dictionaries(names, any_claim, max_size=5))
@settings(max_examples=300, deadline=None)
def test_a_check_fails_just_when_the_verifier_refuses(claims: dict[str, Any]) -> None:
    told = explained(token(**claims))
    assert bool(told.failed) is not told.accepted
    assert "together" not in {step.station for step in told.failed}


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_whatever_comes_is_explained(text: str) -> None:
    assert explained(text).failed


def test_without_settings_only_the_structure_is_judged() -> None:
    told = asyncio.run(explain(token(), None, NOW))
    verdicts = {step.station: step.verdict for step in told.steps}
    assert told.accepted is None
    assert not told.proven
    assert {name for name, verdict in verdicts.items() if verdict is Verdict.PASSED} == {
        "structure",
        "payload",
    }


def test_what_the_token_says_is_quoted_and_cut() -> None:
    says = dict(explained(token(sub="alice\n\x1b[31m" + "x" * 500)).says)
    assert re.fullmatch(r"'alice\\n\\x1b\[31mx+.*'", says["sub"])
    assert len(says["sub"]) < 150


@pytest.mark.parametrize("reason", TOKEN_REASONS)
def test_every_reason_of_a_token_has_advice(reason: Reason) -> None:
    class Refused(AuthError):
        code, detail = "invalid_token", "Invalid token"

    found, action = advice_for(Refused(reason))
    assert (found != "Invalid token", action != "see docs/tokens.md") == (True, True)


@pytest.mark.parametrize(
    ("claims", "verdict", "found"),
    [
        pytest.param({"iat": NOW - 900, "exp": NOW - 300}, Verdict.PASSED, "600 s", id="expired"),
        pytest.param({"iat": "now"}, Verdict.UNCHECKED, "iat or exp is no moment", id="word"),
        pytest.param({"exp": ...}, Verdict.UNCHECKED, "iat or exp is no moment", id="endless"),
        pytest.param({"exp": True}, Verdict.UNCHECKED, "iat or exp is no moment", id="truth"),
    ],
)
def test_a_lifetime_is_told_or_not_judged(
    claims: dict[str, Any], verdict: Verdict, found: str
) -> None:
    (step,) = [one for one in explained(token(**claims)).steps if one.station == "lifetime"]
    assert (step.verdict, step.found) == (verdict, found)


def test_a_moment_far_away_is_told_in_short() -> None:
    says = dict(explained(token(exp=1e300)).says)
    assert says["exp"] == "1e+300 (1e+300 s from now)"
