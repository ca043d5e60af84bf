"""The walls are switched off, one at a time and all together: the paths must then leak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from betterguard import rows
from betterguard.rows.transactions import tell_the_user
from tests.rows.path import Path, Wall
from tests.rows.posing import POSING
from tests.rows.reading import READING
from tests.rows.refusing import REFUSING
from tests.rows.shaping import SHAPING
from tests.rows.world import (
    ALICE,
    as_alice,
    outcome,
    plain_run,
    postgres_world,
)
from tests.rows.writing import WRITING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.rows.world import Outcome, World
    from tests.servers.postgres import Postgres

PATHS = (*READING, *WRITING, *REFUSING, *SHAPING, *POSING)
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*cartesian product:sqlalchemy.exc.SAWarning",
    "ignore:Passing expression to ``distinct``:DeprecationWarning",
    "ignore:.*expected to delete:sqlalchemy.exc.SAWarning",
)


def leaking(dialect: str) -> list[Any]:
    # Without the keys is a world of its own, below.
    paths = [path for path in PATHS if path.leaks and path.alone is not Wall.KEYS]
    return [pytest.param(path, id=path.name) for path in paths if path.runs_on(dialect)]


def guarded_by(wall: Wall) -> list[Any]:
    return [pytest.param(path, id=path.name) for path in PATHS if path.alone is wall]


def leaks(got: Outcome, alone: Outcome) -> bool:
    """Tell whether Bob's rows were seen or changed, or can be told of by what differs."""
    differs = got.value != alone.value or type(got.error) is not type(alone.error)
    return bool(got.bobs) or got.shows_bob() or differs


@pytest.fixture(scope="module")
def loose_pair(postgres: Postgres) -> Iterator[tuple[World, World]]:
    """Worlds with single-column keys: wall 3 is off."""
    both = postgres_world(postgres, keys=False)
    pair = both, postgres_world(postgres, keys=False, users=(ALICE,))
    yield pair
    for world in pair:
        world.dispose()


def check_leak(pair: tuple[World, World], path: Path, run: Callable[[], object]) -> None:
    got = outcome(pair[0], run)
    alone = outcome(pair[1], plain_run(pair[1], path.run))
    assert leaks(got, alone), f"{got.value!r} {got.error!r}"


@pytest.mark.parametrize("path", leaking("sqlite"))
def test_no_wall_on_sqlite(sqlite_pair: tuple[World, World], path: Path) -> None:
    check_leak(sqlite_pair, path, plain_run(sqlite_pair[0], path.run))


@pytest.mark.parametrize("path", leaking("postgresql"))
def test_no_wall_on_postgresql(postgres_pair: tuple[World, World], path: Path) -> None:
    check_leak(postgres_pair, path, plain_run(postgres_pair[0], path.run))


@pytest.mark.parametrize("path", guarded_by(Wall.COMPILER))
def test_without_the_compiler(postgres_pair: tuple[World, World], path: Path) -> None:
    world = postgres_pair[0]
    engine = sa.create_engine(world.app_url)
    tell_the_user(engine)

    def run() -> object:
        with Session(engine.execution_options(betterguard_user=ALICE)) as session:
            return as_alice(session, path.run, world.models)

    check_leak(postgres_pair, path, run)
    engine.dispose()


@pytest.mark.parametrize("path", guarded_by(Wall.POLICIES))
def test_without_the_policies(postgres_pair: tuple[World, World], path: Path) -> None:
    world = postgres_pair[0]
    # No policy binds the superuser.
    engine = rows.isolate(sa.create_engine(world.owner.url), world.models.metadata)
    check_leak(postgres_pair, path, isolated_run(engine, world, path))
    engine.dispose()


@pytest.mark.parametrize("path", guarded_by(Wall.KEYS))
def test_without_the_keys(loose_pair: tuple[World, World], path: Path) -> None:
    world = loose_pair[0]
    engine = rows.isolate(sa.create_engine(world.app_url), world.models.metadata)
    check_leak(loose_pair, path, isolated_run(engine, world, path))
    engine.dispose()


def isolated_run(engine: sa.Engine, world: World, path: Path) -> Callable[[], object]:
    def run() -> object:
        with rows.session(engine, ALICE) as session:
            return as_alice(session, path.run, world.models)

    return run


@pytest.mark.parametrize("wall", Wall, ids=lambda wall: wall.name.lower())
def test_each_wall_guards_some_path_alone(wall: Wall) -> None:
    assert len(guarded_by(wall)) >= 2
