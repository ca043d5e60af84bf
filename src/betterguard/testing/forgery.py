"""Tokens that someone without the key can make from a genuine one: each is an attack with a name.

None may ever be accepted, nor make a verifier fail with anything but its own refusal.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWK

from betterguard.testing.tokens import SigningKey, base64url, compact, encode_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Forgery", "forgeries", "public_key_texts"]

NONE_SPELLINGS = ("none", "None", "NONE", "nOnE")
EMBEDDED_ADDRESS = "https://attacker.example/jwks.json"
NOT_BASE64URL = ("=", "==", "\n", " ", "+", "/", "\u00e9", "\0", "%3D")
EVIL_KEY_IDS = {
    "kid-traversal": "../../../../dev/null",
    "kid-sql": "x' UNION SELECT 'key' --",
    "kid-crlf": "x\r\nX-Injected: 1",
    "kid-long": "k" * 10_000,
    "kid-empty": "",
    "kid-number": 1,
    "kid-null": None,
    "kid-list": ["test-key"],
    "kid-object": {"kid": "test-key"},
}
OVERSIZE = 17 * 1024


@dataclass(frozen=True, slots=True)
class Forgery:
    """A forged token and the name of the attack."""

    attack: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Genuine:
    """What the attacker has: a token, taken apart, and the published keys."""

    token: str
    header: dict[str, Any]
    payload: bytes
    signature: bytes
    keys: tuple[Mapping[str, Any], ...]

    def under(self, header: Mapping[str, Any], signature: bytes | None = None) -> str:
        """Put another header over the payload, with the old signature by default."""
        kept = self.signature if signature is None else signature
        return compact(encode_json(header), self.payload, kept)

    def macced(self, header: Mapping[str, Any], secret: bytes) -> str:
        """Put another header over the payload and compute HMAC-SHA256 over both."""
        signing_input = f"{base64url(encode_json(header))}.{base64url(self.payload)}"
        mac = hmac.digest(secret, signing_input.encode("ascii"), hashlib.sha256)
        return f"{signing_input}.{base64url(mac)}"

    def signed(self, header: Mapping[str, Any], key: SigningKey) -> str:
        """Put another header over the payload and sign both with the attacker's key."""
        signing_input = f"{base64url(encode_json(header))}.{base64url(self.payload)}"
        return f"{signing_input}.{base64url(key.sign(signing_input.encode('ascii')))}"


def forgeries(token: str, jwks: Mapping[str, Any]) -> Iterator[Forgery]:
    """Make every forgery that a genuine token and the published key set allow."""
    header, payload, signature = (_decoded(part) for part in token.split("."))
    genuine = _Genuine(token, json.loads(header), payload, signature, tuple(jwks["keys"]))
    for make in (
        _unsigned,
        _algorithm_of_no_type,
        _public_key_as_secret,
        _key_in_the_header,
        _key_ids,
        _changed_signature,
        _changed_content,
        _changed_text,
        _other_serialisations,
    ):
        for attack, forged in make(genuine):
            yield Forgery(attack, forged)


def public_key_texts(jwk: Mapping[str, Any]) -> dict[str, bytes]:
    """Give the forms of a public key that may have been configured as a shared secret."""
    key: Any = PyJWK(dict(jwk)).key
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    texts = {
        "pem": pem,
        "pem-without-newline": pem.strip(),
        "pem-with-bom": b"\xef\xbb\xbf" + pem,
        "pem-with-crlf": pem.replace(b"\n", b"\r\n"),
        "pem-in-base64": base64.b64encode(pem),
        "der": der,
        "der-in-base64": base64.b64encode(der),
        "ssh": key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "jwk": json.dumps(dict(jwk)).encode(),
        "jwk-compact": encode_json(dict(jwk)),
        "jwks": encode_json({"keys": [dict(jwk)]}),
    }
    if jwk["kty"] == "RSA":
        texts["pkcs1"] = key.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    return texts


def _unsigned(genuine: _Genuine) -> Iterator[tuple[str, str]]:
    for alg in NONE_SPELLINGS:
        yield f"alg-{alg}", genuine.under({**genuine.header, "alg": alg}, b"")
        yield f"alg-{alg}-signature-kept", genuine.under({**genuine.header, "alg": alg})


def _algorithm_of_no_type(genuine: _Genuine) -> Iterator[tuple[str, str]]:
    rest = {name: value for name, value in genuine.header.items() if name != "alg"}
    yield "alg-absent", genuine.under(rest)
    for name, alg in {
        "null": None,
        "number": 1,
        "list": ["HS256"],
        "true": True,
        "empty": "",
    }.items():
        yield f"alg-{name}", genuine.under({**rest, "alg": alg}, b"")
    for alg in ("hs256", "HS256 ", "HS384", "ES256K", "eddsa"):
        yield f"alg-{alg.strip()}-{len(alg)}", genuine.macced({**rest, "alg": alg}, b"")


def _public_key_as_secret(genuine: _Genuine) -> Iterator[tuple[str, str]]:
    for position, jwk in enumerate(genuine.keys):
        for form, text in public_key_texts(jwk).items():
            header = {"alg": "HS256", "kid": jwk.get("kid", "x")}
            yield f"public-key-{position}-as-secret-{form}", genuine.macced(header, text)
    yield "blank-secret", genuine.macced({"alg": "HS256"}, b"")


def _key_in_the_header(genuine: _Genuine) -> Iterator[tuple[str, str]]:
    own = SigningKey.generate("EdDSA", "attacker")
    for kid in ("attacker", genuine.header.get("kid", "x")):
        base = {"alg": "EdDSA", "kid": kid}
        jwk = {**own.public_jwk(), "kid": kid}
        yield f"embedded-jwk-{kid}", genuine.signed({**base, "jwk": jwk}, own)
        yield f"jku-{kid}", genuine.signed({**base, "jku": EMBEDDED_ADDRESS}, own)
        yield f"x5u-{kid}", genuine.signed({**base, "x5u": EMBEDDED_ADDRESS}, own)
        yield f"x5c-{kid}", genuine.signed({**base, "x5c": ["MIIB"]}, own)


def _key_ids(genuine: _Genuine) -> Iterator[tuple[str, str]]:
    own = SigningKey.generate("EdDSA", "attacker")
    for attack, kid in EVIL_KEY_IDS.items():
        yield attack, genuine.signed({"alg": "EdDSA", "kid": kid}, own)
        yield f"{attack}-hs256", genuine.macced({"alg": "HS256", "kid": kid}, b"")


def _changed_signature(genuine: _Genuine) -> Iterator[tuple[str, str]]:
    kept = genuine.signature
    changed = {
        "signature-null": b"",
        "signature-truncated": kept[:-1],
        "signature-extended": kept + b"\0",
        "signature-zero": bytes(len(kept)),
        "signature-halved": kept[: len(kept) // 2],
        "signature-doubled": kept + kept,
        "signature-bit": bytes([kept[0] ^ 1]) + kept[1:],
    }
    for attack, signature in changed.items():
        yield attack, genuine.under(genuine.header, signature)


def _changed_content(genuine: _Genuine) -> Iterator[tuple[str, str]]:
    claims = json.loads(genuine.payload)
    other = encode_json({**claims, "sub": "bob", "id": "bob"})
    yield "payload-changed", compact(encode_json(genuine.header), other, genuine.signature)
    extensions: dict[str, dict[str, Any]] = {
        "crit-unknown": {"crit": ["x"], "x": 1},
        "crit-empty": {"crit": []},
        "crit-null": {"crit": None},
        "b64-false": {"crit": ["b64"], "b64": False},
        "zip": {"zip": "DEF"},
    }
    for name, value in extensions.items():
        yield name, genuine.under({**genuine.header, **value})


def _changed_text(genuine: _Genuine) -> Iterator[tuple[str, str]]:
    header, payload, signature = genuine.token.split(".")
    for text in NOT_BASE64URL:
        shown = ascii(text)[1:-1]
        yield f"header-{shown}", f"{header}{text}.{payload}.{signature}"
        yield f"payload-{shown}", f"{header}.{payload}{text}.{signature}"
        yield f"signature-{shown}", f"{header}.{payload}.{signature}{text}"
        yield f"in-front-{shown}", text + genuine.token


def _other_serialisations(genuine: _Genuine) -> Iterator[tuple[str, str]]:
    header, payload, signature = genuine.token.split(".")
    yield "empty", ""
    yield "segments-1", payload
    yield "segments-2", f"{header}.{payload}"
    yield "segments-4", f"{genuine.token}.{signature}"
    yield (
        "jwe",
        ".".join([base64url(b'{"alg":"dir","enc":"A256GCM"}'), "", "AAAA", payload, "AAAA"]),
    )
    pbes2 = b'{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAA"}'
    yield "pbes2", ".".join([base64url(pbes2), "AAAA", "AAAA", payload, "AAAA"])
    flattened = {"protected": header, "payload": payload, "signature": signature}
    yield "json-flattened", json.dumps(flattened)
    yield "json-general", json.dumps({"payload": payload, "signatures": [flattened]})
    yield "oversize-signature", genuine.under(genuine.header, bytes(OVERSIZE))
    yield "oversize-header", genuine.under({**genuine.header, "x": "x" * OVERSIZE})
    yield "oversize-text", "." * OVERSIZE


def _decoded(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
