"""Every attack of tests/tokens on the vendored ``auth.py``.

What it does not offer is told in its docstring; the tests of those things are named here and
must fail for that, so that the list is exact.
"""

from __future__ import annotations

import asyncio

import pytest

from betterguard.errors import InvalidToken
from betterguard.testing.tokens import TokenIssuer
from tests.repair import vendored
from tests.tokens import (
    issuers,
    test_attacks_claims,
    test_attacks_forged,
    test_attacks_signature,
    test_attacks_structure,
)

NOT_OFFERED = {
    "test_issuer_and_audience_must_be_there_even_where_any_will_do": "not to compare them",
    "test_claim_that_the_setting_names_decides": "a choice of the identity claim",
    "test_claim_that_the_setting_names_must_be_there": "a choice of the identity claim",
    "test_access_token_as_a_session_cache": "the session-cache cookie",
    "test_session_cache_in_its_place": "the session-cache cookie",
    "test_session_cache_keeps_the_live_session_token_to_itself": "the session-cache cookie",
    "test_session_cache_spoilt": "the session-cache cookie",
    "test_session_cache_of_the_key_set_in_its_place": "the session-cache cookie",
    "test_session_cache_of_the_key_set_spoilt": "the session-cache cookie",
}
MISSES = (vendored.NotOffered, InvalidToken)
ATTACKS = (
    test_attacks_claims,
    test_attacks_forged,
    test_attacks_signature,
    test_attacks_structure,
)
TWO_SOURCES = "test_a_forgery_is_refused_where_every_kind_of_key_is_taken"  # which it has not
for attacks in ATTACKS:
    tests = {name: test for name, test in vars(attacks).items() if name.startswith("test_")}
    globals().update({name: test for name, test in tests.items() if name != TWO_SOURCES})

PARTS = {
    "TokenVerifier": vendored.VendoredVerifier,
    "StaticKeys": vendored.static_keys,
}


@pytest.fixture(autouse=True)
def _vendored(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(TokenIssuer, "verifier", vendored.vendored_verifier)
    monkeypatch.setattr(issuers, "finished", asyncio.run)
    for module in ATTACKS:
        for name in PARTS.keys() & vars(module).keys():
            monkeypatch.setattr(module, name, PARTS[name])
    reason = NOT_OFFERED.get(request.function.__name__)
    if reason is not None:
        expected = pytest.mark.xfail(raises=MISSES, strict=True, reason=reason)
        request.applymarker(expected)


def test_what_is_not_offered_is_named_in_the_file() -> None:
    told = " ".join((vendored.load().__doc__ or "").split())
    for word in ("session-cache cookie", "identity claim", "ROCA"):
        assert word in told
