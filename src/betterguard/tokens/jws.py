"""Strict compact JWS (RFC 7515 §7.1): text to header, payload and signature, nothing believed.

Libraries are lenient here (padding, duplicate members, UTF-16), and each leniency has been an
attack; so structure is checked before any library sees the token. The payload stays bytes
until its signature has been checked.
"""

from __future__ import annotations

import binascii
import json
import math
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from betterguard.errors import InvalidToken, Reason

__all__ = [
    "MAX_TOKEN_BYTES",
    "CompactJWS",
    "Header",
    "decode_base64url",
    "parse",
    "parse_json_object",
]

MAX_TOKEN_BYTES = 16 * 1024
MAX_KEY_ID_LENGTH = 256
MAX_JSON_DEPTH = 32
MAX_NUMBER_LENGTH = 32
COMPACT_SEGMENTS = 3

# '-' and '_' become what binascii reads; what base64url does not have becomes what it refuses.
_TO_STANDARD_ALPHABET = bytes.maketrans(b"-_+/=", b"+/!!!")
# With two or three characters in the last group, its unused low bits must be zero
# (RFC 4648 §3.5): otherwise several texts would stand for the same bytes.
_LAST_OF_TWO = frozenset(b"AQgw")
_LAST_OF_THREE = frozenset(b"AEIMQUYcgkosw048")
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
# Members that change what a signature covers or how the payload is to be read; a verifier that
# does not implement them must refuse them (RFC 7515 §4.1.11, RFC 7797 §6, RFC 7516).
_REFUSED_MEMBERS = ("crit", "b64", "zip", "enc")


@dataclass(frozen=True, slots=True)
class Header:
    """What a protected header may say: it only selects, it never decides."""

    alg: str
    kid: str | None
    typ: str | None


@dataclass(frozen=True, slots=True)
class CompactJWS:
    """A token taken apart. ``payload`` is unverified bytes."""

    header: Header
    signing_input: bytes
    payload: bytes
    signature: bytes


def parse(token: str) -> CompactJWS:
    """Take a compact JWS apart, or raise `InvalidToken`; never any other error."""
    if len(token) > MAX_TOKEN_BYTES:
        raise InvalidToken(Reason.TOKEN_TOO_LARGE)
    try:
        raw = token.encode("ascii")
    except UnicodeEncodeError:
        _refuse(Reason.TOKEN_MALFORMED)
    segments = raw.split(b".")
    if len(segments) != COMPACT_SEGMENTS:
        raise InvalidToken(Reason.TOKEN_MALFORMED)
    header, payload, signature = segments
    return CompactJWS(
        header=_header(parse_json_object(decode_base64url(header))),
        signing_input=raw[: len(header) + 1 + len(payload)],
        payload=decode_base64url(payload),
        signature=decode_base64url(signature),
    )


def decode_base64url(text: bytes) -> bytes:
    """Decode canonical, unpadded base64url (RFC 7515 §2), or raise `InvalidToken`."""
    rest = len(text) % 4
    if rest == 1 or (rest and text[-1] not in (_LAST_OF_TWO if rest == 2 else _LAST_OF_THREE)):  # noqa: PLR2004 - characters in the last group of four
        raise InvalidToken(Reason.BASE64URL_MALFORMED)
    try:
        return binascii.a2b_base64(
            text.translate(_TO_STANDARD_ALPHABET) + b"=" * (-rest % 4), strict_mode=True
        )
    except binascii.Error:
        _refuse(Reason.BASE64URL_MALFORMED)


def parse_json_object(data: bytes) -> dict[str, Any]:
    """Read one JSON object, strictly, or raise `InvalidToken`.

    UTF-8 without a byte-order mark, no duplicate members, no NaN or Infinity, no number over
    32 characters, at most 32 levels deep, no lone surrogates.
    """
    try:
        text = data.decode("utf-8")
        _limit_depth(text)
        value = _DECODER.decode(text)
        if _SURROGATE_ESCAPE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        _refuse(Reason.JSON_MALFORMED)
    if not isinstance(value, dict):
        raise InvalidToken(Reason.JSON_MALFORMED)
    return value


def _header(members: dict[str, Any]) -> Header:
    alg = members.get("alg")
    kid = members.get("kid")
    typ = members.get("typ")
    if not isinstance(alg, str):
        raise InvalidToken(Reason.HEADER_MALFORMED)
    if kid is not None or "kid" in members:
        _check_key_id(kid)
    if not isinstance(typ, str | None):
        raise InvalidToken(Reason.HEADER_MALFORMED)
    for name in _REFUSED_MEMBERS:
        if name in members:
            raise InvalidToken(Reason.HEADER_EXTENSION_REFUSED)
    return Header(alg, kid, typ)


def _check_key_id(kid: object) -> None:
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KEY_ID_LENGTH:
        raise InvalidToken(Reason.HEADER_MALFORMED)


def _limit_depth(text: str) -> None:
    # Openers bound the depth, so that nearly every text is done here; strings may hold some too.
    if text.count("{") + text.count("[") <= MAX_JSON_DEPTH:
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


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        msg = "duplicate member"
        raise ValueError(msg)
    return members


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


def _refuse(reason: Reason) -> NoReturn:
    # Raised from a function of its own: no frame of the traceback then holds the token.
    raise InvalidToken(reason) from None


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=_integer,
    parse_float=_fraction,
    parse_constant=_constant,
)
