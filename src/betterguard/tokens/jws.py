"""Strict compact JWS (RFC 7515 §7.1): text to header, payload and signature, nothing believed.

Libraries are lenient here (padding, duplicate members, UTF-16), and each leniency has been an
attack; so structure is checked before any library sees the token. The payload is not even
decoded until its signature has been checked.
"""

from __future__ import annotations

import binascii
import json
import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn

from betterguard.errors import InvalidToken, Reason
from betterguard.tokens import hints
from betterguard.tokens.payload import ReadOnlyDict, without_lists

__all__ = [
    "MAX_TOKEN_BYTES",
    "CompactJWS",
    "Header",
    "decode_base64url",
    "parse",
    "parse_json_object",
]

MAX_TOKEN_BYTES = 16 * 1024
# Better Auth's headers have under 100 characters; an embedded certificate chain, which is ignored
# anyway, would have thousands.
MAX_HEADER_CHARACTERS = 2048
MAX_SIGNATURE_CHARACTERS = 1366  # of the largest RSA key, 8192 bits
MAX_KEY_ID_LENGTH = 256
# Tokens of one issuer share their header, so it is read once and not for each of them.
REMEMBERED_HEADERS = 64
# So do tokens of one second their times.
REMEMBERED_INTEGERS = 256
MAX_JSON_DEPTH = 32
MAX_NUMBER_LENGTH = 32

DOT = ord(".")  # bytes are searched for a number in a quarter of the time that bytes take
# '-' and '_' become what binascii reads; what base64url does not have becomes what it refuses.
_TO_STANDARD_ALPHABET = bytes.maketrans(b"-_+/=", b"+/!!!")
# With two or three characters in the last group, its unused low bits must be zero
# (RFC 4648 §3.5): otherwise several texts would stand for the same bytes.
_LAST_OF_TWO = frozenset(b"AQgw")
_LAST_OF_THREE = frozenset(b"AEIMQUYcgkosw048")
_JSON_WHITESPACE = " \t\r\n"
# Possessive, and content with the end of the text for a closing quote: linear on any input.
_JSON_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
# Members that change what a signature covers or how the payload is to be read; a verifier that
# does not implement them must refuse them (RFC 7515 §4.1.11, RFC 7797 §6, RFC 7516).
_REFUSED_MEMBERS = frozenset({"crit", "b64", "zip", "enc"})


@dataclass(frozen=True, slots=True)
class Header:
    """What a protected header may say: it only selects, it never decides."""

    alg: str
    kid: str | None
    typ: str | None


@dataclass(slots=True)  # not frozen: that would treble what it costs to make one
class CompactJWS:
    """A token taken apart; nothing of it but the header is shown in a ``repr``."""

    header: Header
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    _payload: bytes = field(repr=False)

    def payload(self) -> ReadOnlyDict:
        """Decode the payload, strictly, or raise `InvalidToken`; for after the signature check."""
        return parse_json_object(decode_base64url(self._payload))


def parse(token: str) -> CompactJWS:
    """Take a compact JWS apart, or raise `InvalidToken`; never any other error."""
    if len(token) > MAX_TOKEN_BYTES:
        raise InvalidToken(Reason.TOKEN_TOO_LARGE)
    if not token.isascii():
        raise InvalidToken(Reason.TOKEN_MALFORMED, hints.structure(token))
    text = token.encode("ascii")
    signing_input, _, signature = text.rpartition(b".")
    header, dot, payload = signing_input.partition(b".")
    if not dot or DOT in payload:
        raise InvalidToken(Reason.TOKEN_MALFORMED, hints.structure(token))
    if len(header) > MAX_HEADER_CHARACTERS or len(signature) > MAX_SIGNATURE_CHARACTERS:
        raise InvalidToken(Reason.TOKEN_TOO_LARGE)
    return CompactJWS(_header(header), signing_input, decode_base64url(signature), payload)


def decode_base64url(text: bytes) -> bytes:
    """Decode canonical, unpadded base64url (RFC 7515 §2), or raise `InvalidToken`."""
    rest = len(text) % 4
    # A single character left over is no group at all: binascii refuses it.
    if rest and text[-1] not in (_LAST_OF_TWO if rest == 2 else _LAST_OF_THREE):  # noqa: PLR2004 - characters in the last group of four
        raise InvalidToken(Reason.BASE64URL_MALFORMED)
    try:
        return binascii.a2b_base64(
            text.translate(_TO_STANDARD_ALPHABET) + b"=" * (-rest % 4), strict_mode=True
        )
    except binascii.Error:
        raise InvalidToken(Reason.BASE64URL_MALFORMED) from None


def parse_json_object(data: bytes) -> ReadOnlyDict:
    """Read one JSON object, strictly, or raise `InvalidToken`.

    UTF-8 without a byte-order mark, no duplicate members, no NaN or Infinity, no number over
    32 characters, at most 32 levels deep, no lone surrogates. What comes is read-only all the
    way down, its arrays tuples.
    """
    try:
        text = data.decode("utf-8").strip(_JSON_WHITESPACE)
        _limit_depth(text)
        value, end = _DECODER.raw_decode(text)
        if "\\" in text and _SURROGATE_ESCAPE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except ValueError:
        raise InvalidToken(Reason.JSON_MALFORMED) from None
    if end != len(text) or not isinstance(value, ReadOnlyDict):
        raise InvalidToken(Reason.JSON_MALFORMED)
    return without_lists(value) if "[" in text else value


@lru_cache(REMEMBERED_HEADERS)
def _header(segment: bytes) -> Header:
    members = parse_json_object(decode_base64url(segment))
    if not _REFUSED_MEMBERS.isdisjoint(members):
        raise InvalidToken(Reason.HEADER_EXTENSION_REFUSED)
    alg, kid, typ = members.get("alg"), members.get("kid"), members.get("typ")
    if not isinstance(alg, str) or ("typ" in members and not isinstance(typ, str)):
        raise InvalidToken(Reason.HEADER_MALFORMED)
    if "kid" in members and not (isinstance(kid, str) and 0 < len(kid) <= MAX_KEY_ID_LENGTH):
        raise InvalidToken(Reason.HEADER_MALFORMED)
    return Header(alg, kid, typ)


def _limit_depth(text: str) -> None:
    # Openers bound the depth, so that nearly every text is done here; strings may hold some too.
    # The first test is for flat objects, which most are, and costs the least.
    if (text.rfind("{") < 1 and "[" not in text) or (
        text.count("{") + text.count("[") <= MAX_JSON_DEPTH
    ):
        return
    depth = 0
    for character in _JSON_STRING.sub("", text):
        if character in "{[":
            depth += 1
            if depth > MAX_JSON_DEPTH:
                msg = "nested too deeply"
                raise ValueError(msg)
        elif character in "}]":
            depth -= 1


def _members(pairs: list[tuple[str, Any]]) -> ReadOnlyDict:
    members = ReadOnlyDict(pairs)
    if len(members) != len(pairs):
        msg = "duplicate member"
        raise ValueError(msg)
    return members


@lru_cache(REMEMBERED_INTEGERS)
def _integer(digits: str) -> int:
    if len(digits) > MAX_NUMBER_LENGTH:
        msg = "number too long"
        raise ValueError(msg)
    return int(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    if len(digits) > MAX_NUMBER_LENGTH or not math.isfinite(number):
        msg = "number too long or too large"
        raise ValueError(msg)
    return number


def _constant(name: str) -> NoReturn:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=_integer,
    parse_float=_fraction,
    parse_constant=_constant,
)
