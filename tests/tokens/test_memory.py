"""Verified tokens are remembered, boundedly, until they expire or a key goes."""

from __future__ import annotations

import pytest

from betterguard.errors import Reason
from betterguard.tokens import Claims, TokenMemory
from tests.tokens.issuers import NOW, Clock, accepted, issuer, refused

GENUINE = issuer("EdDSA")
TOKENS = [GENUINE.token("alice", x=number) for number in range(4)]
SPLICED = TOKENS[1].rpartition(".")[0] + "." + TOKENS[0].rpartition(".")[2]
CLAIMS = Claims("alice", NOW + 10, {})


@pytest.fixture
def memory() -> TokenMemory:
    made = TokenMemory(3)
    made.remember(TOKENS[0], 0, CLAIMS)
    return made


def test_remembered_token(memory: TokenMemory) -> None:
    assert memory.recall(TOKENS[0], 0, NOW) is CLAIMS


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(TOKENS[1], id="another"),
        pytest.param("", id="empty"),
        pytest.param("x" + TOKENS[0], id="longer"),
        pytest.param(TOKENS[0][1:], id="shorter"),
        pytest.param(TOKENS[0][-22:], id="its-end-alone"),
        pytest.param("\ud800" + TOKENS[0], id="not-ascii-with-its-end"),
        pytest.param(SPLICED, id="its-signature-on-another"),
    ],
)
def test_unknown_token(memory: TokenMemory, token: str) -> None:
    assert memory.recall(token, 0, NOW) is None


@pytest.mark.parametrize("now", [NOW + 10, NOW + 11])
def test_never_at_or_past_exp(memory: TokenMemory, now: float) -> None:
    assert memory.recall(TOKENS[0], 0, now) is None
    assert len(memory) == 0


def test_until_just_before_exp(memory: TokenMemory) -> None:
    assert memory.recall(TOKENS[0], 0, NOW + 9.999) is CLAIMS


def test_gone_with_a_key(memory: TokenMemory) -> None:
    assert memory.recall(TOKENS[0], 1, NOW) is None
    assert memory.recall(TOKENS[0], 0, NOW) is None
    assert len(memory) == 0


def test_verified_with_keys_that_are_gone_by_now(memory: TokenMemory) -> None:
    memory.recall(TOKENS[0], 1, NOW)
    memory.remember(TOKENS[1], 0, CLAIMS)
    assert len(memory) == 0


def test_bounded_with_the_oldest_going_first(memory: TokenMemory) -> None:
    for token in TOKENS[1:]:
        memory.remember(token, 0, CLAIMS)
    assert len(memory) == 3
    assert memory.recall(TOKENS[0], 0, NOW) is None
    assert memory.recall(TOKENS[1], 0, NOW) is CLAIMS


def test_none_at_all() -> None:
    memory = TokenMemory(0)
    memory.remember(TOKENS[0], 0, CLAIMS)
    assert len(memory) == 0


def test_the_token_itself_is_not_kept(memory: TokenMemory) -> None:
    kept = repr(list(memory._entries.items()))
    assert TOKENS[0][-23:] not in kept
    assert TOKENS[0][:20] not in kept


def test_refused_token_is_not_remembered() -> None:
    memory = TokenMemory()
    verifier = GENUINE.verifier(memory=memory)
    refused(verifier, GENUINE.token("alice", aud="other"))
    assert len(memory) == 0


def test_verified_token_is_remembered_until_exp_to_the_second() -> None:
    clock, memory = Clock(), TokenMemory()
    verifier = GENUINE.verifier(clock=clock, memory=memory, leeway=0.0)
    token = GENUINE.token()
    first = accepted(verifier, token)
    assert accepted(verifier, token) is first
    clock.now += 900
    assert refused(verifier, token).reason == Reason.EXPIRED
    assert len(memory) == 0


def test_verifiers_do_not_share_what_they_remember() -> None:
    token = GENUINE.token()
    accepted(GENUINE.verifier(), token)
    assert refused(GENUINE.verifier(audience="other"), token).reason == Reason.AUDIENCE_MISMATCH
