"""The parser by itself: what it gives, what it keeps to itself, and that it stays linear."""

from __future__ import annotations

import pytest

from betterguard.errors import InvalidToken, Reason
from betterguard.testing.tokens import encode_json
from betterguard.tokens.jws import decode_base64url, parse, parse_json_object
from tests.tokens.issuers import issuer

GENUINE = issuer("EdDSA")


def test_parts_of_a_token() -> None:
    token = GENUINE.token()
    jws = parse(token)
    assert (jws.header.alg, jws.header.kid, jws.header.typ) == ("EdDSA", "test-key", None)
    assert jws.signing_input == token.rpartition(".")[0].encode()
    assert len(jws.signature) == 64
    assert jws.payload() == GENUINE.claims()


def test_repr_shows_the_header_alone() -> None:
    jws = parse(GENUINE.token())
    assert repr(jws) == "CompactJWS(header=Header(alg='EdDSA', kid='test-key', typ=None))"


def test_header_remembered_for_one_token_does_not_leak_into_another() -> None:
    parse(GENUINE.token())
    other = GENUINE.sign(GENUINE.claims(), {"alg": "EdDSA", "kid": "other"})
    assert parse(other).header.kid == "other"


def test_payload_is_not_decoded_before_it_is_asked_for() -> None:
    jws = parse(GENUINE.sign(b"no JSON"))
    with pytest.raises(InvalidToken):
        jws.payload()


@pytest.mark.parametrize(
    ("text", "data"),
    [
        pytest.param(b"", b"", id="empty"),
        pytest.param(b"AA", b"\0", id="two"),
        pytest.param(b"AAA", b"\0\0", id="three"),
        pytest.param(b"AAAA", b"\0\0\0", id="four"),
        pytest.param(b"-_-_", b"\xfb\xff\xbf", id="url-alphabet"),
    ],
)
def test_base64url(text: bytes, data: bytes) -> None:
    assert decode_base64url(text) == data


@pytest.mark.parametrize("text", [b"A", b"AB", b"AAB", b"AA==", b"+/+/", b"A A", b"AAA\n", b"\xff"])
def test_text_that_is_no_base64url(text: bytes) -> None:
    with pytest.raises(InvalidToken) as caught:
        decode_base64url(text)
    assert caught.value.reason == Reason.BASE64URL_MALFORMED


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"x":' + b"[" * 33 + rb"\"" * 130_000, id="escaped-quotes"),
        pytest.param(b'{"x":' + b"[" * 33 + b'"' * 260_001, id="quotes"),
        pytest.param(b'{"x":' + b"[" * 33 + b'"' + b"\\" * 260_001, id="backslashes"),
        pytest.param(b'{"x":' + b"[" * 260_000, id="brackets"),
        pytest.param(b'{"x":"' + b"[" * 260_000, id="brackets-in-an-open-text"),
    ],
)
def test_reading_stays_linear_for_a_whole_key_sets_size(text: bytes) -> None:
    with pytest.raises(InvalidToken):
        parse_json_object(text)


def test_json_of_any_types() -> None:
    value = {"a": (1, 2.5, "x", None, True, {"b": ()})}
    assert parse_json_object(encode_json(value)) == value
