"""Is this text fit to be the shared secret that signs HS256 tokens?

Public key material as a secret is the classic confusion attack (a token signed "HS256" with the
published key), and a default or short secret can be guessed; so each of these stops the start.
"""

from __future__ import annotations

import base64
import json
import math
import re

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
)

__all__ = ["MIN_SECRET_BYTES", "secret_faults"]

MIN_SECRET_BYTES = 32
MIN_RANDOM_BITS = 64
# Better Auth's own development default (better-auth/src/utils/constants).
DEFAULT_SECRETS = frozenset({"better-auth-secret-12345678901234567890"})
HOW_TO_MAKE_ONE = "make one with `openssl rand -base64 32` and give Better Auth the same"

_SSH_TYPE = r"(ssh-(rsa|ed25519|dss)|ecdsa-sha2-\S+|sk-\S+@openssh\.com)"
_SSH_LINE = re.compile(rf"\s*{_SSH_TYPE}\s")
_SSH_BLOB = re.compile(rf"\0\0\0.{_SSH_TYPE}\0", re.DOTALL)
_KEY_MEMBERS = frozenset({"kty", "keys"})


def secret_faults(secret: str) -> list[str]:
    """Say what is wrong with a shared secret; nothing where it is fit. Never quotes it."""
    if is_key_material(secret):
        return [f"is key material (PEM, DER, SSH, JWK), not a shared secret; {HOW_TO_MAKE_ONE}"]
    if secret in DEFAULT_SECRETS:
        return [f"is Better Auth's public development default; {HOW_TO_MAKE_ONE}"]
    try:
        size = len(secret.encode("utf-8"))
    except UnicodeEncodeError:
        return [f"is not UTF-8 text; {HOW_TO_MAKE_ONE}"]
    if size < MIN_SECRET_BYTES:
        return [f"has {size} bytes, at least {MIN_SECRET_BYTES} are needed; {HOW_TO_MAKE_ONE}"]
    if _random_bits(secret) < MIN_RANDOM_BITS:
        return [f"is a short text or a few characters, repeated; {HOW_TO_MAKE_ONE}"]
    return []


def _random_bits(secret: str) -> float:
    """Tell the most that chance can have put into a text: its characters up to where it repeats.

    A text that was drawn at random keeps about what it was drawn with, whatever its alphabet.
    """
    period = next(n for n in range(1, len(secret) + 1) if secret.startswith(secret[n:]))
    return period * math.log2(len(set(secret)))


def is_key_material(text: str) -> bool:
    """Tell whether a text is a key or certificate in a form that people publish or paste."""
    forms = [text.encode("utf-8", "surrogatepass"), *_decoded(text)]
    return any(_is_armoured(form) or _is_jwk(form) or _is_der(form) for form in forms)


def _decoded(text: str) -> list[bytes]:
    compact = "".join(text.lstrip("\ufeff").split())
    found = []
    for decode in (_from_base64, bytes.fromhex):
        try:
            found.append(decode(compact))
        except ValueError:
            continue
    return found


def _from_base64(text: str) -> bytes:
    standard = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)


def _is_armoured(data: bytes) -> bool:
    text = data.decode("latin-1").lstrip("\xef\xbb\xbf")
    return (
        "-----BEGIN" in text  # PEM, OpenSSH's private form, PGP
        or "---- BEGIN SSH2" in text  # RFC 4716
        or _SSH_LINE.match(text) is not None
        or _SSH_BLOB.match(text) is not None
    )


def _is_jwk(data: bytes) -> bool:
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    candidates = value if isinstance(value, list) else [value]
    return any(isinstance(one, dict) and not _KEY_MEMBERS.isdisjoint(one) for one in candidates)


def _is_der(data: bytes) -> bool:
    loaders = (
        load_der_public_key,
        lambda der: load_der_private_key(der, password=None),
        x509.load_der_x509_certificate,
    )
    for load in loaders:
        try:
            load(data)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        return True
    return False
