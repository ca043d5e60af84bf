"""Ed25519 (RFC 8032): sound public keys, and the check by libsodium where PyNaCl is installed.

Both libraries accept the same signatures of a sound key; libsodium takes half of OpenSSL's time.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HAS_LIBSODIUM", "by_libsodium", "has_small_order"]

HAS_LIBSODIUM = find_spec("nacl") is not None
SIZE = 32
FIELD = 2**255 - 19
# Of the eight points whose order divides the cofactor, the y coordinates: of orders 4, 1, 2, 8, 8.
_EIGHTH = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_SMALL_ORDER = frozenset({0, 1, FIELD - 1, _EIGHTH, FIELD - _EIGHTH})


def has_small_order(public_key: bytes) -> bool:
    """Tell whether a public key is a point of an order of at most 8, in any of its encodings.

    Under such a key signatures fit that were made without any private key.
    """
    y = int.from_bytes(public_key, "little") & ((1 << 255) - 1)
    return len(public_key) == SIZE and y % FIELD in _SMALL_ORDER


def by_libsodium(public_key: bytes) -> Callable[[bytes, bytes], bool]:
    """Give the check of a message and a signature under a public key of 32 bytes, by PyNaCl."""
    from nacl.exceptions import BadSignatureError  # noqa: PLC0415  # an extra
    from nacl.signing import VerifyKey  # noqa: PLC0415  # an extra

    key = VerifyKey(public_key)

    def check(message: bytes, signature: bytes) -> bool:
        try:
            key.verify(message, signature)
        except (BadSignatureError, ValueError):  # the latter for a signature of another length
            return False
        return True

    return check
