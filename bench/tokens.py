"""What verifying a token costs, beside PyJWT, joserfc and the bare signature check: one run.

`python -m bench tokens`. Microseconds of processor time a token, so that programs beside this
one count little. In each round every candidate takes its turn, so that a busy moment of the
machine meets them all; shown is the round below which a tenth of them lie. A turn is long enough
that its first calls, which find the processor's caches full of the one before, weigh nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import statistics
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

import jwt
from joserfc import jwt as jose_jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from betterguard.errors import AuthError
from betterguard.testing import key_set_server
from betterguard.testing.key_set_server import KeySetServer
from betterguard.testing.tokens import SharedSecretKey, SigningKey, TokenIssuer, base64url
from betterguard.tokens import RemoteKeySet, TokenMemory, TokenVerifier, ed25519
from betterguard.tokens.jws import MAX_TOKEN_BYTES, parse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from betterguard.tokens import KeySource

ALGORITHMS = ("HS256", "EdDSA", "RS256", "ES256")
ROUNDS = 40
CALLS = 500
TOKENS = 16
FETCHES = 3
VALID, VALID_LARGE = "valid and cold", "16 kB, valid and cold"
FORGED_LARGE = "16 kB of payload, wrong signature"
HIT = "betterguard, remembered"
COLD = "betterguard, cold"
COLD_BY_OPENSSL = "betterguard, cold, without PyNaCl"
RAW = "raw signature check alone"
PYJWT = "PyJWT decode, key prepared"
PAYLOAD = {
    "emailVerified": True,
    "image": None,
    "createdAt": "2026-01-01T00:00:00.000Z",
    "updatedAt": "2026-01-01T00:00:00.000Z",
}
JOSE_KEYS: dict[str, Any] = {"EdDSA": OKPKey, "RS256": RSAKey, "ES256": ECKey}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to treat a token, asynchronous like a route's dependency."""

    name: str
    run: Callable[[str], Awaitable[object]]


def main() -> None:
    """Print both tables."""
    warnings.simplefilter("ignore")  # joserfc's, that EdDSA has a newer name
    asyncio.run(_main())


async def _main() -> None:
    print("Valid tokens (us each; the ratio is to PyJWT's decode)")
    table = {alg: await _valid(alg) for alg in ALGORITHMS}
    print(f"{'':34}" + "".join(f"{alg:>16}" for alg in ALGORITHMS))
    for name in next(iter(table.values())):
        cells = [(row[name], row[name] / row[PYJWT]) for row in table.values()]
        print(f"{name:34}" + "".join(f"{cost:9.2f} {ratio:5.3f}x" for cost, ratio in cells))
    print("\nJunk at a guard with a remote key set, and at one with a shared secret (us each)")
    junk = {alg: await _junk(alg) for alg in ("EdDSA", "HS256")}
    print(f"{'':46}" + "".join(f"{alg:>9}" for alg in junk))
    for name in junk["EdDSA"]:
        print(f"{name:46}" + "".join(f"{row[name]:9.2f}" for row in junk.values()))
    _print_aims(table, junk)


def _print_aims(table: dict[str, dict[str, float]], junk: dict[str, dict[str, float]]) -> None:
    hmac, ed = table["HS256"], table["EdDSA"]
    dearest = max(
        cost / row[VALID_LARGE if name == FORGED_LARGE else VALID]
        for row in junk.values()
        for name, cost in row.items()
        if name not in {VALID, VALID_LARGE}
    )
    print("\nAims")
    for what, figure, aim in (
        ("remembered, the dearest of the four (us)", max(row[HIT] for row in table.values()), 1.5),
        ("cold HS256 to PyJWT's decode", hmac[COLD] / hmac[PYJWT], 0.25),
        ("cold EdDSA to the raw check", ed[COLD] / ed[RAW], 1.2),
        ("cold EdDSA to the raw check, without PyNaCl", ed[COLD_BY_OPENSSL] / ed[RAW], 1.2),
        ("the dearest junk to a valid token of its size", dearest, 1.0),
    ):
        print(f"{what:46}{figure:9.2f}   aim: at most {aim}")


async def _valid(alg: str) -> dict[str, float]:
    issuer = _issuer(alg)
    tokens = [issuer.token("a" * 32, session=number, **PAYLOAD) for number in range(TOKENS)]
    remembering = issuer.verifier()
    # Holds one token while others come by: always cold, with the cost of remembering.
    forgetful = issuer.verifier(memory=TokenMemory(1))
    with mock.patch.object(ed25519, "HAS_LIBSODIUM", new=False):
        by_openssl = issuer.verifier(memory=TokenMemory(1))
    known = {token: time.time() + 900 for token in tokens}
    return await _measure(
        [
            Candidate("dictionary hit by token and exp", _dictionary(known)),
            Candidate(HIT, remembering.verify),
            Candidate(RAW, _raw(alg, issuer)),
            Candidate(COLD, forgetful.verify),
            Candidate(COLD_BY_OPENSSL, by_openssl.verify),
            Candidate(PYJWT, _pyjwt(alg, issuer)),
            Candidate("PyJWT header and decode", _pyjwt(alg, issuer, header=True)),
            Candidate("joserfc decode and validate", _joserfc(alg, issuer)),
        ],
        tokens,
    )


async def _junk(alg: str) -> dict[str, float]:
    issuer = _issuer(alg)
    if isinstance(issuer.key, SharedSecretKey):
        return await _junk_costs(issuer, issuer.key.source())
    async with KeySetServer(key_set_server.key_set(issuer.key.public_jwk())) as server:
        keys = RemoteKeySet(server.url)
        costs = await _junk_costs(issuer, keys)
        await keys.aclose()
        # The first, one for all the unknown key ids, and one for all the wrong signatures.
        assert server.requests == FETCHES, server.requests
    return costs


async def _junk_costs(issuer: TokenIssuer, keys: KeySource) -> dict[str, float]:
    url = issuer.url
    run = _refused(TokenVerifier(keys, issuer=url, audience=url, memory=TokenMemory(1)))
    costs = {}
    for name, tokens in _junk_tokens(issuer).items():
        costs.update(await _measure([Candidate(name, run)], tokens))
    return costs


def _junk_tokens(issuer: TokenIssuer) -> dict[str, list[str]]:
    token = issuer.token("a" * 32)
    header, payload, signature = token.split(".")
    full = MAX_TOKEN_BYTES - 200
    large = issuer.token("a" * 32, text="x" * (full * 3 // 4 - 500))
    large_header, large_payload, _ = large.split(".")
    numbers = range(ROUNDS * CALLS)
    claims = issuer.claims("a" * 32, **PAYLOAD)
    # None of either guard's keys: an id that is not published, an algorithm that is not there.
    strange = issuer.sign(claims, {"alg": "EdDSA", "kid": "random"}).split(".")[0]
    return {
        VALID: [issuer.token("a" * 32, session=n, **PAYLOAD) for n in range(TOKENS)],
        "unknown key id, each another": [
            issuer.sign(claims, {"alg": "EdDSA", "kid": f"random-{n}"}) for n in numbers
        ],
        "wrong algorithm": [issuer.sign(claims, {"alg": "none"})],
        "wrong structure: a session token": ["Zq" * 16],
        "wrong structure: base64url of the header": ["=" + token],
        "wrong signature": [f"{header}.{payload}.{base64url(bytes(len(signature) * 3 // 4))}"],
        "16 kB of one letter": ["a" * full],
        "16 kB of dots": ["." * full],
        "over 16 kB": ["a" * (MAX_TOKEN_BYTES + 1)],
        "16 kB of header": ["a" * full + ".a.a"],
        "16 kB of signature": [f"{header}.{payload}.{'a' * (full - 1000)}"],
        "16 kB of payload, unknown key": [f"{strange}.{large_payload}.{signature}"],
        VALID_LARGE: [large, issuer.token("b" * 32, text="x" * (full * 3 // 4 - 500))],
        FORGED_LARGE: [f"{large_header}.{large_payload}.{signature}"],
    }


async def _measure(candidates: Iterable[Candidate], tokens: list[str]) -> dict[str, float]:
    costs: dict[str, list[float]] = {candidate.name: [] for candidate in candidates}
    for number in range(ROUNDS):
        batch = [tokens[(number * CALLS + call) % len(tokens)] for call in range(CALLS)]
        for candidate in candidates:
            run = candidate.run
            began = time.thread_time_ns()
            for token in batch:
                await run(token)
            costs[candidate.name].append((time.thread_time_ns() - began) / 1000 / CALLS)
    return {name: statistics.quantiles(each[1:], n=10)[0] for name, each in costs.items()}


def _issuer(alg: str) -> TokenIssuer:
    return TokenIssuer(SharedSecretKey() if alg == "HS256" else SigningKey.generate(alg))


def _dictionary(known: dict[str, float]) -> Callable[[str], Awaitable[object]]:
    async def run(token: str) -> object:
        return time.time() < known[token]

    return run


def _refused(verifier: TokenVerifier) -> Callable[[str], Awaitable[object]]:
    async def run(token: str) -> object:
        try:
            return await verifier.verify(token)
        except AuthError as error:
            return error.status

    return run


def _raw(alg: str, issuer: TokenIssuer) -> Callable[[str], Awaitable[object]]:
    """Check a signature with its parts prepared: by `cryptography`, or hmac for HS256."""
    prepared: dict[str, tuple[bytes, bytes]] = {}
    check = _raw_check(alg, issuer)

    async def run(token: str) -> object:
        if token not in prepared:
            jws = parse(token)
            prepared[token] = (jws.signing_input, jws.signature)
        return check(*prepared[token])

    return run


def _raw_check(alg: str, issuer: TokenIssuer) -> Callable[[bytes, bytes], object]:
    key = issuer.key
    if isinstance(key, SharedSecretKey):
        secret = key.secret.encode()
        return lambda message, mac: hmac.compare_digest(
            mac, hmac.digest(secret, message, hashlib.sha256)
        )
    public = key.private.public_key()
    algorithm = jwt.get_algorithm_by_name(alg)
    if alg == "EdDSA":
        return lambda message, signature: public.verify(signature, message)
    return lambda message, signature: algorithm.verify(message, public, signature)


def _pyjwt(
    alg: str, issuer: TokenIssuer, *, header: bool = False
) -> Callable[[str], Awaitable[object]]:
    key = issuer.key
    prepared = key.secret if isinstance(key, SharedSecretKey) else key.private.public_key()

    async def run(token: str) -> object:
        if header:
            jwt.get_unverified_header(token)
        return jwt.decode(token, prepared, [alg], issuer=issuer.url, audience=issuer.url)

    return run


def _joserfc(alg: str, issuer: TokenIssuer) -> Callable[[str], Awaitable[object]]:
    key = issuer.key
    prepared = (
        OctKey.import_key(key.secret)
        if isinstance(key, SharedSecretKey)
        else JOSE_KEYS[alg].import_key(key.public_jwk())
    )
    registry = jose_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer.url}, aud={"essential": True, "value": issuer.url}
    )

    async def run(token: str) -> object:
        decoded = jose_jwt.decode(token, prepared, algorithms=[alg])
        registry.validate(decoded.claims)
        return decoded

    return run
