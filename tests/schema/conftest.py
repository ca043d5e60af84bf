"""A database for each test, through each driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.schema.databases import (
    POSTGRES_DRIVERS,
    SQLITE_DRIVERS,
    TIME_ZONES,
    Database,
    postgres_database,
    sqlite_database,
)

if TYPE_CHECKING:
    from tests.servers.postgres import Postgres

EVERY_POSTGRES = [(driver, zone) for driver in POSTGRES_DRIVERS for zone in TIME_ZONES]
EVERY_DATABASE = [*EVERY_POSTGRES, *((driver, "") for driver in SQLITE_DRIVERS)]


def _names(pairs: list[tuple[str, str]]) -> list[str]:
    return [f"{driver}-{zone}".rstrip("-") for driver, zone in pairs]


@pytest.fixture(scope="session", params=EVERY_DATABASE, ids=_names(EVERY_DATABASE))
def database(
    request: pytest.FixtureRequest, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Database:
    """Every driver, PostgreSQL's in sessions of several time zones; one database for the run."""
    driver, zone = request.param
    if driver in SQLITE_DRIVERS:
        return sqlite_database(tmp_path_factory.mktemp(driver), driver)
    return postgres_database(postgres, driver, zone)


@pytest.fixture(scope="session", params=[*POSTGRES_DRIVERS, *SQLITE_DRIVERS])
def any_driver(
    request: pytest.FixtureRequest, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Database:
    """Every driver, once; one database for the run."""
    if request.param in SQLITE_DRIVERS:
        return sqlite_database(tmp_path_factory.mktemp(request.param), request.param)
    return postgres_database(postgres, request.param)


@pytest.fixture(scope="session", params=EVERY_POSTGRES, ids=_names(EVERY_POSTGRES))
def postgres_session(request: pytest.FixtureRequest, postgres: Postgres) -> Database:
    """Every PostgreSQL driver, in sessions of several time zones; one database for the run."""
    return postgres_database(postgres, *request.param)


@pytest.fixture
def postgres_only(postgres: Postgres) -> Database:
    """One empty PostgreSQL database of the test's own, through psycopg."""
    return postgres_database(postgres)
