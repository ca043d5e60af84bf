"""Worlds with both users, each beside one without Bob."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rows.world import ALICE, postgres_world, sqlite_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.rows.world import World
    from tests.servers.postgres import Postgres


@pytest.fixture(scope="session")
def sqlite_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, World]]:
    folder = tmp_path_factory.mktemp("rows")
    pair = sqlite_world(folder / "both"), sqlite_world(folder / "alone", users=(ALICE,))
    yield pair
    for world in pair:
        world.dispose()


@pytest.fixture(scope="session")
def postgres_pair(postgres: Postgres) -> Iterator[tuple[World, World]]:
    pair = postgres_world(postgres), postgres_world(postgres, users=(ALICE,))
    yield pair
    for world in pair:
        world.dispose()
