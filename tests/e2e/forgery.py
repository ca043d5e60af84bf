"""What an attacker makes of a good token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["claims_of", "header_of", "hmac_signed", "tampered", "unsigned"]


def header_of(token: str) -> dict[str, Any]:
    """Read the header of a compact JWS."""
    return _read(token.split(".", maxsplit=1)[0])


def claims_of(token: str) -> dict[str, Any]:
    """Read the payload of a compact JWS, without any check."""
    return _read(token.split(".")[1])


def tampered(token: str, part: str) -> str:
    """Change one part of a token and leave the others: ``header``, ``payload``, ``signature``."""
    header, payload, signature = token.split(".")
    if part == "header":
        header = _json({**_read(header), "added": 1})
    elif part == "payload":
        payload = _json({**_read(payload), "role": "admin"})
    else:
        raw = bytearray(_bytes(signature))
        raw[0] ^= 1
        signature = _text(bytes(raw))
    return f"{header}.{payload}.{signature}"


def unsigned(token: str, alg: str, *, keep_signature: bool = False) -> str:
    """Claim that no signature is needed (RFC 7518 §3.6, in any spelling)."""
    header, payload, signature = token.split(".")
    header = _json({**_read(header), "alg": alg})
    return f"{header}.{payload}.{signature if keep_signature else ''}"


def hmac_signed(claims: Mapping[str, Any], key: bytes, **header: object) -> str:
    """Sign claims with HS256 and a key of the caller's choice."""
    signed = f"{_json({'alg': 'HS256', **header})}.{_json(claims)}"
    return f"{signed}.{_text(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def _json(value: Mapping[str, Any]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def _read(segment: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(_bytes(segment))
    return value


def _bytes(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
