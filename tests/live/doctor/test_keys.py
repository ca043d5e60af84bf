from __future__ import annotations

import asyncio
import json
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from betterguard.live.doctor import Report, Status, diagnose, exchange
from betterguard.testing.key_set_server import (
    KeySetServer,
    answer,
    broken_off,
    gzip_bomb,
    hang,
    key_set,
    oversized,
    redirect,
)
from betterguard.testing.tokens import SigningKey
from tests.live.doctor.diagnosing import diagnosed, named, subject_of

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = SigningKey.generate().public_jwk()
OTHER = SigningKey.generate().public_jwk()
RSA_1024 = {"kty": "RSA", "alg": "RS256", "kid": "weak", "e": "AQAB", "n": "v" + "A" * 170}
HTML = answer(b"<!doctype html><title>Shop</title>", headers={"Content-Type": "text/html"})
NOON = 1_800_000_000.0


def private_jwk() -> dict[str, Any]:
    return {**GOOD, "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}


def cached(header: str, value: str) -> Any:
    return answer(json.dumps({"keys": [GOOD]}).encode(), headers={header: value})


FAULTS = [
    pytest.param(answer(b"", status=404), {"keys.found"}, id="no-key-set"),
    pytest.param(answer(b"", status=500), {"keys.found"}, id="server-error"),
    pytest.param(redirect("https://example.com/jwks"), {"keys.found"}, id="redirect"),
    pytest.param(HTML, {"keys.json"}, id="html"),
    pytest.param(answer(b'{"ok":true}'), {"keys.json"}, id="other-json"),
    pytest.param(answer(b"[]"), {"keys.json"}, id="a-list"),
    pytest.param(key_set(), {"keys.any", "keys.fetched"}, id="empty"),
    pytest.param(
        key_set(private_jwk()), {"keys.public", "keys.any", "keys.fetched"}, id="private-key"
    ),
    pytest.param(key_set(GOOD, private_jwk()), {"keys.public"}, id="private-beside-public"),
    pytest.param(key_set(*[GOOD] * 65), {"keys.fetched"}, id="too-many"),
    pytest.param(broken_off, {"keys.reachable"}, id="broken-off"),
    pytest.param(gzip_bomb(b"x"), {"keys.json"}, id="compressed"),
    pytest.param(oversized(10**12), {"keys.json"}, id="without-end"),
]
WARNINGS = [
    pytest.param(key_set(GOOD, RSA_1024), "keys.usable", id="weak-key"),
    pytest.param(key_set(GOOD, OTHER), "keys.ids", id="one-id-twice"),
    pytest.param(cached("Cache-Control", "public, max-age=86400"), "keys.fresh", id="cached-long"),
    pytest.param(cached("Age", "7200"), "keys.fresh", id="old-answer"),
]


def examined(send: Any, family: str, clock: Callable[[], float] = lambda: NOON) -> Report:
    async def examine() -> Report:
        async with KeySetServer(send) as server:
            variables = {
                "BETTER_AUTH_JWKS_URL": server.url,
                "BETTER_AUTH_ISSUER": "https://a.example",
            }
            return await diagnose(subject_of(variables, clock=clock), only={family})

    return asyncio.run(examine())


@pytest.mark.parametrize(("send", "checks"), FAULTS)
def test_a_wrong_key_set_is_named(send: Any, checks: set[str]) -> None:
    assert named(examined(send, "keys")) == checks


def test_a_server_that_hangs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "DEADLINE", 1.0)
    assert named(examined(hang, "keys")) == {"keys.reachable"}


@pytest.mark.parametrize(("send", "check"), WARNINGS)
def test_an_odd_key_set_is_named(send: Any, check: str) -> None:
    report = examined(send, "keys")
    assert (named(report), named(report, Status.WARNING)) == (set(), {check})


def test_a_sound_key_set_is_neither() -> None:
    report = examined(key_set(GOOD), "keys")
    assert named(report) | named(report, Status.WARNING) == set()


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://127.0.0.1:9/api/auth/jwks", id="nobody-listens"),
        pytest.param("http://auth.internal.invalid:3000/api/auth/jwks", id="cluster-address"),
    ],
)
def test_an_address_that_nobody_answers_is_named(url: str) -> None:
    variables = {
        "BETTER_AUTH_JWKS_URL": url,
        "BETTER_AUTH_ISSUER": "https://a.example",
        "BETTER_AUTH_ALLOW_HTTP": "true",
    }
    assert named(diagnosed(subject_of(variables), "keys")) == {"keys.reachable"}


def test_no_private_key_is_shown() -> None:
    assert private_jwk()["d"] not in repr(examined(key_set(private_jwk()), "keys"))


CLOCKS = [
    pytest.param(0, set(), id="same"),
    pytest.param(4, set(), id="within-the-leeway"),
    pytest.param(600, {"clock.difference"}, id="server-ahead"),
    pytest.param(-600, {"clock.difference"}, id="server-behind"),
]


@pytest.mark.parametrize(("ahead", "checks"), CLOCKS)
def test_clocks_that_differ_are_named(ahead: int, checks: set[str]) -> None:
    date = formatdate(NOON + ahead, usegmt=True)
    assert named(examined(answer(b"{}", headers={"Date": date}), "clock")) == checks


def test_a_small_difference_is_a_warning() -> None:
    date = formatdate(NOON + 30, usegmt=True)
    report = examined(answer(b"{}", headers={"Date": date}), "clock")
    assert named(report, Status.WARNING) == {"clock.difference"}


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 99 Nov 2026 20:00:00 GMT"])
def test_a_date_that_is_none_is_skipped(date: str) -> None:
    report = examined(answer(b"{}", headers={"Date": date} if date else {}), "clock")
    assert named(report, Status.SKIPPED) == {"clock.difference"}


def test_an_answer_from_a_cache_is_as_old_as_it_says() -> None:
    headers = {"Date": formatdate(NOON - 3600, usegmt=True), "Age": "3600"}
    assert named(examined(answer(b"{}", headers=headers), "clock")) == set()
