"""Attacks on the text, the encoding and the JSON of a token, under a signature that fits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from betterguard.errors import Reason
from betterguard.testing.tokens import base64url, encode_json
from betterguard.tokens.jws import MAX_TOKEN_BYTES
from tests.tokens.issuers import accepted, issuer, refused

if TYPE_CHECKING:
    from collections.abc import Callable

GENUINE = issuer("HS256")
CLAIMS = encode_json(GENUINE.claims())
HEADER = b'{"alg":"HS256"}'


def signed_text(header: str, payload: str) -> str:
    """Sign two segments as they stand, well encoded or not."""
    signing_input = f"{header}.{payload}"
    return f"{signing_input}.{base64url(GENUINE.key.sign(signing_input.encode('utf-8')))}"


def with_member(data: bytes, member: str) -> bytes:
    """Put one more member, as text, in front of a JSON object's."""
    return b"{" + member.encode() + b"," + data[1:]


def reason(token: str) -> str:
    return refused(GENUINE.verifier(), token).reason


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({}, id="alg-absent"),
        pytest.param({"alg": None}, id="alg-null"),
        pytest.param({"alg": 256}, id="alg-number"),
        pytest.param({"alg": ["HS256"]}, id="alg-list"),
        pytest.param({"alg": {"HS256": True}}, id="alg-object"),
        pytest.param({"alg": True}, id="alg-true"),
        pytest.param({"alg": "HS256", "kid": 1}, id="kid-number"),
        pytest.param({"alg": "HS256", "kid": None}, id="kid-null"),
        pytest.param({"alg": "HS256", "kid": ["a"]}, id="kid-list"),
        pytest.param({"alg": "HS256", "kid": ""}, id="kid-empty"),
        pytest.param({"alg": "HS256", "kid": "k" * 257}, id="kid-long"),
        pytest.param({"alg": "HS256", "typ": 1}, id="typ-number"),
        pytest.param({"alg": "HS256", "typ": None}, id="typ-null"),
        pytest.param({"alg": "HS256", "typ": ["JWT"]}, id="typ-list"),
    ],
)
def test_header_member_of_another_type(header: dict[str, object]) -> None:
    assert reason(GENUINE.sign(CLAIMS, header)) == Reason.HEADER_MALFORMED


@pytest.mark.parametrize(
    "member",
    [
        pytest.param({"crit": ["unknown"], "unknown": 1}, id="crit-unknown"),
        pytest.param({"crit": []}, id="crit-empty"),
        pytest.param({"crit": None}, id="crit-null"),
        pytest.param({"crit": ["exp", "exp"], "exp": 1}, id="crit-duplicate"),
        pytest.param({"crit": ["alg"]}, id="crit-registered"),
        pytest.param({"crit": [1]}, id="crit-number"),
        pytest.param({"crit": "b64"}, id="crit-text"),
        pytest.param({"crit": ["b64"], "b64": True}, id="crit-b64-true"),
        pytest.param({"b64": False}, id="b64-false"),
        pytest.param({"b64": True}, id="b64-true"),
        pytest.param({"zip": "DEF"}, id="zip"),
        pytest.param({"enc": "A256GCM"}, id="enc"),
    ],
)
def test_header_extension(member: dict[str, object]) -> None:
    token = GENUINE.sign(CLAIMS, {"alg": "HS256", **member})
    assert reason(token) == Reason.HEADER_EXTENSION_REFUSED


def test_unencoded_payload_of_rfc_7797() -> None:
    header = base64url(b'{"alg":"HS256","b64":false,"crit":["b64"]}')
    token = signed_text(header, CLAIMS.decode().replace(".", "-"))
    assert reason(token) == Reason.HEADER_EXTENSION_REFUSED


@pytest.mark.parametrize(
    "ignored",
    [
        pytest.param({"jwk": {"kty": "oct", "k": "AAAA"}}, id="jwk"),
        pytest.param({"jku": "https://attacker.example"}, id="jku"),
        pytest.param({"x5u": "https://attacker.example"}, id="x5u"),
        pytest.param({"x5c": ["MIIB"]}, id="x5c"),
        pytest.param({"cty": "JWT"}, id="cty"),
    ],
)
def test_header_member_that_is_ignored(ignored: dict[str, object]) -> None:
    token = GENUINE.sign(CLAIMS, {"alg": "HS256", **ignored})
    assert accepted(GENUINE.verifier(), token).user_id == "alice"


BAD_JSON: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("duplicate-member", lambda data: with_member(with_member(data, '"x":1'), '"x":1')),
    (
        "duplicate-member-escaped",
        lambda data: with_member(with_member(data, '"x":1'), r'"\u0078":2'),
    ),
    ("duplicate-member-deep", lambda data: with_member(data, '"x":{"y":1,"y":1}')),
    ("nesting-33", lambda data: with_member(data, '"x":' + "[" * 32 + "]" * 32)),
    ("nesting-500", lambda data: with_member(data, '"x":' + "[" * 500 + "]" * 500)),
    ("nesting-unclosed", lambda _: b'{"x":' + b"[" * 1000),
    ("not-a-number", lambda data: with_member(data, '"x":NaN')),
    ("infinity", lambda data: with_member(data, '"x":Infinity')),
    ("minus-infinity", lambda data: with_member(data, '"x":-Infinity')),
    ("number-1e400", lambda data: with_member(data, '"x":1e400')),
    ("number-of-33-digits", lambda data: with_member(data, '"x":' + "9" * 33)),
    ("fraction-of-33-digits", lambda data: with_member(data, '"x":0.' + "1" * 31)),
    ("array", lambda data: b"[" + data + b"]"),
    ("text", lambda _: b'"alg"'),
    ("number", lambda _: b"1"),
    ("null", lambda _: b"null"),
    ("empty", lambda _: b""),
    ("two-objects", lambda data: data + data),
    ("trailing-comma", lambda data: data[:-1] + b",}"),
    ("trailing-text", lambda data: data + b"x"),
    ("comment", lambda data: data + b"/**/"),
    ("single-quotes", lambda data: data.replace(b'"', b"'")),
    ("control-in-text", lambda data: with_member(data, '"x":"\x01"')),
    ("utf-16", lambda data: data.decode().encode("utf-16")),
    ("utf-16-le", lambda data: data.decode().encode("utf-16-le")),
    ("utf-32", lambda data: data.decode().encode("utf-32")),
    ("byte-order-mark", lambda data: b"\xef\xbb\xbf" + data),
    ("no-utf-8", lambda data: data[:-1] + b',"x":"\xff"}'),
    ("overlong-utf-8", lambda data: data[:-1] + b',"x":"\xc0\x80"}'),
    ("utf-8-surrogate", lambda data: data[:-1] + b',"x":"\xed\xa0\x80"}'),
    ("lone-surrogate", lambda data: with_member(data, r'"x":"\ud800"')),
    ("lone-surrogate-in-a-name", lambda data: with_member(data, r'"\udfff":1')),
    ("unclosed", lambda data: data[:-1]),
]


@pytest.mark.parametrize("spoil", [pytest.param(spoil, id=name) for name, spoil in BAD_JSON])
def test_payload_of_bad_json(spoil: Callable[[bytes], bytes]) -> None:
    assert reason(GENUINE.sign(spoil(CLAIMS))) == Reason.JSON_MALFORMED


@pytest.mark.parametrize("spoil", [pytest.param(spoil, id=name) for name, spoil in BAD_JSON])
def test_header_of_bad_json(spoil: Callable[[bytes], bytes]) -> None:
    assert reason(GENUINE.sign(CLAIMS, spoil(HEADER))) == Reason.JSON_MALFORMED


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(lambda data: with_member(data, '"x":' + "[" * 31 + "]" * 31), id="nesting-32"),
        pytest.param(
            lambda data: with_member(data, '"x":"' + "[{" * 40 + '"'), id="brackets-in-text"
        ),
        pytest.param(
            lambda data: with_member(data, '"x":[' + "[]," * 40 + "[]]"), id="brackets-in-a-row"
        ),
        pytest.param(lambda data: with_member(data, '"x":' + "9" * 32), id="number-of-32-digits"),
        pytest.param(lambda data: with_member(data, r'"x":"\ud83d\ude00"'), id="surrogate-pair"),
        pytest.param(lambda data: b" \t\r\n" + data + b"\n", id="white-space-around"),
        pytest.param(lambda data: with_member(data, '"x":"\u00e9\U0001f600"'), id="utf-8"),
    ],
)
def test_payload_that_is_as_good_as_any(shape: Callable[[bytes], bytes]) -> None:
    assert accepted(GENUINE.verifier(), GENUINE.sign(shape(CLAIMS))).user_id == "alice"


def padded(segment: str) -> str:
    return segment + "=" * (-len(segment) % 4 or 4)


def non_canonical(segment: str) -> str:
    """Set a low bit that the last character does not use."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(segment) % 4
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) + 1]


def with_signature(token: str, spoil: Callable[[str], str]) -> str:
    signing_input, _, signature = token.rpartition(".")
    return f"{signing_input}.{spoil(signature)}"


BAD_TEXT: list[tuple[str, Callable[[str], str]]] = [
    ("padding", padded),
    ("white-space", lambda segment: segment[:8] + " " + segment[8:]),
    ("line-break", lambda segment: segment[:8] + "\r\n" + segment[8:]),
    ("line-break-at-the-end", lambda segment: segment + "\n"),
    ("stray-character", lambda segment: segment[:8] + "!" + segment[8:]),
    ("nul", lambda segment: segment + "\0"),
    ("standard-plus", lambda segment: segment + "+/+/"),
    ("one-left-over", lambda segment: segment[: len(segment) // 4 * 4] + "A"),
    ("non-canonical", non_canonical),
]


@pytest.mark.parametrize("spoil", [pytest.param(spoil, id=name) for name, spoil in BAD_TEXT])
@pytest.mark.parametrize("part", ["header", "payload", "signature"])
def test_text_that_is_no_canonical_base64url(part: str, spoil: Callable[[str], str]) -> None:
    # Both lengths leave a group of two or three characters at the end.
    header, payload = base64url(HEADER + b" "), base64url(CLAIMS + b" " * (1 - len(CLAIMS) % 3 + 3))
    token = {
        "header": lambda: signed_text(spoil(header), payload),
        "payload": lambda: signed_text(header, spoil(payload)),
        "signature": lambda: with_signature(signed_text(header, payload), spoil),
    }[part]()
    assert reason(token) == Reason.BASE64URL_MALFORMED


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(base64url(CLAIMS), id="segments-1"),
        pytest.param("a.b", id="segments-2"),
        pytest.param(GENUINE.token() + ".", id="segments-4"),
        pytest.param("a.b.c.d.e", id="segments-5-jwe"),
        pytest.param("\u00e9." + GENUINE.token().partition(".")[2], id="not-ascii"),
        pytest.param("\ud800.a.b", id="lone-surrogate"),
        pytest.param("\uff41.a.b", id="full-width"),
        pytest.param(json.dumps({"payload": "", "signatures": []}), id="json-serialisation"),
    ],
)
def test_text_that_is_no_compact_jws(text: str) -> None:
    assert reason(text) == Reason.TOKEN_MALFORMED


def test_token_with_nothing_but_dots() -> None:
    assert reason("..") == Reason.JSON_MALFORMED


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("." * (MAX_TOKEN_BYTES + 1), id="dots"),
        pytest.param("a" * 10_000_000, id="ten-megabytes"),
        pytest.param(GENUINE.sign(b"[" * 30_000), id="nested-beyond-the-cap"),
        pytest.param(GENUINE.token(x="x" * MAX_TOKEN_BYTES), id="well-signed"),
        pytest.param(GENUINE.sign(CLAIMS, {"alg": "HS256", "x": "x" * 1600}), id="header"),
        pytest.param(GENUINE.token() + "A" * 1366, id="signature"),
    ],
)
def test_oversize_token(text: str) -> None:
    assert reason(text) == Reason.TOKEN_TOO_LARGE


def test_token_of_just_the_cap() -> None:
    empty = len(GENUINE.token(x=""))
    token = GENUINE.token(x="x" * ((MAX_TOKEN_BYTES - empty) * 3 // 4 - 2))
    assert MAX_TOKEN_BYTES - 8 < len(token) <= MAX_TOKEN_BYTES
    assert accepted(GENUINE.verifier(), token).user_id == "alice"
