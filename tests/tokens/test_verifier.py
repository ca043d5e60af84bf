"""The verifier as a whole: what its errors hold, and what they must not."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from betterguard.errors import AuthError, ConfigurationError, KeysUnavailable, Reason
from betterguard.testing.tokens import SharedSecretKey, TokenIssuer, base64url
from betterguard.tokens import RemoteKeySet, SharedSecrets, StaticKeys
from tests.tokens.issuers import ALGORITHMS, NOW, Clock, accepted, finished, issuer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from betterguard.tokens import TokenVerifier
    from betterguard.tokens.jwk import VerificationKey
    from betterguard.tokens.jws import Header

SECRET = SharedSecretKey("correct-horse-battery-staple-0123456789")
GENUINE = TokenIssuer(SECRET, clock=lambda: NOW)
REFUSED = [
    pytest.param(GENUINE.token("alice", exp=NOW - 60), id="expired"),
    pytest.param(GENUINE.token("alice", aud="x"), id="audience"),
    pytest.param(GENUINE.token("alice", sub=5), id="malformed-claim"),
    pytest.param(GENUINE.token() + "A", id="base64url"),
    pytest.param(GENUINE.token()[:-4] + "AAAA", id="signature"),
    pytest.param(GENUINE.sign(b"no json, but secret"), id="json"),
    pytest.param(GENUINE.sign(b'{"a":"\xff"}'), id="utf-8"),
    pytest.param(GENUINE.sign(GENUINE.claims(), {"alg": "none"}), id="algorithm"),
    pytest.param(GENUINE.sign(GENUINE.claims(), b"\xff\xfe"), id="header"),
    pytest.param("\u00e9." + GENUINE.token(), id="ascii"),
    pytest.param("x" * 20_000, id="oversize"),
]


def frames_of(error: BaseException) -> list[dict[str, Any]]:
    """Give the locals of the package's frames that the error's traceback holds."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return [
        dict(frame.f_locals)
        for frame in frames
        if frame.f_globals["__name__"].startswith("betterguard.")
    ]


async def escaped(verifier: TokenVerifier, token: str) -> AuthError:
    try:
        await verifier.verify(token)
    except AuthError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("token", REFUSED)
def test_no_frame_of_a_refusal_holds_the_token(token: str) -> None:
    error = finished(escaped(GENUINE.verifier(), token))
    frames = frames_of(error)
    assert frames
    held = [value for frame in frames for value in frame.values()]
    assert token not in held
    assert token[:40] not in repr(held)


@pytest.mark.parametrize("token", REFUSED)
def test_nothing_is_chained_to_a_refusal(token: str) -> None:
    error = finished(escaped(GENUINE.verifier(), token))
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize("token", REFUSED)
def test_text_of_a_refusal_holds_no_part_of_the_token(token: str) -> None:
    error = finished(escaped(GENUINE.verifier(), token))
    text = f"{error} {error!r} {error.hint} {error.reason}"
    assert not any(part[:24] in text for part in token.split(".") if len(part) >= 24)


@pytest.mark.parametrize("token", REFUSED)
def test_a_refusal_logs_nothing_by_itself(token: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        finished(escaped(GENUINE.verifier(), token))
    assert not caplog.records


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(lambda: SharedSecrets([SECRET.secret, "hunter2"]), id="secrets"),
        pytest.param(lambda: SharedSecrets("hunter2"), id="one-secret"),
        pytest.param(
            lambda: StaticKeys({"keys": [{"kty": "oct", "k": base64url(b"hunter2")}]}), id="static"
        ),
    ],
)
def test_no_frame_of_a_failed_start_holds_a_secret(start: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        start()
    frames = [frame for frame in frames_of(caught.value) if "self" in frame]
    assert frames
    shown = repr(frames)
    assert not any(text in shown for text in ("hunter2", base64url(b"hunter2"), SECRET.secret))


def test_repr_of_a_verifier_and_its_parts_holds_no_secret() -> None:
    verifier = GENUINE.verifier()
    accepted(verifier, GENUINE.token())
    parts = [verifier, verifier.keys, vars(verifier), vars(verifier.keys), verifier.rules]
    assert SECRET.secret not in repr(parts)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_every_algorithm(alg: str) -> None:
    assert accepted(issuer(alg).verifier(), issuer(alg).token("bob")).user_id == "bob"


def test_the_clock_is_read_again_after_waiting_for_a_key() -> None:
    clock = Clock()

    class SlowKeys(SharedSecrets):
        def keys_at_hand(self, header: Header) -> Sequence[VerificationKey]:  # noqa: ARG002 - the protocol's shape
            return ()

        async def keys_for(self, header: Header) -> Sequence[VerificationKey]:
            clock.now += 1000
            return super().keys_at_hand(header)

    verifier = GENUINE.verifier(clock=clock)
    verifier.keys = SlowKeys([SECRET.secret])
    assert finished(escaped(verifier, GENUINE.token())).reason == Reason.EXPIRED


def test_a_key_of_another_algorithm_is_not_even_tried() -> None:
    class CarelessKeys(SharedSecrets):
        algorithms = frozenset({"HS256", "EdDSA"})

    verifier = GENUINE.verifier()
    verifier.keys = CarelessKeys([SECRET.secret])
    token = GENUINE.sign(GENUINE.claims(), {"alg": "EdDSA"})
    assert finished(escaped(verifier, token)).reason == Reason.SIGNATURE_MISMATCH


@pytest.mark.anyio
async def test_keys_that_cannot_be_had_are_503() -> None:
    url = GENUINE.url
    keys = RemoteKeySet("http://127.0.0.1:9/jwks", deadline=0.5)
    verifier = issuer().verifier(issuer=url, audience=url)
    verifier.keys = keys
    assert isinstance(await escaped(verifier, issuer().token()), KeysUnavailable)
