"""The demo's back end with one fault at a time: the attack finds each, and none where none is."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import psycopg
import pytest

from demo.backend.migration import migrate
from tests.e2e.faults import BY_HAND, FAULTS
from tests.e2e.faults.copying import ALICE, BOB, Change, Scope, attacked, copied, processes
from tests.e2e.faults.lines import EVERYBODYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tests.e2e.faults.copying import Found
    from tests.servers.postgres import Postgres

    Attacked = Callable[[Iterable[Change], Scope], Found]

# The back end gives its database up after seconds; a machine may stand still longer.
PATIENT = (
    Change("db.py", '{"timeout": 2.0, "command_timeout": 3.0}', '{"timeout": 300.0}'),
    Change("db.py", "POOL_SECONDS = 5.0", "POOL_SECONDS = 300.0"),
)


@pytest.fixture(scope="module")
def environment(postgres: Postgres) -> dict[str, str]:
    """A database with the demo's tables and two of Better Auth's users; how to reach it."""
    database, role = postgres.new_database(), f"demo_app_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres.libpq_url(database), autocommit=True) as connection:
        connection.execute(f'CREATE ROLE "{role}" LOGIN'.encode())
        connection.execute('CREATE TABLE "user" (id text PRIMARY KEY)')
        connection.execute('INSERT INTO "user" VALUES (%s), (%s)', [ALICE, BOB])
    owner = postgres.url("asyncpg", database).render_as_string(hide_password=False)
    asyncio.run(migrate(owner, role))
    url = postgres.url("asyncpg", database, role).render_as_string(hide_password=False)
    return {"DATABASE_URL": url, "OWNER_URL": owner, "FRONTEND_URL": "http://localhost:3000"}


@pytest.fixture(scope="module")
def attack(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Attacked]:
    """Attack a copy of the back end with changes in it."""
    with processes() as pool:

        def run(changes: Iterable[Change], scope: Scope) -> Found:
            folder: Path = copied(tmp_path_factory.mktemp("copy"), (*PATIENT, *changes))
            return pool.submit(attacked, folder, environment, scope).result()

        yield run


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param((), id="as-it-is"),
        pytest.param((*BY_HAND, EVERYBODYS), id="with-what-faults-need"),
    ],
)
def test_nothing_is_found_without_a_fault(attack: Attacked, changes: tuple[Change, ...]) -> None:
    found = attack(changes, Scope())
    assert found.open == frozenset()
    assert found.unexercised == ()
    assert found.left_behind == ()
    assert found.held > 200


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(attack: Attacked, name: str) -> None:
    fault = FAULTS[name]
    found = attack(fault.changes, fault.scope)
    assert (fault.attack, fault.operation) in found.open


def test_there_are_thirty_faults_and_more() -> None:
    assert len(FAULTS) >= 30


def test_a_text_that_is_not_there_is_told(tmp_path: Path) -> None:
    change = Change("auth.py", "no such text", "")
    with pytest.raises(AssertionError, match=r"not once in auth\.py: 'no such text'"):
        copied(tmp_path, [change])
