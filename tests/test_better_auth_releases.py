"""What is installed, what is tested and what the documentation claims are the same releases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.servers.better_auth import RELEASES

ROOT = Path(__file__).resolve().parent.parent


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
