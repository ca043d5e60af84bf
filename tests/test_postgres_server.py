from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from tests.servers.postgres import Postgres


def test_the_server_is_postgresql_18(postgres: Postgres) -> None:
    engine = sa.create_engine(postgres.url("psycopg", postgres.new_database()))
    with engine.connect() as connection:
        version = connection.scalar(sa.text("SHOW server_version"))
    engine.dispose()
    assert str(version).startswith("18.")
