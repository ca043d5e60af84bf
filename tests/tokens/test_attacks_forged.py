"""What someone without the key can make of a genuine token: none of it passes."""

from __future__ import annotations

import pytest

from betterguard.errors import InvalidToken
from betterguard.testing.forgery import Forgery, forgeries, public_key_texts
from betterguard.testing.tokens import SharedSecretKey, SigningKey, TokenIssuer
from betterguard.tokens import EitherKeys, SharedSecrets, StaticKeys, TokenVerifier
from tests.tokens.issuers import ALGORITHMS, ASYMMETRIC, NOW, accepted, issuer, refused, signing_key

SECRET = SharedSecretKey("a secret of the test, 32 bytes or more")


def _forged(alg: str) -> list[Forgery]:
    genuine = issuer(alg)
    keys = [signing_key(one).public_jwk() for one in ASYMMETRIC]
    return list(forgeries(genuine.token("alice"), {"keys": keys}))


FORGED = [
    pytest.param(alg, forgery, id=f"{alg}-{forgery.attack}")
    for alg in ALGORITHMS
    for forgery in _forged(alg)
]


def _refusal(verifier: TokenVerifier, forgery: Forgery) -> int:
    error = refused(verifier, forgery.token)
    assert isinstance(error, InvalidToken)
    return error.status


@pytest.mark.parametrize(("alg", "forgery"), FORGED)
def test_a_forgery_is_refused_by_its_own_kind_of_keys(alg: str, forgery: Forgery) -> None:
    assert _refusal(issuer(alg).verifier(), forgery) == 401


@pytest.mark.parametrize(
    ("alg", "forgery"), [row for row in FORGED if row.values[0] in ("EdDSA", "HS256")]
)
def test_a_forgery_is_refused_where_every_kind_of_key_is_taken(alg: str, forgery: Forgery) -> None:
    genuine = issuer(alg)
    remote = StaticKeys({"keys": [signing_key(one).public_jwk() for one in ASYMMETRIC[:3]]})
    keys = EitherKeys(remote, SharedSecrets([SECRET.secret]))
    verifier = TokenVerifier(keys, issuer=genuine.url, audience=genuine.url, clock=lambda: NOW)
    assert _refusal(verifier, forgery) == 401


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_genuine_token_passes(alg: str) -> None:
    assert accepted(issuer(alg).verifier(), issuer(alg).token("alice")).user_id == "alice"


def test_a_forgery_after_its_genuine_token_was_remembered_is_refused() -> None:
    genuine = issuer("EdDSA")
    verifier = genuine.verifier()
    token = genuine.token("alice")
    accepted(verifier, token)
    header, _, signature = token.split(".")
    other = genuine.token("bob").split(".")[1]
    assert refused(verifier, f"{header}.{other}.{signature}").status == 401


@pytest.mark.parametrize("alg", ASYMMETRIC)
def test_every_text_of_a_public_key_is_a_working_hmac_key_for_the_attack(alg: str) -> None:
    # Guards the guard: the forgeries above attack with texts, not with nothing.
    texts = public_key_texts(signing_key(alg).public_jwk())
    assert len(texts) >= 11
    assert all(texts.values())


def test_another_issuers_key_under_the_same_id_is_refused() -> None:
    impostor = TokenIssuer(SigningKey.generate("EdDSA", "test-key"), clock=lambda: NOW)
    assert refused(issuer("EdDSA").verifier(), impostor.token()).reason == "signature_mismatch"
