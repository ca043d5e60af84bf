"""Reading one key: what is fit is bound to one algorithm, what is not is refused alone."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from betterguard.testing.tokens import SigningKey, base64url
from betterguard.tokens.jwk import KeyRefused, PrivateKeyPublished, read
from tests.tokens.issuers import ASYMMETRIC, signing_key

ED = signing_key("EdDSA").public_jwk()
P256 = signing_key("ES256").public_jwk()
RSA = signing_key("RS256").public_jwk()
ZERO = base64url(bytes(32))
RSA_PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "oth")


def rsa_jwk(n: int, e: int = 65537) -> dict[str, Any]:
    def encoded(number: int) -> str:
        return base64url(number.to_bytes((number.bit_length() + 7) // 8 or 1, "big"))

    return {"kty": "RSA", "alg": "RS256", "kid": "r", "n": encoded(n), "e": encoded(e)}


def sound_modulus(bits: int) -> int:
    return rsa.generate_private_key(65537, bits).private_numbers().public_numbers.n


def roca_modulus() -> int:
    """A number with the mark of the broken generator: a power of 65537 modulo each small prime."""
    primes = [p for p in range(3, 168) if all(p % d for d in range(2, p))]
    product = 1
    for prime in primes:
        product *= prime
    number = pow(65537, 12345, product)
    return number + product * (2**2047 // product + 1)


@pytest.mark.parametrize("alg", ASYMMETRIC)
def test_sound_key(alg: str) -> None:
    key = read(signing_key(alg).public_jwk())
    assert (key.alg, key.kid) == (alg, "test-key")


@pytest.mark.parametrize("alg", ASYMMETRIC)
def test_key_checks_what_its_private_half_signed(alg: str) -> None:
    signature = signing_key(alg).sign(b"message")
    key = read(signing_key(alg).public_jwk())
    assert key.verify(b"message", signature)
    assert not key.verify(b"another", signature)


@pytest.mark.parametrize(
    ("jwk", "alg"),
    [
        pytest.param(ED, "EdDSA", id="ed25519"),
        pytest.param(P256, "ES256", id="p-256"),
        pytest.param(signing_key("ES512").public_jwk(), "ES512", id="p-521"),
        pytest.param(RSA, "RS256", id="rsa"),
    ],
)
def test_algorithm_follows_from_the_type_where_it_is_absent(jwk: dict[str, Any], alg: str) -> None:
    assert read({name: value for name, value in jwk.items() if name != "alg"}).alg == alg


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"use": "sig"}, id="use-sig"),
        pytest.param({"key_ops": ["verify"]}, id="key-ops-verify"),
        pytest.param({"x5t": "AAAA", "ext": True}, id="unknown-members"),
        pytest.param({"kid": "k" * 256}, id="longest-id"),
    ],
)
def test_sound_key_with_more_to_say(extra: dict[str, Any]) -> None:
    assert read({**ED, **extra}).alg == "EdDSA"


@pytest.mark.parametrize(
    ("jwk", "why"),
    [
        pytest.param(None, "not a JSON object", id="null"),
        pytest.param("key", "not a JSON object", id="text"),
        pytest.param([ED], "not a JSON object", id="list"),
        pytest.param({}, "no kind of key", id="empty"),
        pytest.param({**ED, "kty": ["OKP"]}, "no kind of key", id="kty-list"),
        pytest.param({**ED, "kty": "okp"}, "no kind of key", id="kty-lower-case"),
        pytest.param({**ED, "crv": "Ed448"}, "no kind of key", id="ed448"),
        pytest.param({**ED, "crv": "X25519"}, "no kind of key", id="x25519"),
        pytest.param({**ED, "crv": {}}, "no kind of key", id="crv-object"),
        pytest.param({**P256, "crv": "secp256k1"}, "no kind of key", id="secp256k1"),
        pytest.param({**P256, "crv": "P-384"}, "no kind of key", id="p-384"),
        pytest.param({**RSA, "crv": "P-256"}, "no kind of key", id="rsa-with-crv"),
        # Better Auth 1.3 to 1.6 after a change of keyPairConfig.alg.
        pytest.param({"alg": "ES256", "kty": "OKP"}, "no kind of key", id="alg-changed"),
        pytest.param({**ED, "alg": "ES256"}, "contradicts", id="alg-of-another-type"),
        pytest.param({**P256, "alg": "ES512"}, "contradicts", id="alg-of-another-curve"),
        pytest.param({**RSA, "alg": "RSA-OAEP"}, "contradicts", id="alg-of-encryption"),
        pytest.param({**RSA, "alg": "RS384"}, "contradicts", id="alg-not-used-here"),
        pytest.param({**RSA, "alg": "HS256"}, "contradicts", id="alg-of-secrets"),
        pytest.param({**ED, "alg": None}, "contradicts", id="alg-null"),
        pytest.param({**ED, "alg": ["EdDSA"]}, "contradicts", id="alg-list"),
        pytest.param({**ED, "use": "enc"}, "use is not sig", id="use-enc"),
        pytest.param({**ED, "use": None}, "use is not sig", id="use-null"),
        pytest.param({**ED, "key_ops": ["encrypt"]}, "lacks verify", id="key-ops-encrypt"),
        pytest.param({**ED, "key_ops": []}, "lacks verify", id="key-ops-empty"),
        pytest.param({**ED, "key_ops": "verify"}, "lacks verify", id="key-ops-text"),
        pytest.param({**ED, "kid": 1}, "kid is not a text", id="kid-number"),
        pytest.param({**ED, "kid": ""}, "kid is not a text", id="kid-empty"),
        pytest.param({**ED, "kid": "k" * 257}, "kid is not a text", id="kid-long"),
        pytest.param({**ED, "x": ...}, "x is not canonical", id="x-absent"),
        pytest.param({**ED, "x": 5}, "x is not canonical", id="x-number"),
        pytest.param({**ED, "x": 1234}, "x is not canonical", id="x-number-of-four-digits"),
        pytest.param({**ED, "x": ""}, "x is not canonical", id="x-empty"),
        pytest.param({**ED, "x": ED["x"] + "="}, "x is not canonical", id="x-padded"),
        pytest.param({**ED, "x": "\u00e9" * 43}, "x is not canonical", id="x-not-ascii"),
        pytest.param({**ED, "x": base64url(bytes(31))}, "no public key", id="x-short"),
        pytest.param({**ED, "x": base64url(bytes(33))}, "no public key", id="x-long"),
        pytest.param({**P256, "y": P256["x"]}, "no public key", id="point-off-the-curve"),
        pytest.param({**P256, "x": ZERO, "y": ZERO}, "no public key", id="point-at-infinity"),
        pytest.param({**P256, "x": base64url(bytes(33))}, "no public key", id="x-too-long"),
        pytest.param({**P256, "y": ...}, "y is not canonical", id="y-absent"),
        pytest.param(rsa_jwk(sound_modulus(1024)), "2048 to 8192 bits, not 1024", id="rsa-1024"),
        pytest.param(rsa_jwk(1 << 8192 | 1), "2048 to 8192 bits, not 8193", id="rsa-8193"),
        pytest.param(rsa_jwk(0), "2048 to 8192 bits, not 0", id="rsa-zero"),
        pytest.param(rsa_jwk(sound_modulus(2048), 1), "public exponent", id="rsa-e-1"),
        pytest.param(rsa_jwk(sound_modulus(2048), 65536), "public exponent", id="rsa-e-even"),
        pytest.param(rsa_jwk(sound_modulus(2048), 2**33 + 1), "public exponent", id="rsa-e-large"),
        pytest.param(rsa_jwk(roca_modulus()), "ROCA", id="rsa-roca"),
    ],
)
def test_refused_key(jwk: object, why: str) -> None:
    if isinstance(jwk, dict):
        jwk = {name: value for name, value in jwk.items() if value is not ...}
    with pytest.raises(KeyRefused, match=why):
        read(jwk)


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param({"kty": "oct", "k": "AAAA", "alg": "HS256"}, id="symmetric"),
        pytest.param({**ED, "d": "AAAA"}, id="private-ed25519"),
        *(pytest.param({**RSA, part: "AAAA"}, id=f"rsa-{part}") for part in RSA_PRIVATE_MEMBERS),
        pytest.param({**P256, "k": "AAAA"}, id="k-beside-a-public-key"),
    ],
)
def test_published_private_key(jwk: dict[str, Any]) -> None:
    with pytest.raises(PrivateKeyPublished) as caught:
        read(jwk)
    assert "AAAA" not in str(caught.value)


def test_refusal_quotes_no_more_than_a_little() -> None:
    with pytest.raises(KeyRefused) as caught:
        read({**ED, "alg": "x" * 10_000})
    assert len(str(caught.value)) < 250


def test_equal_keys_are_equal_and_different_ones_are_not() -> None:
    other = SigningKey.generate("EdDSA", ED["kid"]).public_jwk()
    assert read(ED) == read(dict(ED))
    assert len({read(ED), read(dict(ED)), read(other), read({**ED, "kid": "b"})}) == 3


def test_keys_differ_by_algorithm() -> None:
    assert read(RSA) != read({**RSA, "alg": "PS256"})


def test_a_library_that_raises_at_a_signature_is_a_refusal() -> None:
    key = read(P256)
    assert not key.verify(b"message", None)  # type: ignore[arg-type] # what no caller may pass


def test_repr_shows_no_material() -> None:
    assert "0x" not in repr(read(ED))
    assert set(repr(read(ED)).removeprefix("VerificationKey(").removesuffix(")").split(", ")) == {
        "alg='EdDSA'",
        "kid='test-key'",
    }


def test_keys_of_other_curves_are_not_what_better_auth_makes() -> None:
    key = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-384", "x": base64url(key.x.to_bytes(48, "big"))}
    with pytest.raises(KeyRefused):
        read(jwk)
