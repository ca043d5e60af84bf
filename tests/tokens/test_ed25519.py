"""Ed25519: keys that fit anybody's signatures, and two libraries that must say the same."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from betterguard.testing.tokens import base64url
from betterguard.tokens import ed25519
from betterguard.tokens.jwk import KeyRefused, read

FIELD = 2**255 - 19
EIGHTH = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
OTHER_EIGHTH = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
SIGN = 1 << 255
ORDER = 2**252 + 27742317777372353535851937790883648493
PRIVATE = Ed25519PrivateKey.generate()
PUBLIC = PRIVATE.public_key()


def _key(y: int) -> bytes:
    return y.to_bytes(32, "little")


@pytest.mark.parametrize(
    "public_key",
    [
        pytest.param(_key(0), id="order-4"),
        pytest.param(_key(SIGN), id="order-4-negative"),
        pytest.param(_key(1), id="order-1"),
        pytest.param(_key(1 + SIGN), id="order-1-negative"),
        pytest.param(_key(FIELD - 1), id="order-2"),
        pytest.param(_key(FIELD - 1 + SIGN), id="order-2-negative"),
        pytest.param(bytes.fromhex(EIGHTH), id="order-8"),
        pytest.param(bytes.fromhex(EIGHTH[:-2] + "85"), id="order-8-negative"),
        pytest.param(bytes.fromhex(OTHER_EIGHTH), id="order-8-other"),
        pytest.param(bytes.fromhex(OTHER_EIGHTH[:-2] + "fa"), id="order-8-other-negative"),
        pytest.param(_key(FIELD), id="order-4-not-reduced"),
        pytest.param(_key(FIELD + 1), id="order-1-not-reduced"),
        pytest.param(_key(FIELD + 1 + SIGN), id="order-1-not-reduced-negative"),
    ],
)
def test_key_of_small_order_is_refused(public_key: bytes) -> None:
    with pytest.raises(KeyRefused, match="small order"):
        read({"kty": "OKP", "crv": "Ed25519", "kid": "small", "x": base64url(public_key)})


def test_forgery_under_a_key_of_small_order_fits_by_openssl() -> None:
    # What the refusal is for: no private key has made this.
    Ed25519PublicKey.from_public_bytes(_key(1)).verify(_key(1) + bytes(32), b"any message")


def test_sound_keys_are_not_of_small_order() -> None:
    assert not ed25519.has_small_order(PUBLIC.public_bytes_raw())


def _by_openssl(message: bytes, signature: bytes) -> bool:
    try:
        PUBLIC.verify(signature, message)
    except InvalidSignature:
        return False
    return True


by_libsodium = ed25519.by_libsodium(PUBLIC.public_bytes_raw())


@given(
    message=st.binary(max_size=64),
    byte=st.integers(0, 63),
    change=st.integers(0, 255),
    length=st.integers(0, 70),
)
def test_libsodium_says_what_openssl_says(
    message: bytes, byte: int, change: int, length: int
) -> None:
    signature = bytearray(PRIVATE.sign(message))
    assert by_libsodium(message, bytes(signature))
    signature[byte] ^= change
    for changed in (bytes(signature), bytes(signature).ljust(70, b"\0")[:length]):
        assert by_libsodium(message, changed) == _by_openssl(message, changed)


@pytest.mark.parametrize("multiple", [1, 2, 7])
def test_libsodium_refuses_another_encoding_of_a_signature(multiple: int) -> None:
    signature = PRIVATE.sign(b"message")
    s = int.from_bytes(signature[32:], "little") + multiple * ORDER
    assert not by_libsodium(b"message", signature[:32] + s.to_bytes(32, "little"))


def test_libsodium_checks_where_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ed25519, "by_libsodium", lambda _: lambda *_: True)
    key = {"kty": "OKP", "crv": "Ed25519", "x": base64url(PUBLIC.public_bytes_raw())}
    assert read(key).verify(b"message", bytes(64))


WITHOUT = """
import sys
sys.modules["nacl"] = None
from betterguard.testing.tokens import SigningKey
from betterguard.tokens import ed25519
from betterguard.tokens.jwk import read
key = SigningKey.generate("EdDSA")
check = read(key.public_jwk()).verify
signature = key.sign(b"message")
print(ed25519.HAS_LIBSODIUM, check(b"message", signature), check(b"another", signature))
"""


def test_without_pynacl_openssl_checks() -> None:
    command = [sys.executable, "-c", WITHOUT]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "False"]
