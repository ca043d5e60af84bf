"""Better Auth's releases, each through what happens to its keys: rotation, loss, other settings."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import pytest

from demo.ports import free_port
from tests.e2e.forgery import claims_of, header_of
from tests.e2e.serving import INVALID, UNAVAILABLE, Api, Refusal, running_api, settings_for
from tests.servers.better_auth import (
    NEWEST,
    RELEASES,
    SECRET,
    Account,
    BetterAuth,
    BetterAuthOptions,
    running_better_auth,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.better_auth import Changes

pytestmark = pytest.mark.node

ROTATING = ("1.4.18", "1.6.34", NEWEST)  # `rotationInterval` came with 1.4
REUSING = ("1.3.34", *ROTATING)  # 1.3.8 counts on after its keys were deleted
GRACE = 3600
OTHER_SECRET = "another-secret-of-the-tests-h3Jw8Yq5Tn1Bv6Zx"
WAIT_SECONDS = 120.0


# --- One server a release; each test has people, tokens and a back end of its own ---


@dataclass(frozen=True)
class Scene:
    version: str
    server: BetterAuth
    ada: Account

    @contextlib.contextmanager
    def knowing_api(self, **settings: str) -> Iterator[Api]:
        """Start a back end that has the key set as it is now."""
        with running_api(settings_for(self.server, **settings)) as api:
            assert api.user_id(self.server.token(self.ada)) == self.ada.user_id
            yield api


@pytest.fixture(scope="module", params=RELEASES)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    # 1.3 leaves the two options about rotation unread.
    with running_better_auth(
        version=request.param, rotation_interval=3600, grace_period=GRACE
    ) as server:
        yield Scene(request.param, server, server.sign_up())


rotating = pytest.mark.parametrize("scene", ROTATING, indirect=True)


def test_a_token_names_its_user(scene: Scene) -> None:
    with running_api(settings_for(scene.server)) as api:
        answer = api.get("/me", scene.server.token(scene.ada)).json()
    assert (answer["id"], answer["email"]) == (scene.ada.user_id, scene.ada.email)


def test_only_the_oldest_leaves_the_time_of_issue_out(scene: Scene) -> None:
    claims = claims_of(scene.server.token(scene.ada))
    assert ("iat" in claims) == (scene.version != "1.3.8")


def test_an_email_verification_token_is_refused(scene: Scene) -> None:
    token = scene.server.verification_token(scene.ada)
    both = {"BETTER_AUTH_TOKENS": "both", "BETTER_AUTH_SECRET": SECRET}
    with scene.knowing_api(**both) as api:
        assert Refusal.of(api.get("/me", token)) == INVALID


def test_an_emptied_table_of_keys_fills_again(scene: Scene) -> None:
    before = scene.server.token(scene.ada)
    with scene.knowing_api() as api:
        scene.server.delete_keys()
        after = scene.server.token(scene.ada)
        assert header_of(after)["kid"] != header_of(before)["kid"]
        assert api.user_id(after) == scene.ada.user_id
        assert Refusal.of(api.get("/me", before)) == INVALID, "its key is gone"


@rotating
def test_an_empty_key_set_calls_no_token_invalid(scene: Scene) -> None:
    # Nobody has signed in for longer than interval and grace: the set is {"keys": []}.
    token = scene.server.token(scene.server.sign_up("Bob"))
    with scene.knowing_api() as knowing:
        scene.server.expire_keys(seconds_ago=10 * GRACE)
        assert scene.server.key_set() == {"keys": []}
        with running_api(settings_for(scene.server)) as ignorant:
            answer = ignorant.get("/me", token)
        assert Refusal.of(answer) == UNAVAILABLE
        assert int(answer.headers["retry-after"]) > 0
        assert knowing.get("/me", token).status_code == 200


# --- Servers of their own ---


@pytest.mark.parametrize("version", ROTATING)
def test_a_key_that_is_newer_than_the_cache_verifies(version: str) -> None:
    with running_better_auth(version=version, rotation_interval=1, grace_period=GRACE) as server:
        ada = server.sign_up()
        before = server.token(ada)
        with running_api(settings_for(server)) as api:
            assert api.user_id(before) == ada.user_id
            after = token_of_a_new_key(server, ada)
            assert api.user_id(after) == ada.user_id
            assert api.user_id(before) == ada.user_id, "within the grace the older key counts"


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


@pytest.mark.parametrize("version", REUSING)
def test_a_key_id_that_returns_with_another_key(version: str) -> None:
    with running_better_auth(version=version, generate_id="serial") as server:
        ada = server.sign_up()
        before = server.token(ada)
        with running_api(settings_for(server)) as api:
            assert api.user_id(before) == ada.user_id
            server.delete_keys()
            after = server.token(ada)
            assert header_of(after)["kid"] == header_of(before)["kid"]
            assert api.user_id(after) == ada.user_id
            assert Refusal.of(api.get("/me", before)) == INVALID, "its key is gone"


# --- The same database and address, another option ---


@dataclass(frozen=True)
class Past:
    """A server that has ended; ``before`` is a token of its Ada that no back end has seen."""

    options: BetterAuthOptions
    ada: Account
    before: str
    knowing: Api
    """A back end that ran all the while, with the key set of then."""
    asking_anew: Api
    """Another such, for the test that makes it fetch the key set again."""

    @contextlib.contextmanager
    def changed(self, folder: Path, **changes: Unpack[Changes]) -> Iterator[BetterAuth]:
        """Run the server again with ``changes``, on a copy of its database."""
        assert isinstance(self.options.database, Path)
        database = folder / "auth.db"
        for file in self.options.database.parent.glob("auth.db*"):
            shutil.copy(file, folder)
        with running_better_auth(replace(self.options, database=database), **changes) as server:
            yield server


@pytest.fixture(scope="module", params=RELEASES)
def past(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Past]:
    database = tmp_path_factory.mktemp("past") / "auth.db"
    with contextlib.ExitStack() as stack:
        # A port that is still nobody else's when the server is run again.
        with running_better_auth(
            version=request.param, database=database, port=free_port()
        ) as server:
            ada = server.sign_up()
            before = server.token(ada)
            known = server.token(server.sign_up("Bob"))
            apis = [stack.enter_context(running_api(settings_for(server))) for _ in range(2)]
            assert [api.get("/me", known).status_code for api in apis] == [200, 200]
        yield Past(server.options, ada, before, *apis)


def test_another_secret_on_an_existing_database(past: Past, tmp_path: Path) -> None:
    with (
        past.changed(tmp_path, secret=OTHER_SECRET) as server,
        running_api(settings_for(server)) as ignorant,
    ):
        # Better Auth cannot decrypt its private key any more; the public ones are as they were.
        assert server.ask_for_token(server.sign_in(past.ada)).status_code == 500
        assert past.knowing.user_id(past.before) == past.ada.user_id
        assert ignorant.user_id(past.before) == past.ada.user_id


def test_another_algorithm_on_an_existing_database(past: Past, tmp_path: Path) -> None:
    with (
        past.changed(tmp_path, algorithm="ES256") as server,
        running_api(settings_for(server)) as ignorant,
    ):
        assert past.knowing.user_id(past.before) == past.ada.user_id
        if past.options.version != NEWEST:
            # It publishes the old key under the new algorithm's name, and cannot sign with it.
            (key,) = server.key_set()["keys"]
            assert (key["alg"], key["kty"]) == ("ES256", "OKP")
            assert server.ask_for_token(server.sign_in(past.ada)).status_code == 500
            assert Refusal.of(ignorant.get("/me", past.before)) == UNAVAILABLE
        else:
            # The newest goes on signing with the key that it has.
            token = server.token(server.sign_in(past.ada))
            assert header_of(token)["alg"] == "EdDSA"
            assert ignorant.user_id(token) == past.ada.user_id


@pytest.mark.parametrize("past", ROTATING, indirect=True)
def test_the_first_key_of_another_algorithm_verifies(past: Past, tmp_path: Path) -> None:
    with past.changed(tmp_path, algorithm="ES256") as server:
        server.expire_keys()
        token = server.token(server.sign_in(past.ada))
        assert header_of(token)["alg"] == "ES256"
        assert len(server.key_ids()) == 2
        assert past.asking_anew.user_id(token) == past.ada.user_id
