"""Which key may check which header, and what is no source of keys at all."""

from __future__ import annotations

import pytest

from betterguard.errors import ConfigurationError, InvalidToken, Reason
from betterguard.testing.tokens import SharedSecretKey, SigningKey
from betterguard.tokens import EitherKeys, SharedSecrets, StaticKeys
from betterguard.tokens.jwk import read
from betterguard.tokens.jws import Header
from betterguard.tokens.keys import read_key_set
from tests.tokens.issuers import accepted, finished, issuer, refused, signing_key

A = signing_key("EdDSA", "a").public_jwk()
B = signing_key("EdDSA", "b").public_jwk()
C = signing_key("ES256", "c").public_jwk()
A_WITHOUT_ID = signing_key("EdDSA", None).public_jwk()
OTHER_A = {**B, "kid": "a"}


def header(alg: str, kid: str | None) -> Header:
    return Header(alg, kid, None)


@pytest.mark.parametrize(
    ("keys", "asked", "expected"),
    [
        pytest.param([A, B], header("EdDSA", "b"), B, id="by-id"),
        pytest.param([A, C], header("ES256", "c"), C, id="by-id-and-algorithm"),
        pytest.param([A, C], header("ES256", "a"), None, id="id-of-another-algorithm"),
        pytest.param([A, B], header("EdDSA", "c"), None, id="unknown-id"),
        pytest.param([A], header("EdDSA", "b"), None, id="unknown-id-of-one-key"),
        pytest.param([A, C], header("EdDSA", None), A, id="no-id-and-one-key"),
        pytest.param([A_WITHOUT_ID, C], header("EdDSA", "x"), A_WITHOUT_ID, id="key-without-id"),
        pytest.param([A_WITHOUT_ID, B], header("EdDSA", "x"), None, id="key-without-id-of-two"),
        pytest.param([A_WITHOUT_ID], header("EdDSA", None), A_WITHOUT_ID, id="neither-has-an-id"),
        pytest.param([A_WITHOUT_ID, B], header("EdDSA", None), A_WITHOUT_ID, id="same-lack-of-id"),
        pytest.param([C], header("EdDSA", None), None, id="no-key-of-that-algorithm"),
        pytest.param([A_WITHOUT_ID, A], header("EdDSA", "a"), A, id="id-before-none"),
        pytest.param([], header("EdDSA", "a"), None, id="no-keys"),
    ],
)
def test_find(
    keys: list[dict[str, object]], asked: Header, expected: dict[str, object] | None
) -> None:
    assert read_key_set(keys).find(asked) == (None if expected is None else read(expected))


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        pytest.param([A, OTHER_A], header("EdDSA", "a"), id="two-under-one-id"),
        pytest.param([A, B], header("EdDSA", None), id="no-id-and-two-keys"),
    ],
)
def test_ambiguous(keys: list[dict[str, object]], asked: Header) -> None:
    with pytest.raises(InvalidToken) as caught:
        read_key_set(keys).find(asked)
    assert caught.value.reason == Reason.KEY_AMBIGUOUS


@pytest.mark.parametrize(
    ("jwks", "fault"),
    [
        pytest.param({}, "holds no keys", id="empty"),
        pytest.param({"keys": []}, "holds no keys", id="no-keys"),
        pytest.param({"keys": {"a": A}}, "holds no keys", id="keys-no-list"),
        pytest.param(
            {"keys": [A, {**B, "use": "enc"}]}, "key 1 of the static key set", id="one-bad"
        ),
        pytest.param({"keys": [{**A, "d": "AAAA"}]}, "private", id="private"),
        pytest.param({"keys": [A, OTHER_A]}, "different keys of one id", id="two-under-one-id"),
    ],
)
def test_static_keys_that_stop_the_start(jwks: dict[str, object], fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        StaticKeys(jwks)


def test_all_faults_of_static_keys_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        StaticKeys({"keys": [{}, {**A, "use": "enc"}]})
    assert len(caught.value.faults) == 2


def test_static_keys_that_repeat_a_key() -> None:
    assert StaticKeys({"keys": [A, dict(A)]}).algorithms == {"EdDSA"}


def test_static_keys_do_not_know_an_id() -> None:
    with pytest.raises(InvalidToken) as caught:
        finished(StaticKeys({"keys": [A]}).keys_for(header("EdDSA", "z")))
    assert caught.value.reason == Reason.KEY_UNKNOWN


@pytest.mark.parametrize(
    "secrets",
    [
        pytest.param([], id="none"),
        pytest.param([""], id="blank"),
        pytest.param(["short"], id="short"),
        pytest.param([SharedSecretKey().secret, "short"], id="one-of-two"),
        pytest.param(["better-auth-secret-12345678901234567890"], id="default"),
    ],
)
def test_shared_secrets_that_stop_the_start(secrets: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        SharedSecrets(secrets)


def test_one_secret_may_be_given_as_it_is() -> None:
    key = SharedSecretKey()
    genuine = issuer("HS256")
    verifier = genuine.verifier()
    verifier.keys = SharedSecrets(key.secret)
    assert refused(verifier, genuine.token()).reason == Reason.SIGNATURE_MISMATCH


def test_every_secret_of_a_rotation_counts() -> None:
    genuine = issuer("HS256")
    assert isinstance(genuine.key, SharedSecretKey)
    verifier = genuine.verifier()
    verifier.keys = SharedSecrets([SharedSecretKey().secret, genuine.key.secret])
    assert accepted(verifier, genuine.token()).user_id == "alice"


def test_either_keys_ask_the_source_of_the_algorithm() -> None:
    keys = EitherKeys(StaticKeys({"keys": [A]}), SharedSecrets(SharedSecretKey().secret))
    assert keys.algorithms == {"EdDSA", "HS256"}
    assert [key.alg for key in finished(keys.keys_for(header("HS256", None)))] == ["HS256"]
    assert [key.kid for key in finished(keys.keys_for(header("EdDSA", "a")))] == ["a"]


def test_either_keys_want_each_algorithm_once() -> None:
    with pytest.raises(ConfigurationError, match="exactly one source"):
        EitherKeys(StaticKeys({"keys": [A]}), StaticKeys({"keys": [B]}))


def test_either_keys_look_again_where_the_algorithm_belongs() -> None:
    keys = EitherKeys(StaticKeys({"keys": [A]}), SharedSecrets(SharedSecretKey().secret))
    assert finished(keys.keys_after_mismatch(header("EdDSA", "a"))) == ()
    assert keys.epoch() == 0


def test_repr_of_a_secrets_key_holds_nothing_of_it() -> None:
    secret = SharedSecretKey().secret
    (key,) = finished(SharedSecrets([secret]).keys_for(header("HS256", None)))
    assert repr(key) == "VerificationKey(alg='HS256', kid=None)"


def test_repr_of_a_signing_key_holds_nothing_of_it() -> None:
    assert repr(SigningKey("EdDSA", "a", b"private")) == "SigningKey(alg='EdDSA', kid='a')"
    assert repr(SharedSecretKey("hunter2")) == "SharedSecretKey()"
