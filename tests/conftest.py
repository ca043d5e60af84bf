"""What every test may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.postgres import running_postgres
from tests.wine import be_patient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.postgres import Postgres


be_patient()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the whole run; tests take a database each."""
    with running_postgres() as server:
        yield server
