"""Someone signs out of a real Better Auth, and their token is refused here."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from demo.ports import free_port
from tests.e2e.serving import REVOKED, Refusal, running_api, settings_for
from tests.servers.better_auth import BetterAuthOptions, running_better_auth
from tests.servers.redis import running_redis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.serving import Api
    from tests.servers.better_auth import BetterAuth

pytestmark = pytest.mark.node

SECRET = "what-signs-the-messages-of-hooks-3fQ8"
LONG = 120.0  # seconds; only ever reached when something is broken
SECOND = 1.0


@dataclass(frozen=True)
class Scene:
    """Better Auth, and two processes' worth of the API; it reports to the first alone."""

    server: BetterAuth
    api: Api
    other: Api


@contextlib.contextmanager
def running(options: BetterAuthOptions) -> Iterator[Scene]:
    with running_redis() as redis, running_better_auth(options) as server:
        settings = settings_for(
            server,
            BETTER_AUTH_REVOCATION_STORE=redis.url,
            BETTER_AUTH_REVOCATION_SECRET=SECRET,
        )
        with running_api(settings) as api, running_api(settings) as other:
            server.report_to(api.url, SECRET)
            yield Scene(server, api, other)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with running(BetterAuthOptions(revokes="user", admin=True)) as scene:
        yield scene


@pytest.fixture(scope="module")
def by_device() -> Iterator[Scene]:
    with running(BetterAuthOptions(revokes="session", define_payload="sid")) as scene:
        yield scene


def is_refused_soon(api: Api, token: str) -> bool:
    """Tell whether the token is refused by itself.

    Within a second, as tests of the copies show by what they ask; a machine may stand still longer.
    """
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        if Refusal.of(api.get("/me", token)) == REVOKED:
            return True
        time.sleep(0.02)
    return False


def test_the_next_call_after_signing_out_is_refused(scene: Scene) -> None:
    ada = scene.server.sign_up()
    token = scene.server.token(ada)
    assert scene.api.user_id(token) == scene.other.user_id(token) == ada.user_id
    scene.server.sign_out(ada)
    assert Refusal.of(scene.api.get("/me", token)) == REVOKED
    assert Refusal.of(scene.other.get("/fresh", token)) == REVOKED
    assert is_refused_soon(scene.other, token)


def test_who_signs_in_again_is_let_in_again(scene: Scene) -> None:
    ada = scene.server.sign_up()
    scene.server.sign_out(ada)
    time.sleep(SECOND)
    token = scene.server.token(scene.server.sign_in(ada))
    assert scene.api.get("/fresh", token).json() == ada.user_id


def test_nobody_else_is_signed_out(scene: Scene) -> None:
    ada, bob = scene.server.sign_up(), scene.server.sign_up()
    token = scene.server.token(bob)
    scene.server.sign_out(ada)
    assert scene.api.get("/fresh", token).json() == bob.user_id


def test_a_sign_out_while_the_api_is_away_arrives_later(scene: Scene) -> None:
    ada = scene.server.sign_up()
    token = scene.server.token(ada)
    scene.server.report_to(f"http://127.0.0.1:{free_port()}", SECRET)
    scene.server.sign_out(ada)
    assert scene.api.user_id(token) == ada.user_id
    scene.server.report_to(scene.api.url, SECRET)
    assert is_refused_soon(scene.api, token)
    assert Refusal.of(scene.api.get("/fresh", token)) == REVOKED


def test_a_ban_ends_what_was_issued(scene: Scene) -> None:
    ada, root = scene.server.sign_up(), scene.server.sign_up()
    token = scene.server.token(ada)
    scene.server.ban(ada, by=root)
    assert Refusal.of(scene.api.get("/me", token)) == REVOKED


def test_a_changed_password_ends_what_was_issued(scene: Scene) -> None:
    ada = scene.server.sign_up()
    token = scene.server.token(scene.server.sign_in(ada))
    scene.server.change_password(ada, new="another-password-7Hq2")
    assert Refusal.of(scene.api.get("/me", token)) == REVOKED


def test_with_the_session_in_the_token_other_devices_stay_signed_in(by_device: Scene) -> None:
    phone = by_device.server.sign_up()
    laptop = by_device.server.sign_in(phone)
    tokens = [by_device.server.token(device) for device in (phone, laptop)]
    by_device.server.sign_out(phone)
    assert Refusal.of(by_device.api.get("/me", tokens[0])) == REVOKED
    assert by_device.api.get("/fresh", tokens[1]).json() == phone.user_id
