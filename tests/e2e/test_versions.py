"""Better Auth's releases, each through what happens to its keys: rotation, loss, other settings."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Unpack
from urllib.parse import urlsplit

import pytest

from tests.e2e.forgery import claims_of, header_of
from tests.e2e.serving import INVALID, UNAVAILABLE, Api, Refusal, running_api, settings_for
from tests.servers.better_auth import (
    SECRET,
    Account,
    BetterAuth,
    BetterAuthOptions,
    running_better_auth,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.better_auth import Changes, IdKind

pytestmark = pytest.mark.node

NEWEST = "1.7.25"
VERSIONS = ("1.3.8", "1.3.34", "1.4.18", "1.6.34", NEWEST)
ROTATING = ("1.4.18", "1.6.34", NEWEST)  # `rotationInterval` came with 1.4
CONTRADICTION = {"alg": "ES256", "kty": "OKP"}
OTHER_SECRET = "another-secret-of-the-tests-h3Jw8Yq5Tn1Bv6Zx"
WAIT_SECONDS = 30.0


def options(version: str) -> BetterAuthOptions:
    return BetterAuthOptions(version="" if version == NEWEST else version)


@dataclass(frozen=True)
class Scene:
    """A server of one release with a back end that takes both kinds of token."""

    version: str
    server: BetterAuth
    api: Api
    ada: Account


@pytest.fixture(scope="module", params=VERSIONS)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    both = {"BETTER_AUTH_TOKENS": "both", "BETTER_AUTH_SECRET": SECRET}
    with (
        running_better_auth(options(request.param)) as server,
        running_api(settings_for(server, **both)) as api,
    ):
        yield Scene(request.param, server, api, server.sign_up())


def test_a_token_names_its_user(scene: Scene) -> None:
    assert scene.api.user_id(scene.server.token(scene.ada)) == scene.ada.user_id


def test_only_the_oldest_leaves_the_time_of_issue_out(scene: Scene) -> None:
    claims = claims_of(scene.server.token(scene.ada))
    assert ("iat" in claims) == (scene.version != "1.3.8")


def test_an_email_verification_token_is_refused(scene: Scene) -> None:
    token = scene.server.verification_token(scene.ada)
    assert Refusal.of(scene.api.get("/me", token)) == INVALID


@pytest.mark.parametrize("version", ROTATING)
def test_a_key_that_is_newer_than_the_cache_verifies(version: str) -> None:
    with running_better_auth(options(version), rotation_interval=1, grace_period=60) as server:
        ada = server.sign_up()
        before = server.token(ada)
        with running_api(settings_for(server)) as api:
            assert api.user_id(before) == ada.user_id
            after = token_of_a_new_key(server, ada)
            assert api.user_id(after) == ada.user_id
            assert api.user_id(before) == ada.user_id, "within the grace the older key counts"


@pytest.mark.parametrize("version", ROTATING)
def test_an_empty_key_set_calls_no_token_invalid(version: str) -> None:
    # Nobody has signed in for longer than interval and grace: the set is {"keys": []}.
    with running_better_auth(options(version), rotation_interval=3600, grace_period=60) as server:
        ada, bob = server.sign_up("Ada"), server.sign_up("Bob")
        tokens = [server.token(ada), server.token(bob)]
        with running_api(settings_for(server)) as knowing:
            assert knowing.user_id(tokens[0]) == ada.user_id
            server.expire_keys(seconds_ago=600)
            assert server.key_set() == {"keys": []}
            with running_api(settings_for(server)) as ignorant:
                answer = ignorant.get("/me", tokens[0])
            assert Refusal.of(answer) == UNAVAILABLE
            assert int(answer.headers["retry-after"]) > 0
            assert knowing.user_id(tokens[1]) == bob.user_id


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("generate_id", ["", "serial"], ids=["new-ids", "the-same-id-again"])
def test_an_emptied_table_of_keys_fills_again(version: str, generate_id: IdKind) -> None:
    with running_better_auth(options(version), generate_id=generate_id) as server:
        ada = server.sign_up()
        before = server.token(ada)
        with running_api(settings_for(server)) as api:
            assert api.user_id(before) == ada.user_id
            server.delete_keys()
            after = server.token(ada)
            same_id = header_of(after)["kid"] == header_of(before)["kid"]
            assert same_id == (generate_id == "serial")
            assert api.user_id(after) == ada.user_id
            assert Refusal.of(api.get("/me", before)) == INVALID, "its key is gone"


@dataclass(frozen=True)
class Change:
    """A server that came back with other options, over the same database and address."""

    server: BetterAuth
    knowing: Api
    """A back end that ran all the while, with the key set from before the change."""
    ignorant: Api
    """A back end that started after the change."""
    ada: Account
    before: str
    """A token from before the change."""


@contextlib.contextmanager
def changed(version: str, database: Path, **changes: Unpack[Changes]) -> Iterator[Change]:
    """Run a server, end it, run it again with ``changes``; ``before`` is known to neither end."""
    begin = replace(options(version), database=database)
    with contextlib.ExitStack() as stack:
        with running_better_auth(begin) as server:
            ada = server.sign_up()
            known, before = server.token(server.sign_up("Bob")), server.token(ada)
            knowing = stack.enter_context(running_api(settings_for(server)))
            assert knowing.get("/me", known).status_code == 200
        again = replace(begin, port=urlsplit(server.url).port or 0)
        server = stack.enter_context(running_better_auth(again, **changes))
        ignorant = stack.enter_context(running_api(settings_for(server)))
        yield Change(server, knowing, ignorant, server.sign_in(ada), before)


@pytest.mark.parametrize("version", VERSIONS)
def test_another_algorithm_on_an_existing_database(version: str, tmp_path: Path) -> None:
    with changed(version, tmp_path / "auth.db", algorithm="ES256") as after:
        assert after.knowing.user_id(after.before) == after.ada.user_id
        if version == NEWEST:
            # It goes on signing with the key that it has.
            assert after.ignorant.user_id(after.server.token(after.ada)) == after.ada.user_id
        else:
            # It publishes the old key under the new algorithm's name, and cannot sign with it.
            assert after.server.key_set()["keys"][0].items() >= CONTRADICTION.items()
            assert after.server.ask_for_token(after.ada).status_code == 500
            assert Refusal.of(after.ignorant.get("/me", after.before)) == UNAVAILABLE


@pytest.mark.parametrize("version", ROTATING)
def test_the_first_key_of_another_algorithm_verifies(version: str, tmp_path: Path) -> None:
    with changed(version, tmp_path / "auth.db", algorithm="ES256") as after:
        after.server.expire_keys()
        token = after.server.token(after.ada)
        assert header_of(token)["alg"] == "ES256"
        assert len(after.server.key_ids()) == 2
        assert after.knowing.user_id(token) == after.ada.user_id


@pytest.mark.parametrize("version", VERSIONS)
def test_another_secret_on_an_existing_database(version: str, tmp_path: Path) -> None:
    with changed(version, tmp_path / "auth.db", secret=OTHER_SECRET) as after:
        # Better Auth cannot decrypt its private key any more; the public ones are as they were.
        assert after.server.ask_for_token(after.ada).status_code == 500
        assert after.knowing.user_id(after.before) == after.ada.user_id
        assert after.ignorant.user_id(after.before) == after.ada.user_id


def token_of_a_new_key(server: BetterAuth, account: Account) -> str:
    """Ask for tokens until one is signed with a key that was not published before."""
    published = server.key_ids()
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        token = server.token(account)
        if header_of(token)["kid"] not in published:
            return token
        time.sleep(0.1)
    pytest.fail(f"the server has not rotated its keys in {WAIT_SECONDS:.0f} s")
