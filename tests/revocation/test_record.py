from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from betterguard.revocation import Revocation, Subject, token_digest
from betterguard.revocation.record import nameable, stored
from betterguard.testing.tokens import SigningKey, TokenIssuer, base64url

if TYPE_CHECKING:
    from collections.abc import Sequence

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def twin(token: str) -> str:
    """Give the token with the other signature that ECDSA takes as well: (r, n - s)."""
    signed, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    assert decode_dss_signature(encode_dss_signature(r, s)) == (r, s)
    other = r.to_bytes(32, "big") + (P256_ORDER - s).to_bytes(32, "big")
    return f"{signed}.{base64url(other)}"


@pytest.mark.anyio
async def test_a_twin_signature_has_the_same_digest() -> None:
    issuer = TokenIssuer(SigningKey.generate("ES256"))
    token = issuer.token()
    assert twin(token) != token
    assert (await issuer.verifier().verify(twin(token))).user_id == "alice"
    assert token_digest(twin(token)) == token_digest(token)


def test_another_token_has_another_digest() -> None:
    issuer = TokenIssuer()
    assert token_digest(issuer.token(jti="1")) != token_digest(issuer.token(jti="2"))


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(("planet", "ada", "1", "2"), id="unknown-subject"),
        pytest.param(("user", "ada", "soon", "2"), id="no-number"),
        pytest.param(("", "", "", ""), id="nothing"),
        pytest.param(("user", "ada", "nan", "2"), id="no-moment"),
        pytest.param(("user", "ada", "1", "inf"), id="no-end"),
    ],
)
def test_what_is_no_entry_is_told_and_left_out(
    fields: Sequence[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert list(stored(*fields)) == []
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_an_entry_is_read_as_it_was_written() -> None:
    assert list(stored("user", "ada", "1.5", "2.5")) == [Revocation(Subject.USER, "ada", 1.5, 2.5)]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(42, id="number"),
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("a\0b", id="nul"),
        pytest.param("a\ud800", id="lone-surrogate"),
        pytest.param("a" * 513, id="long"),
    ],
)
def test_an_id_that_some_store_could_not_keep(name: object) -> None:
    with pytest.raises(ValueError, match="printable characters for its id"):
        nameable(name)


def test_an_id_that_every_store_can_keep() -> None:
    assert nameable("ü 🙂 " + "a" * 508) == "ü 🙂 " + "a" * 508
