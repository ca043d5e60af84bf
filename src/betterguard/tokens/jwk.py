"""One JSON Web Key, read strictly: a public key bound to exactly one algorithm, or refused.

RFC 7517 and 7518 let a key say little about itself, and Better Auth 1.3 to 1.6 may publish a
wrong ``alg`` after a change of algorithm; so the type is taken from ``kty`` and ``crv``, and a
key that contradicts itself is refused, alone, without its neighbours.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from betterguard.errors import InvalidToken
from betterguard.tokens import ed25519
from betterguard.tokens.jws import MAX_KEY_ID_LENGTH, decode_base64url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ASYMMETRIC_ALGORITHMS", "KeyRefused", "PrivateKeyPublished", "VerificationKey", "read"]

ASYMMETRIC_ALGORITHMS = frozenset({"EdDSA", "ES256", "ES512", "PS256", "RS256"})
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
MAX_RSA_EXPONENT_BITS = 33

# (kty, crv) → the algorithms that such a key may be bound to, the first where it names none.
_ALGORITHMS = {
    ("OKP", "Ed25519"): ("EdDSA",),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-521"): ("ES512",),
    ("RSA", None): ("RS256", "PS256"),
}
_PUBLIC_MEMBERS = {"OKP": ("x",), "EC": ("x", "y"), "RSA": ("e", "n")}
# Of RSA, EC and OKP keys (RFC 7518 §6), and `k`, which is all of a symmetric one.
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_READERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "OKP": OKPAlgorithm.from_jwk,
    "EC": ECAlgorithm.from_jwk,
    "RSA": RSAAlgorithm.from_jwk,
}
# CVE-2017-15361 (ROCA): a modulus of that generator is a power of 65537 modulo every small
# prime, which a sound one is for all of these with a chance below 2**-27.
_ROCA_PRIMES = (
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
)  # fmt: skip
_ROCA_RESIDUES = {
    prime: frozenset(pow(65537, power, prime) for power in range(prime)) for prime in _ROCA_PRIMES
}


class KeyRefused(Exception):
    """A key of a set is not used; the message says why and holds no key material."""


class PrivateKeyPublished(KeyRefused):
    """A published key holds private or symmetric material: whoever runs the server must know."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key that checks signatures of exactly one algorithm.

    Equal keys have the same id, algorithm and thumbprint (RFC 7638).
    """

    alg: str
    kid: str | None
    thumbprint: str = field(repr=False)
    _check: Callable[[bytes, bytes], bool] = field(repr=False, compare=False)

    def verify(self, signing_input: bytes, signature: bytes) -> bool:
        """Tell whether the signature is this key's over these bytes; never raises."""
        try:
            return self._check(signing_input, signature)
        except Exception:  # noqa: BLE001 - a library's surprise at hostile input is a refusal
            return False


def read(jwk: object) -> VerificationKey:
    """Read one public key, or raise `KeyRefused`."""
    if not isinstance(jwk, dict):
        msg = "it is not a JSON object"
        raise KeyRefused(msg)
    _refuse_private(jwk)
    alg = _bound_algorithm(jwk)
    _check_purpose(jwk)
    members = _public_members(jwk)
    if jwk["kty"] == "RSA":
        _check_rsa(_number(members["n"]), _number(members["e"]))
    if jwk["kty"] == "OKP" and ed25519.has_small_order(members["x"]):
        msg = "x is a point of small order, under which anybody can make signatures that fit"
        raise KeyRefused(msg)
    return VerificationKey(
        alg=alg,
        kid=_key_id(jwk),
        thumbprint=_thumbprint(jwk["kty"], jwk.get("crv"), members),
        _check=_signature_check(alg, jwk, members),
    )


def _refuse_private(jwk: Mapping[str, object]) -> None:
    if not _PRIVATE_MEMBERS.isdisjoint(jwk):
        msg = "it holds private or symmetric key material, which must never be published"
        raise PrivateKeyPublished(msg)


def _bound_algorithm(jwk: Mapping[str, object]) -> str:
    kind = (jwk.get("kty"), jwk.get("crv"))
    allowed = _ALGORITHMS.get(kind) if all(isinstance(part, str | None) for part in kind) else None  # type: ignore[arg-type]
    if allowed is None:
        msg = f"kty and crv name no kind of key that is used here: {_shown(kind)}"
        raise KeyRefused(msg)
    alg = jwk.get("alg", allowed[0])
    if alg not in allowed:
        msg = f"alg {_shown(alg)} contradicts kty and crv {_shown(kind)}"
        raise KeyRefused(msg)
    return str(alg)


def _check_purpose(jwk: Mapping[str, object]) -> None:
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig":
        msg = "use is not sig"
        raise KeyRefused(msg)
    if not isinstance(operations, list | tuple) or "verify" not in operations:
        msg = "key_ops lacks verify"
        raise KeyRefused(msg)


def _key_id(jwk: Mapping[str, object]) -> str | None:
    kid = jwk.get("kid")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= MAX_KEY_ID_LENGTH):
        msg = f"kid is not a text of 1 to {MAX_KEY_ID_LENGTH} characters"
        raise KeyRefused(msg)
    return kid


def _public_members(jwk: Mapping[str, object]) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    for name in _PUBLIC_MEMBERS[str(jwk["kty"])]:
        text = jwk.get(name)
        try:
            members[name] = decode_base64url(str(text).encode("ascii"))
        except (InvalidToken, UnicodeEncodeError):
            text = None
        if not isinstance(text, str) or not members[name]:
            msg = f"{name} is not canonical base64url"
            raise KeyRefused(msg)
    return members


def _check_rsa(modulus: int, exponent: int) -> None:
    if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS:
        msg = f"RSA keys have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, not {modulus.bit_length()}"
        raise KeyRefused(msg)
    if exponent < 3 or exponent % 2 == 0 or exponent.bit_length() > MAX_RSA_EXPONENT_BITS:  # noqa: PLR2004 - the smallest odd exponent over 1
        msg = "the RSA public exponent is not an odd number from 3 to 33 bits"
        raise KeyRefused(msg)
    if all(modulus % prime in residues for prime, residues in _ROCA_RESIDUES.items()):
        msg = "the RSA key is of the broken generator of CVE-2017-15361 (ROCA)"
        raise KeyRefused(msg)


def _signature_check(
    alg: str, jwk: Mapping[str, Any], members: Mapping[str, bytes]
) -> Callable[[bytes, bytes], bool]:
    algorithm = jwt.get_algorithm_by_name(alg)
    key = _material({name: jwk[name] for name in (*members, "kty", "crv") if name in jwk})
    if alg == "EdDSA" and ed25519.HAS_LIBSODIUM:
        return ed25519.by_libsodium(members["x"])
    if jwk["kty"] == "RSA":
        # RFC 8017 §8.1.2, step 1. OpenSSL looks at the length of RS256's alone.
        size = (_number(members["n"]).bit_length() + 7) // 8
        return lambda signing_input, signature: (
            len(signature) == size and algorithm.verify(signing_input, key, signature)
        )
    return lambda signing_input, signature: algorithm.verify(signing_input, key, signature)


def _material(members: dict[str, Any]) -> object:
    try:
        return _READERS[members["kty"]](members)
    except (jwt.InvalidKeyError, ValueError, TypeError, UnsupportedAlgorithm) as err:
        msg = "its numbers are no public key of that kind"
        raise KeyRefused(msg) from err


def _thumbprint(kty: str, crv: str | None, members: Mapping[str, bytes]) -> str:
    required = {"kty": kty, **{name: value.hex() for name, value in members.items()}}
    if crv is not None:
        required["crv"] = crv
    return hashlib.sha256(json.dumps(required, sort_keys=True).encode()).hexdigest()


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _shown(value: object) -> str:
    return repr(value)[:80]
