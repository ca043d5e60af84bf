"""The test server itself: it ends with its test, tells why it did not start, is what docs claim."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.servers.better_auth import RELEASES, BetterAuth, running_better_auth

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.node
def test_it_ends_with_a_test_that_fails() -> None:
    servers: list[BetterAuth] = []
    with pytest.raises(AssertionError, match="the test fails"):
        fail_beside_a_server(servers)
    assert servers[0].node.process.poll() == 0
    assert not servers[0].node.folder.exists()


def fail_beside_a_server(servers: list[BetterAuth]) -> None:
    with running_better_auth() as server:
        servers.append(server)
        assert server.node.process.poll() is not None, "the test fails"


@pytest.mark.node
def test_a_start_that_fails_shows_the_log() -> None:
    wrong = running_better_auth(session_cookie_cache=True)  # which needs a cookie cache
    with pytest.raises(RuntimeError, match=r"requires `session\.cookieCache\.strategy"), wrong:
        pass


def test_without_node_it_says_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="`make test` installs"), running_better_auth():
        pass


def test_the_installed_releases_are_the_tested_ones() -> None:
    packages = json.loads((ROOT / "tests/better_auth/package.json").read_text("utf-8"))
    installed = {
        version.removeprefix("npm:better-auth@")
        for name, version in packages["dependencies"].items()
        if name.startswith("better-auth")
    }
    assert installed == set(RELEASES)


@pytest.mark.parametrize("version", RELEASES)
def test_the_documentation_has_a_column_for_each(version: str) -> None:
    page = (ROOT / "docs/compatibility.md").read_text("utf-8")
    header = next(line for line in page.splitlines() if line.startswith("| |"))
    assert version in [cell.strip() for cell in header.split("|")]


def test_the_lock_file_names_no_download_address() -> None:
    lock = (ROOT / "tests/better_auth/package-lock.json").read_text("utf-8")
    assert '"resolved"' not in lock
