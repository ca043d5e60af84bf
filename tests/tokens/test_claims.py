"""Rules that cannot be meant stop the start."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from betterguard.errors import ConfigurationError
from betterguard.tokens import ClaimRules
from tests.tokens.issuers import NOW, accepted, issuer


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        pytest.param({"leeway": -1}, "leeway", id="leeway-negative"),
        pytest.param({"leeway": 60.1}, "leeway", id="leeway-over-a-minute"),
        pytest.param({"leeway": math.nan}, "leeway", id="leeway-nan"),
        pytest.param({"max_lifetime": 0}, "lifetime", id="lifetime-zero"),
        pytest.param({"max_lifetime": math.inf}, "lifetime", id="lifetime-infinite"),
        pytest.param({"max_lifetime": math.nan}, "lifetime", id="lifetime-nan"),
        pytest.param({"identity": "userId"}, "user id claim", id="identity-user-id-camel-case"),
        pytest.param({"identity": "email"}, "user id claim", id="identity-email"),
        pytest.param({"issuer": frozenset()}, "issuer", id="issuer-none-named"),
        pytest.param({"issuer": frozenset({""})}, "issuer", id="issuer-empty"),
        pytest.param({"audience": frozenset({"a", ""})}, "audience", id="audience-empty"),
    ],
)
def test_rules_that_stop_the_start(rules: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        ClaimRules(**{"issuer": None, "audience": None, **rules})


def test_all_faults_of_the_rules_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        ClaimRules(issuer=frozenset(), audience=frozenset(), leeway=-1, max_lifetime=0)
    assert len(caught.value.faults) == 4


@pytest.mark.parametrize("leeway", [0, 60])
def test_leeway_at_its_bounds(leeway: float) -> None:
    assert ClaimRules(issuer=None, audience=None, leeway=leeway).leeway == leeway


def test_defaults() -> None:
    rules = ClaimRules(issuer=None, audience=None)
    assert (rules.leeway, rules.max_lifetime) == (5.0, 86_400.0)


def test_what_claims_say() -> None:
    claims = accepted(issuer().verifier(), issuer().token("alice", role="admin"))
    assert claims.user_id == "alice"
    assert claims.expires_at == NOW + 900
    assert claims.payload["role"] == "admin"


def test_repr_of_claims_holds_no_payload() -> None:
    claims = accepted(issuer().verifier(), issuer().token("alice"))
    assert "alice@example.com" not in repr(claims)


def test_several_issuers_and_audiences() -> None:
    verifier = issuer().verifier(issuer={"a", "b"}, audience=["c", "d"])
    assert accepted(verifier, issuer().token("alice", iss="b", aud=["x", "c"])).user_id == "alice"


def test_user_of_claims_is_made_once_and_shared_like_them() -> None:
    verifier, token = issuer().verifier(), issuer().token("alice", email="alice@app.example")
    user = accepted(verifier, token).user
    assert (user.id, user.email) == ("alice", "alice@app.example")
    assert accepted(verifier, token).user is user
    assert accepted(verifier, issuer().token("bob")).user.id == "bob"


def test_claims_cannot_be_changed() -> None:
    claims = accepted(issuer().verifier(), issuer().token("alice"))
    with pytest.raises(FrozenInstanceError):
        claims.user_id = "bob"  # type: ignore[misc] # the test's point
