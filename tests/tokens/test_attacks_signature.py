"""Attacks on the key and the signature, by someone who has seen much or holds another key."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any, cast

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from betterguard.errors import Reason
from betterguard.testing.tokens import SharedSecretKey, SigningKey, TokenIssuer, base64url
from betterguard.tokens import StaticKeys, TokenVerifier
from tests.tokens.issuers import ALGORITHMS, NOW, accepted, issuer, refused, signing_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P521_ORDER = int(
    "01" + "f" * 65 + "a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409", 16
)
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
SHA256_INFO_WITHOUT_NULL = bytes.fromhex("302f300b0609608648016503040201" + "0420")


def resigned(token: str, change: Callable[[bytes], bytes]) -> str:
    """Put a changed signature behind the same signing input."""
    signing_input, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    return f"{signing_input}.{base64url(change(raw))}"


def key_set_verifier(*jwks: dict[str, Any]) -> TokenVerifier:
    url = issuer().url
    return TokenVerifier(
        StaticKeys({"keys": list(jwks)}), issuer=url, audience=url, clock=lambda: NOW
    )


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: b"", id="null"),
        pytest.param(lambda raw: raw[:-1], id="truncated"),
        pytest.param(lambda raw: raw[1:], id="truncated-in-front"),
        pytest.param(lambda raw: raw + b"\0", id="extended"),
        pytest.param(lambda raw: b"\0" + raw, id="extended-in-front"),
        pytest.param(lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]), id="bit-flipped"),
        pytest.param(lambda raw: bytes(len(raw)), id="all-zero"),
    ],
)
def test_changed_signature(alg: str, change: Callable[[bytes], bytes]) -> None:
    error = refused(issuer(alg).verifier(), resigned(issuer(alg).token(), change))
    assert error.reason == Reason.SIGNATURE_MISMATCH


@pytest.mark.parametrize(
    ("published", "used"),
    [
        pytest.param("RS256", "PS256", id="ps256-on-rs256-jwk"),
        pytest.param("PS256", "RS256", id="rs256-on-ps256-jwk"),
    ],
)
def test_rsa_padding_of_another_algorithm(published: str, used: str) -> None:
    key, other = signing_key(published), signing_key(used, "other")
    verifier = key_set_verifier(key.public_jwk(), other.public_jwk())
    impostor = TokenIssuer(SigningKey(used, key.kid, key.private), clock=lambda: NOW)
    assert refused(verifier, impostor.token()).reason == Reason.KEY_UNKNOWN


def test_rsa_key_without_alg_is_bound_to_rs256_alone() -> None:
    key = signing_key("RS256")
    jwk = {name: value for name, value in key.public_jwk().items() if name != "alg"}
    verifier = key_set_verifier(jwk, signing_key("PS256", "other").public_jwk())
    assert accepted(verifier, issuer("RS256").token()).user_id == "alice"
    other = TokenIssuer(SigningKey("PS256", key.kid, key.private), clock=lambda: NOW)
    assert refused(verifier, other.token()).reason == Reason.KEY_UNKNOWN


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        pytest.param("ES256", "ES512", id="es256-with-p521"),
        pytest.param("ES512", "ES256", id="es512-with-p256"),
        pytest.param("EdDSA", "ES256", id="eddsa-with-p256"),
        pytest.param("ES256", "EdDSA", id="es256-with-ed25519"),
        pytest.param("RS256", "ES256", id="rs256-with-p256"),
    ],
)
def test_curve_mismatch(alg: str, key: str) -> None:
    signer = signing_key(key)
    verifier = key_set_verifier(signer.public_jwk(), signing_key(alg, "other").public_jwk())
    token = issuer(key).sign(issuer(key).claims(), {"alg": alg, "kid": signer.kid})
    assert refused(verifier, token).reason == Reason.KEY_UNKNOWN


@pytest.mark.parametrize(
    "alg", ["ES256K", "ES384", "RS384", "PS512", "HS384", "HS512", "ML-DSA-44"]
)
def test_algorithm_that_better_auth_never_uses(alg: str) -> None:
    token = issuer().sign(issuer().claims(), {**issuer().key.header(), "alg": alg})
    assert refused(issuer().verifier(), token).reason == Reason.ALGORITHM_REFUSED


@pytest.mark.parametrize("alg", ["ES256", "ES512"])
@pytest.mark.parametrize(
    ("r", "s"),
    [
        pytest.param(0, 0, id="r-and-s-zero"),
        pytest.param(0, 1, id="r-zero"),
        pytest.param(1, 0, id="s-zero"),
        pytest.param(-1, -1, id="r-and-s-of-the-order"),
        pytest.param(1, 1, id="r-and-s-one"),
    ],
)
def test_ecdsa_psychic_signature(alg: str, r: int, s: int) -> None:
    order, size = (P256_ORDER, 32) if alg == "ES256" else (P521_ORDER, 66)
    numbers = [order if number < 0 else number for number in (r, s)]
    signature = b"".join(number.to_bytes(size, "big") for number in numbers)
    error = refused(issuer(alg).verifier(), resigned(issuer(alg).token(), lambda _: signature))
    assert error.reason == Reason.SIGNATURE_MISMATCH


def _der(raw: bytes) -> bytes:
    half = len(raw) // 2
    return encode_dss_signature(
        int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
    )


@pytest.mark.parametrize("alg", ["ES256", "ES512"])
def test_ecdsa_in_der(alg: str) -> None:
    error = refused(issuer(alg).verifier(), resigned(issuer(alg).token(), _der))
    assert error.reason == Reason.SIGNATURE_MISMATCH


def test_ecdsa_with_a_stripped_leading_zero() -> None:
    # One signature in 256 begins with a zero byte: that none of 20,000 does has a chance of e^-78.
    tokens = (issuer("ES256").token(name=str(number)) for number in range(20_000))
    token = next(token for token in tokens if re.search(r"\.A[A-P][^.]*$", token))
    assert accepted(issuer("ES256").verifier(), token).user_id == "alice"
    error = refused(issuer("ES256").verifier(), resigned(token, lambda raw: raw[1:]))
    assert error.reason == Reason.SIGNATURE_MISMATCH


@pytest.mark.parametrize("alg", ["PS256", "RS256"])
def test_rsa_with_a_stripped_leading_zero(alg: str) -> None:
    # RFC 8017 §8.1.2 and §8.2.2 want as many bytes as the modulus has; OpenSSL takes fewer of PSS.
    tokens = (issuer(alg).token(name=str(number)) for number in range(20_000))
    token = next(token for token in tokens if re.search(r"\.A[A-P][^.]*$", token))
    assert accepted(issuer(alg).verifier(), token).user_id == "alice"
    error = refused(issuer(alg).verifier(), resigned(token, lambda raw: raw[1:]))
    assert error.reason == Reason.SIGNATURE_MISMATCH


def test_ecdsa_twin_of_a_token_verifies_and_is_another_token() -> None:
    # n - s is as valid as s (RFC 7518 allows both), so a token's text is never its identity.
    def twin(raw: bytes) -> bytes:
        other = P256_ORDER - int.from_bytes(raw[32:], "big")
        return raw[:32] + other.to_bytes(32, "big")

    verifier = issuer("ES256").verifier()
    token = issuer("ES256").token()
    assert accepted(verifier, resigned(token, twin)) == accepted(verifier, token)


def test_ed25519_with_s_plus_the_order() -> None:
    def malleated(raw: bytes) -> bytes:
        s = int.from_bytes(raw[32:], "little") + ED25519_ORDER
        return raw[:32] + s.to_bytes(32, "little")

    error = refused(issuer("EdDSA").verifier(), resigned(issuer("EdDSA").token(), malleated))
    assert error.reason == Reason.SIGNATURE_MISMATCH


def _raw_rsa(padded: bytes) -> bytes:
    private = cast("RSAPrivateKey", signing_key("RS256").private).private_numbers()
    n = private.public_numbers.n
    return pow(int.from_bytes(padded, "big"), private.d, n).to_bytes(256, "big")


def _pkcs1(digest_info: bytes, *, block: bytes = b"\0\1", fill: bytes = b"\xff") -> bytes:
    room = 256 - len(block) - 1 - len(digest_info)
    return block + fill * room + b"\0" + digest_info


@pytest.mark.parametrize(
    ("pad", "passes"),
    [
        pytest.param(lambda digest: _pkcs1(SHA256_INFO + digest), True, id="as-it-should-be"),
        pytest.param(
            lambda digest: _pkcs1(SHA256_INFO + digest, block=b"\0\2"), False, id="block-type-2"
        ),
        pytest.param(
            lambda digest: _pkcs1(SHA256_INFO + digest, fill=b"\xfe"), False, id="other-filling"
        ),
        pytest.param(
            lambda digest: _pkcs1(SHA256_INFO_WITHOUT_NULL + digest), False, id="without-null"
        ),
        pytest.param(_pkcs1, False, id="without-digest-info"),
        pytest.param(
            lambda digest: b"\0\1" + b"\xff" * 8 + b"\0" + (SHA256_INFO + digest).ljust(245, b"x"),
            False,
            id="bleichenbacher-2006-garbage",
        ),
    ],
)
def test_rsa_pkcs1_padding(pad: Callable[[bytes], bytes], passes: bool) -> None:  # noqa: FBT001 - a column of the table
    token = issuer("RS256").token()
    digest = hashlib.sha256(token.rpartition(".")[0].encode()).digest()
    changed = resigned(token, lambda _: _raw_rsa(pad(digest)))
    if passes:
        assert accepted(issuer("RS256").verifier(), changed).user_id == "alice"
    else:
        assert refused(issuer("RS256").verifier(), changed).reason == Reason.SIGNATURE_MISMATCH


@pytest.mark.parametrize(
    ("salt", "mask"),
    [
        pytest.param(0, hashes.SHA256(), id="no-salt"),
        pytest.param(20, hashes.SHA256(), id="short-salt"),
        pytest.param(64, hashes.SHA256(), id="long-salt"),
        pytest.param(32, hashes.SHA1(), id="mask-with-sha1"),  # noqa: S303 - the attack
    ],
)
def test_rsa_pss_padding(salt: int, mask: hashes.HashAlgorithm) -> None:
    private = cast("RSAPrivateKey", signing_key("PS256").private)
    token = issuer("PS256").token()
    message = token.rpartition(".")[0].encode()
    scheme = padding.PSS(padding.MGF1(mask), salt)
    changed = resigned(token, lambda _: private.sign(message, scheme, hashes.SHA256()))
    assert refused(issuer("PS256").verifier(), changed).reason == Reason.SIGNATURE_MISMATCH


def test_key_id_of_another_key() -> None:
    one, two = signing_key("EdDSA", "one"), signing_key("EdDSA", "two")
    verifier = key_set_verifier(one.public_jwk(), two.public_jwk())
    impostor = TokenIssuer(two, clock=lambda: NOW)
    assert accepted(verifier, impostor.token()).user_id == "alice"
    token = impostor.sign(impostor.claims(), one.header())
    assert refused(verifier, token).reason == Reason.SIGNATURE_MISMATCH


def test_key_id_of_a_key_of_another_algorithm() -> None:
    one, two = signing_key("EdDSA", "one"), signing_key("ES256", "two")
    verifier = key_set_verifier(one.public_jwk(), two.public_jwk())
    signer = TokenIssuer(two, clock=lambda: NOW)
    token = signer.sign(signer.claims(), {"alg": "ES256", "kid": "one"})
    assert refused(verifier, token).reason == Reason.KEY_UNKNOWN


def test_none_with_a_valid_mac() -> None:
    token = issuer("HS256").sign(issuer("HS256").claims(), {"alg": "none"})
    assert refused(issuer("HS256").verifier(), token).reason == Reason.ALGORITHM_REFUSED


@pytest.mark.parametrize("alg", ["hs256", "HS256 ", " HS256", "HS256\0", "Hs256"])
def test_algorithm_in_other_letters_with_a_valid_mac(alg: str) -> None:
    token = issuer("HS256").sign(issuer("HS256").claims(), {"alg": alg})
    assert refused(issuer("HS256").verifier(), token).reason == Reason.ALGORITHM_REFUSED


def test_another_secret() -> None:
    other = TokenIssuer(SharedSecretKey(), clock=lambda: NOW)
    assert refused(issuer("HS256").verifier(), other.token()).reason == Reason.SIGNATURE_MISMATCH
