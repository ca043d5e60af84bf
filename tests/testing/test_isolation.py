"""The paths on tables that are not as simple as the plugin's own, and past SQLAlchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from betterguard import rows
from betterguard.testing.isolation import IsolationCase, owned_tables, try_path
from betterguard.testing.paths import PATHS
from tests.rows.world import ALICE, BOB, postgres_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.postgres import Postgres


def odd_tables() -> sa.MetaData:
    """Declare columns that the database computes, other keys in Python, no primary key."""
    metadata = sa.MetaData()
    sa.Table(
        "memo",
        metadata,
        sa.Column("memo_id", sa.Integer, primary_key=True, key="number"),
        sa.Column("owner", sa.Text, key="whose", **rows.owner()),
        sa.Column("double", sa.Integer, sa.Computed("memo_id * 2")),
        sa.Column("text", sa.Text),
    )
    sa.Table(
        "line",
        metadata,
        sa.Column("memo_id", sa.ForeignKey("memo.number"), key="of", nullable=False),
        sa.Column("text", sa.Text),
        info=rows.via("memo_id"),
    )
    return metadata


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[IsolationCase]:
    metadata = odd_tables()
    url = f"sqlite:///{tmp_path / 'a.db'}"
    owner = sa.create_engine(url)
    metadata.create_all(owner)
    with owner.begin() as connection:
        for number, user in enumerate([ALICE, BOB]):
            memo, line = metadata.sorted_tables
            connection.execute(sa.insert(memo).values(number=number, whose=user, text=user))
            connection.execute(sa.insert(line).values(of=number, text=user))
    engine = rows.isolate(sa.create_engine(url), metadata)
    yield IsolationCase(engine, owner, metadata, (ALICE, BOB))
    engine.dispose()
    owner.dispose()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("table", ["memo", "line"])
def test_odd_tables_are_tried(odd: IsolationCase, table: str, path: str) -> None:
    try_path(odd, table, path)


@pytest.fixture(scope="module")
def cases(postgres: Postgres) -> Iterator[dict[bool, IsolationCase]]:
    """The tests' own tables on PostgreSQL, with and without policies."""
    worlds = {policies: postgres_world(postgres, policies=policies) for policies in (True, False)}
    found: dict[bool, Any] = {}
    for policies, world in worlds.items():
        world.reset()
        metadata = world.models.metadata
        engine = rows.isolate(sa.create_engine(world.app_url), metadata)
        found[policies] = IsolationCase(engine, world.owner, metadata, (ALICE, BOB))
    yield found
    for policies, world in worlds.items():
        found[policies].engine.dispose()
        world.dispose()


@pytest.mark.parametrize("path", PATHS)
def test_every_path_is_closed_on_postgresql(cases: dict[bool, IsolationCase], path: str) -> None:
    for table in owned_tables(cases[True].metadata):
        try_path(cases[True], table, path)


def test_the_driver_shows_that_there_are_no_policies(cases: dict[bool, IsolationCase]) -> None:
    with pytest.raises(AssertionError, match="driver on note reached 6 rows; the user has 3"):
        try_path(cases[False], "note", "driver")


def test_a_table_needs_rows_of_both(cases: dict[bool, IsolationCase]) -> None:
    case = cases[True]
    alone = IsolationCase(case.engine, case.owner_engine, case.metadata, (ALICE, "carol"))
    with pytest.raises(AssertionError, match="note needs rows of both users"):
        try_path(alone, "note", "select")
