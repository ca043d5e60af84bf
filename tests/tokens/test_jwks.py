"""The key set client against real servers on loopback, good and bad; time is a parameter."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, NoReturn

import anyio.to_thread
import pytest

from betterguard.errors import AuthError, ConfigurationError, InvalidToken, KeysUnavailable, Reason
from betterguard.testing import key_set_server as serve
from betterguard.testing.key_set_server import KeySetServer
from betterguard.testing.tokens import SigningKey, TokenIssuer
from betterguard.tokens import RemoteKeySet, TokenVerifier, jwks
from betterguard.tokens.fetching import MAX_BODY_BYTES, MAX_KEYS, FetchFailed
from betterguard.tokens.jws import Header
from tests.tokens.issuers import NOW, Clock, issuer, signing_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from betterguard.testing.key_set_server import Answer

pytestmark = pytest.mark.anyio

LONG = 120.0  # seconds; only ever reached when something is broken
KEY = signing_key("EdDSA")
OTHER = signing_key("EdDSA", "other")
JWK = KEY.public_jwk()
GENUINE = issuer("EdDSA")
LATER = TokenIssuer(OTHER, clock=lambda: NOW)


class Client:
    """A remote key set with its server, its clock and a verifier on top."""

    def __init__(self, server: KeySetServer, deadline: float = LONG) -> None:
        self.server = server
        self.clock = Clock(1000.0)
        self.keys = RemoteKeySet(server.url, clock=self.clock, deadline=deadline)
        url = GENUINE.url
        self.verifier = TokenVerifier(self.keys, issuer=url, audience=url, clock=lambda: NOW)

    async def accept(self, token: str) -> None:
        assert (await self.verifier.verify(token)).user_id == "alice"

    async def refuse(self, token: str) -> AuthError:
        with pytest.raises(AuthError) as caught:
            await self.verifier.verify(token)
        return caught.value

    async def settle(self) -> None:
        """Let a fetch in the background end."""
        await asyncio.wait([self.keys.begin_refresh()])


@pytest.fixture
async def server() -> AsyncIterator[KeySetServer]:
    async with KeySetServer(serve.key_set(JWK)) as running:
        yield running


@pytest.fixture
async def client(server: KeySetServer) -> AsyncIterator[Client]:
    made = Client(server)
    yield made
    await made.keys.aclose()


# What comes instead of a key set: 503 with a time to come back, never 401 and never a pass.


def _set(**members: object) -> bytes:
    return json.dumps({"keys": [JWK], **members}).encode()


PRIVATE = {**JWK, "d": "AAAA"}
OCT = {"kty": "oct", "k": "AAAA", "alg": "HS256", "kid": KEY.kid}
BAD_ANSWERS: list[tuple[str, Answer]] = [
    ("zero-keys", serve.key_set()),
    ("only-a-private-key", serve.key_set(PRIVATE)),
    ("only-a-symmetric-key", serve.key_set(OCT)),
    ("only-a-bad-key", serve.key_set({**JWK, "x": "AAAA"})),
    ("too-many-keys", serve.key_set(*[{**JWK, "kid": str(n)} for n in range(MAX_KEYS + 1)])),
    ("html", serve.answer(b"<!doctype html><title>Sign in</title>")),
    ("empty", serve.answer(b"")),
    ("array", serve.answer(json.dumps([JWK]).encode())),
    ("no-keys-member", serve.answer(b'{"jwks":[]}')),
    ("keys-no-list", serve.answer(json.dumps({"keys": {"a": JWK}}).encode())),
    ("duplicate-member", serve.answer(_set()[:-1] + b',"keys":[]}')),
    ("byte-order-mark", serve.answer(b"\xef\xbb\xbf" + _set())),
    ("utf-16", serve.answer(_set().decode().encode("utf-16"))),
    ("deep", serve.answer(b'{"keys":' + b"[" * 60_000 + b"]" * 60_000 + b"}")),
    ("status-404", serve.answer(_set(), status=404)),
    ("status-500", serve.answer(_set(), status=500)),
    ("status-206", serve.answer(_set(), status=206)),
    ("status-429", serve.answer(_set(), status=429)),
    ("just-too-large", serve.answer(_set(x="x" * MAX_BODY_BYTES))),
    ("60-mb", serve.oversized(60_000_000)),
    ("gzip", serve.gzip_bomb(gzip.compress(_set()))),
    ("gzip-bomb", serve.gzip_bomb(gzip.compress(_set(x="x" * 50_000_000)))),
    ("broken-off", serve.broken_off),
]


@pytest.mark.parametrize("answer", [pytest.param(answer, id=name) for name, answer in BAD_ANSWERS])
async def test_bad_answer_is_503(client: Client, answer: Answer) -> None:
    client.server.answer = answer
    error = await client.refuse(GENUINE.token())
    assert isinstance(error, KeysUnavailable)
    assert (error.status, error.reason, error.retry_after) == (503, Reason.KEY_SET_UNREACHABLE, 1)


@pytest.mark.parametrize("answer", [pytest.param(answer, id=name) for name, answer in BAD_ANSWERS])
async def test_bad_answer_leaves_the_last_good_set_in_place(client: Client, answer: Answer) -> None:
    await client.accept(GENUINE.token("alice", x=1))
    client.server.answer = answer
    client.clock.now += 600
    await client.settle()
    assert client.keys.state().last_error
    await client.accept(GENUINE.token("alice", x=2))


@pytest.mark.parametrize("answer", [pytest.param(answer, id=name) for name, answer in BAD_ANSWERS])
async def test_bad_answer_is_expected(
    client: Client, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    client.server.answer = answer
    await client.settle()
    assert [record for record in caplog.records if record.exc_info] == []


async def test_compressed_answer_is_named(client: Client) -> None:
    client.server.answer = serve.gzip_bomb(gzip.compress(_set()))
    await client.settle()
    assert "compressed" in str(client.keys.state().last_error)


async def test_redirect_is_not_followed(client: Client) -> None:
    async with KeySetServer(serve.key_set(JWK)) as elsewhere:
        client.server.answer = serve.redirect(elsewhere.url)
        assert (await client.refuse(GENUINE.token())).status == 503
        assert elsewhere.requests == 0


@pytest.mark.parametrize(
    "answer", [pytest.param(serve.hang, id="hang"), pytest.param(serve.trickle(0.05), id="trickle")]
)
async def test_deadline_holds_for_the_whole(server: KeySetServer, answer: Answer) -> None:
    server.answer = answer
    client = Client(server, deadline=0.3)
    error = await client.refuse(GENUINE.token())
    assert error.status == 503
    while "ConnectTimeout" in str(client.keys.state().last_error):  # too slow for that: once more
        await client.settle()
    assert "no complete answer within 0.3 s" in str(client.keys.state().last_error)


async def test_deadline_holds_for_the_look_up_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def look_up(*_: object, **__: object) -> NoReturn:
        over.wait(LONG)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    keys = RemoteKeySet("https://auth.example/jwks", deadline=0.3)
    try:
        await asyncio.wait_for(asyncio.shield(keys.begin_refresh()), LONG / 2)
    finally:
        over.set()
    assert keys.state().last_error is not None


async def test_deadline_holds_for_the_tls_handshake(server: KeySetServer) -> None:
    keys = RemoteKeySet(server.url.replace("http:", "https:"), deadline=0.3)
    await asyncio.wait([keys.begin_refresh()])
    assert keys.state().last_error


async def test_nothing_listens() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{held.getsockname()[1]}/jwks"
        keys = RemoteKeySet(address, deadline=LONG)
        await asyncio.wait([keys.begin_refresh()])
    assert "ConnectError" in str(keys.state().last_error)


async def test_a_surprise_in_a_fetch_is_a_failure_like_others(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = 0

    async def surprise(*_: object, **__: object) -> NoReturn:
        nonlocal asked
        asked += 1
        raise RecursionError

    monkeypatch.setattr(jwks, "fetch_key_set", surprise)
    for _ in range(3):
        assert (await client.refuse(GENUINE.token())).status == 503
    assert asked == 1
    assert client.keys.state().last_error == "RecursionError"
    assert any(record.exc_info for record in caplog.records)


async def test_a_day_of_failures_is_no_surprise(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> NoReturn:
        msg = "away"
        raise FetchFailed(msg)

    monkeypatch.setattr(jwks, "fetch_key_set", fail)
    for _ in range(1_100):
        await client.settle()
    state = client.keys.state()
    assert (state.last_error, state.next_try) == ("away", 5.0)
    assert not any(record.exc_info for record in caplog.records)


async def test_routes_that_took_all_threads_do_not_hold_a_fetch_up(client: Client) -> None:
    threads = anyio.to_thread.current_default_thread_limiter()
    taken = [object() for _ in range(int(threads.total_tokens))]
    for route in taken:
        threads.acquire_on_behalf_of_nowait(route)
    try:
        async with asyncio.timeout(LONG / 2):
            await client.accept(GENUINE.token())
    finally:
        for route in taken:
            threads.release_on_behalf_of(route)


async def test_a_busy_event_loop_does_not_hold_a_fetch_up() -> None:
    done = threading.Event()

    def serve_one(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            body = _set()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            if connection.recv(1) == b"":  # the client has read all, and hung up
                done.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve_one, args=(listener,), daemon=True).start()
        keys = RemoteKeySet(f"http://127.0.0.1:{listener.getsockname()[1]}/jwks", deadline=50.0)
        fetch = keys.begin_refresh()
        for _ in range(10):
            await asyncio.sleep(0)
        assert done.wait(60)  # this loop does nothing meanwhile
        await asyncio.wait([fetch])
    assert keys.state().usable


async def test_closing_does_not_wait_for_a_server_that_hangs(server: KeySetServer) -> None:
    server.answer = serve.hang
    client = Client(server, deadline=30.0)
    fetch = client.keys.begin_refresh()
    await server.requested(1)
    await client.keys.aclose()
    assert fetch.cancelled()


async def test_any_content_type_is_taken(client: Client) -> None:
    client.server.answer = serve.answer(_set(), headers={"Content-Type": "text/plain"})
    await client.accept(GENUINE.token())


# Keys of a set.


@pytest.mark.parametrize(
    "neighbour",
    [
        pytest.param(PRIVATE | {"kid": "p"}, id="private"),
        pytest.param(OCT | {"kid": "o"}, id="symmetric"),
        pytest.param(JWK | {"kid": "b", "x": "AAAA"}, id="broken"),
        pytest.param({"alg": "ES256", "kty": "OKP", "kid": "c"}, id="contradicting"),
        pytest.param({}, id="empty"),
        pytest.param({"kty": ["OKP"]}, id="of-another-type"),
    ],
)
async def test_bad_key_is_skipped_alone(client: Client, neighbour: dict[str, object]) -> None:
    client.server.answer = serve.key_set(neighbour, JWK)
    await client.accept(GENUINE.token())
    assert client.keys.state().keys == ((KEY.kid, "EdDSA"),)


@pytest.mark.parametrize("key", [pytest.param(PRIVATE, id="private"), pytest.param(OCT, id="oct")])
async def test_published_private_key_is_told_loudly(
    client: Client, key: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    client.server.answer = serve.key_set(JWK, key)
    await client.accept(GENUINE.token())
    told = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert len(told) == 1
    assert "must never be published" in told[0].getMessage()
    assert "AAAA" not in told[0].getMessage()


async def test_different_keys_under_one_id_are_never_tried_in_turn(client: Client) -> None:
    client.server.answer = serve.key_set({**OTHER.public_jwk(), "kid": KEY.kid}, JWK)
    assert (await client.refuse(GENUINE.token())).reason == Reason.KEY_AMBIGUOUS


async def test_the_same_key_twice_counts_once(client: Client) -> None:
    client.server.answer = serve.key_set(JWK, dict(JWK))
    await client.accept(GENUINE.token())


async def test_one_id_for_keys_of_two_algorithms(client: Client) -> None:
    other = signing_key("ES256").public_jwk()
    client.server.answer = serve.key_set(other, JWK)
    await client.accept(GENUINE.token())


async def test_single_key_without_an_id(client: Client) -> None:
    client.server.answer = serve.key_set({k: v for k, v in JWK.items() if k != "kid"})
    await client.accept(GENUINE.token())


# Rotation.


async def test_unknown_id_is_looked_for_once(client: Client) -> None:
    await client.accept(GENUINE.token())
    client.clock.now += 1
    client.server.answer = serve.key_set(JWK, OTHER.public_jwk())
    await client.accept(LATER.token())
    assert client.server.requests == 2


async def test_flood_of_unknown_ids_makes_one_request_in_a_cooldown(client: Client) -> None:
    await client.accept(GENUINE.token())
    for number in range(100):
        client.clock.now += 0.29
        token = GENUINE.sign(GENUINE.claims(), {"alg": "EdDSA", "kid": f"random-{number}"})
        assert (await client.refuse(token)).reason == Reason.KEY_UNKNOWN
    assert client.server.requests == 2


async def test_unknown_id_is_looked_for_again_after_the_cooldown(client: Client) -> None:
    await client.accept(GENUINE.token())
    client.clock.now += 1
    await client.refuse(LATER.token())
    client.clock.now += 30
    client.server.answer = serve.key_set(JWK, OTHER.public_jwk())
    await client.accept(LATER.token())


async def test_first_fetch_is_not_repeated_for_an_unknown_id(client: Client) -> None:
    assert (await client.refuse(LATER.token())).reason == Reason.KEY_UNKNOWN
    assert client.server.requests == 1


async def test_unknown_id_while_the_server_is_down_is_503(client: Client) -> None:
    await client.accept(GENUINE.token())
    client.server.answer = serve.answer(b"", status=500)
    client.clock.now += 1
    assert (await client.refuse(LATER.token())).status == 503
    await client.accept(GENUINE.token("alice", x=2))


async def test_unknown_id_waits_for_the_end_of_a_back_off(client: Client) -> None:
    await client.accept(GENUINE.token())
    client.server.answer = serve.answer(b"", status=500)
    await client.settle()
    client.clock.now += 0.9
    assert (await client.refuse(LATER.token())).status == 503
    assert client.server.requests == 2


async def test_failure_uses_up_no_cooldown(client: Client) -> None:
    await client.accept(GENUINE.token())
    client.clock.now += 1
    client.server.answer = serve.answer(b"", status=500)
    assert (await client.refuse(LATER.token())).status == 503
    client.clock.now += 1
    client.server.answer = serve.key_set(JWK, OTHER.public_jwk())
    await client.accept(LATER.token())


async def test_new_key_is_found_soon_after_a_long_failure(client: Client) -> None:
    await client.accept(GENUINE.token())
    client.server.answer = serve.answer(b"", status=500)
    for _ in range(10):
        await client.settle()
    assert client.keys.state().next_try == 60.0
    client.clock.now += 5
    client.server.answer = serve.key_set(JWK, OTHER.public_jwk())
    await client.accept(LATER.token())


async def test_flood_of_unknown_ids_while_the_server_is_down(client: Client) -> None:
    await client.accept(GENUINE.token())
    client.server.answer = serve.answer(b"", status=500)
    client.clock.now += 1
    for _ in range(120):
        await asyncio.gather(*(client.refuse(LATER.token("alice", x=n)) for n in range(3)))
        client.clock.now += 0.25
    fetched_after = (0, 1, 3, 7, 12, 17, 22, 27)
    assert client.server.requests == 1 + len(fetched_after)


async def test_bad_signatures_while_the_server_is_down_wait_for_the_cooldown(
    client: Client,
) -> None:
    await client.accept(GENUINE.token())
    client.server.answer = serve.answer(b"", status=500)
    client.clock.now += 1
    impostor = TokenIssuer(SigningKey.generate("EdDSA", KEY.kid), clock=lambda: NOW)
    for number in range(4):
        await client.refuse(impostor.token("alice", x=number))
        client.clock.now += 1.2
    assert client.server.requests == 2


async def test_bad_signatures_wait_for_the_end_of_a_back_off(client: Client) -> None:
    await client.accept(GENUINE.token())
    client.server.answer = serve.answer(b"", status=500)
    for _ in range(5):
        await client.settle()
    client.clock.now += 31  # there has been no cooldown, and the back-off takes a minute
    impostor = TokenIssuer(SigningKey.generate("EdDSA", KEY.kid), clock=lambda: NOW)
    await client.refuse(impostor.token())
    assert client.server.requests == 6


async def test_a_bad_signature_is_checked_once(client: Client) -> None:
    """A forgery costs one check: a key that is the same as before is not tried again."""
    await client.accept(GENUINE.token())
    client.clock.now += 1
    header = Header("EdDSA", KEY.kid, None)
    assert await client.keys.keys_after_mismatch(header) == ()
    assert client.server.requests == 2


async def test_changed_key_under_the_same_id(client: Client) -> None:
    await client.accept(GENUINE.token())
    changed = SigningKey.generate("EdDSA", KEY.kid)
    client.server.answer = serve.key_set(changed.public_jwk())
    client.clock.now += 1
    await client.accept(TokenIssuer(changed, clock=lambda: NOW).token())
    assert (await client.refuse(GENUINE.token("alice", x=2))).reason == Reason.SIGNATURE_MISMATCH


async def test_flood_of_bad_signatures_makes_one_request_in_a_cooldown(client: Client) -> None:
    await client.accept(GENUINE.token())
    impostor = TokenIssuer(SigningKey.generate("EdDSA", KEY.kid), clock=lambda: NOW)
    for number in range(50):
        client.clock.now += 0.59
        token = impostor.token("alice", x=number)
        assert (await client.refuse(token)).reason == Reason.SIGNATURE_MISMATCH
    assert client.server.requests == 2


async def test_bad_signatures_do_not_keep_a_new_key_from_being_found(client: Client) -> None:
    await client.accept(GENUINE.token())
    client.clock.now += 1
    impostor = TokenIssuer(SigningKey.generate("EdDSA", KEY.kid), clock=lambda: NOW)
    await client.refuse(impostor.token())
    client.clock.now += 1
    client.server.answer = serve.key_set(JWK, OTHER.public_jwk())
    await client.accept(LATER.token())
    assert client.server.requests == 3


async def test_withdrawn_key_is_gone_from_the_memory_too(client: Client) -> None:
    token = GENUINE.token()
    await client.accept(token)
    client.server.answer = serve.key_set(OTHER.public_jwk())
    client.clock.now += 600
    await client.settle()
    assert (await client.refuse(token)).reason == Reason.KEY_UNKNOWN


async def test_new_key_beside_the_old_leaves_the_memory_alone(client: Client) -> None:
    await client.accept(GENUINE.token())
    before = client.keys.epoch()
    client.server.answer = serve.key_set(JWK, OTHER.public_jwk())
    await client.settle()
    assert client.keys.epoch() == before


# When to fetch.


async def test_keys_live_ten_minutes(client: Client) -> None:
    await client.accept(GENUINE.token())
    client.clock.now += 599.9
    await client.accept(GENUINE.token())
    assert client.server.requests == 1


@pytest.mark.parametrize("remembered", [True, False], ids=["remembered", "cold"])
async def test_refresh_never_delays_a_request_that_has_a_key(
    client: Client,
    remembered: bool,  # noqa: FBT001 - a column of the table
) -> None:
    token = GENUINE.token()
    await client.accept(token)
    client.server.answer = serve.hang
    client.clock.now += 601
    await client.accept(token if remembered else GENUINE.token("alice", x=2))
    await client.server.requested(2)


async def test_back_off_after_failures(client: Client) -> None:
    client.server.answer = serve.key_set()
    fetched_at = []
    for _ in range(30):
        before = client.server.requests
        await client.refuse(GENUINE.token())
        if client.server.requests > before:
            fetched_at.append(client.clock.now - 1000)
        client.clock.now += 1
    assert fetched_at == [0, 1, 3, 7, 12, 17, 22, 27]


async def test_back_off_is_longer_while_a_set_serves(client: Client) -> None:
    await client.accept(GENUINE.token())
    client.server.answer = serve.key_set()
    waits = []
    for _ in range(6):
        await client.settle()
        waits.append(client.keys.state().next_try)
    assert waits == [5, 10, 20, 40, 60, 60]


async def test_back_off_is_told_as_time_to_wait(client: Client) -> None:
    client.server.answer = serve.key_set()
    for _ in range(3):
        await client.settle()
    client.clock.now += 0.5
    error = await client.refuse(GENUINE.token())
    assert isinstance(error, KeysUnavailable)
    assert error.retry_after == 4


async def test_recovery_resets_the_back_off(client: Client) -> None:
    client.server.answer = serve.key_set()
    for _ in range(3):
        await client.settle()
    client.server.answer = serve.key_set(JWK)
    await client.settle()
    client.server.answer = serve.key_set()
    await client.settle()
    assert client.keys.state().next_try == 5.0


async def test_recovery_is_seen_in_the_state(client: Client) -> None:
    client.server.answer = serve.key_set()
    await client.settle()
    client.server.answer = serve.key_set(JWK)
    await client.settle()
    assert client.keys.state().last_error is None


async def test_last_good_set_serves_for_a_day(client: Client) -> None:
    await client.accept(GENUINE.token())
    client.server.answer = serve.key_set()
    await client.settle()
    client.clock.now += 86_399
    await client.accept(GENUINE.token("alice", x=2))


async def test_last_good_set_ends_after_a_day(client: Client) -> None:
    token = GENUINE.token()
    await client.accept(token)
    client.server.answer = serve.key_set()
    await client.settle()
    client.clock.now += 86_401
    assert (await client.refuse(token)).status == 503


async def test_stale_keys_are_told(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    await client.accept(GENUINE.token())
    client.server.answer = serve.answer(b"", status=500)
    await client.settle()
    assert "serving the last good one, next try in 5 s" in caplog.text


# One fetch at a time.


async def test_concurrent_callers_share_a_fetch(client: Client) -> None:
    tokens = [GENUINE.token("alice", x=number) for number in range(50)]
    await asyncio.gather(*map(client.accept, tokens))
    assert client.server.requests == 1


async def test_concurrent_unknown_ids_share_a_fetch(client: Client) -> None:
    await client.accept(GENUINE.token())
    client.clock.now += 1
    client.server.answer = serve.key_set(JWK, OTHER.public_jwk())
    await asyncio.gather(*(client.accept(LATER.token("alice", x=n)) for n in range(50)))
    assert client.server.requests == 2


async def test_cancelled_caller_leaves_the_fetch_to_the_others(client: Client) -> None:
    first = asyncio.create_task(client.accept(GENUINE.token()))
    second = asyncio.create_task(client.accept(GENUINE.token("alice", x=2)))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert first.cancelled()
    assert client.server.requests == 1


async def test_cancelled_callers_do_not_get_around_the_cooldown(client: Client) -> None:
    await client.accept(GENUINE.token())
    client.clock.now += 1
    for _ in range(5):
        waiting = asyncio.create_task(client.refuse(LATER.token()))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        await client.keys.aclose()
    assert client.server.requests <= 2


async def test_closing_answers_those_who_wait(client: Client) -> None:
    client.server.answer = serve.hang
    waiting = asyncio.create_task(client.refuse(GENUINE.token()))
    await client.server.requested(1)
    await client.keys.aclose()
    assert (await waiting).status == 503


async def test_closing_waits_until_the_fetch_has_ended(client: Client) -> None:
    client.server.answer = serve.hang
    task = client.keys.begin_refresh()
    await client.server.requested(1)
    await client.keys.aclose()
    assert task.done()


def test_one_key_set_in_two_event_loops() -> None:
    async def left_under_way() -> RemoteKeySet:
        keys = RemoteKeySet("http://127.0.0.1:9/jwks")
        keys.begin_refresh()
        return keys

    async def used_elsewhere(keys: RemoteKeySet) -> None:
        await asyncio.wait([keys.begin_refresh()])

    first = asyncio.new_event_loop()
    keys = first.run_until_complete(left_under_way())
    pending = asyncio.all_tasks(first)
    asyncio.run(used_elsewhere(keys))
    assert keys.state().last_error
    first.run_until_complete(asyncio.wait(pending))
    first.close()


# Its state.


async def test_state_before_the_first_fetch(client: Client) -> None:
    state = client.keys.state()
    assert (state.usable, state.keys, state.age, state.last_error) == (False, (), None, None)
    assert state.next_try is None


async def test_state_when_all_is_well(client: Client) -> None:
    await client.accept(GENUINE.token())
    client.clock.now += 42
    state = client.keys.state()
    assert (state.usable, state.age, state.last_error) == (True, 42.0, None)
    assert state.keys == ((KEY.kid, "EdDSA"),)
    assert state.url == client.server.url


async def test_state_after_a_failure(client: Client) -> None:
    client.server.answer = serve.answer(b"", status=503)
    await client.refuse(GENUINE.token())
    state = client.keys.state()
    assert (state.usable, state.next_try) == (False, 1.0)
    assert state.last_error == "status 503 instead of 200"


# Its address.


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://auth.example.com/jwks", id="http"),
        pytest.param("https://user:hunter2@auth.example.com/jwks", id="user-info"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("ftp://auth.example.com/jwks", id="ftp"),
        pytest.param("/api/auth/jwks", id="relative"),
        pytest.param("", id="empty"),
        pytest.param("https://auth.example.com/jwks?key=1", id="query"),
        pytest.param("http://127.0.0.1.example.com/jwks", id="loopback-in-name-only"),
    ],
)
def test_address_that_stops_the_start(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RemoteKeySet(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "allow_http"),
    [
        pytest.param("https://auth.example.com/api/auth/jwks", False, id="https"),
        pytest.param("http://localhost:3000/api/auth/jwks", False, id="localhost"),
        pytest.param("http://[::1]:3000/api/auth/jwks", False, id="ip-6-loopback"),
        pytest.param("http://auth:3000/api/auth/jwks", True, id="private-network"),
    ],
)
def test_address_that_is_taken(url: str, allow_http: bool) -> None:  # noqa: FBT001 - a column of the table
    assert RemoteKeySet(url, allow_http=allow_http).state().url == url


async def test_address_in_a_token_is_never_asked(client: Client) -> None:
    await client.accept(GENUINE.token())
    async with KeySetServer(serve.key_set(OTHER.public_jwk())) as attacker:
        for member in ("jku", "x5u"):
            header = {"alg": "EdDSA", "kid": OTHER.kid, member: attacker.url}
            assert isinstance(await client.refuse(LATER.sign(LATER.claims(), header)), InvalidToken)
        assert attacker.requests == 0


async def test_proxy_of_the_environment_is_not_asked_for_loopback(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with KeySetServer(serve.key_set(OTHER.public_jwk())) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/api/auth/jwks"))
        monkeypatch.setenv("ALL_PROXY", proxy.url.removesuffix("/api/auth/jwks"))
        await client.accept(GENUINE.token())
        assert proxy.requests == 0


async def test_real_clock_by_default(server: KeySetServer) -> None:
    keys = RemoteKeySet(server.url, deadline=LONG)
    await asyncio.wait([keys.begin_refresh()])
    age = keys.state().age
    assert age is not None
    assert 0 <= age <= time.monotonic()
