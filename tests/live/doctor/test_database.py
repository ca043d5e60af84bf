from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

from betterguard import rows
from betterguard.live.doctor import Report, Status
from betterguard.live.doctor.connecting import Unconnected, _told, look, read_address
from betterguard.live.doctor.database_checks import FINDINGS
from betterguard.schema.finding import Code
from tests.live.doctor.databases import METADATA, ROLE, notes_database
from tests.live.doctor.diagnosing import diagnosed, named, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from tests.live.doctor.databases import NotesDatabase
    from tests.servers.postgres import Postgres

RESTRICTIVE = "betterguard_only_own_rows"
AS_NUMBER = "ALTER TABLE note ALTER created_at DROP DEFAULT, ALTER created_at TYPE bigint USING 0"
NAIVE = "ALTER TABLE note ALTER created_at DROP DEFAULT, ALTER created_at TYPE timestamp"
DEFINER = "CREATE FUNCTION peek() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'"
DAMAGES = [
    pytest.param(
        "ALTER TABLE note DISABLE ROW LEVEL SECURITY", {"not-enabled"}, id="row-level-security-off"
    ),
    pytest.param("ALTER TABLE note NO FORCE ROW LEVEL SECURITY", {"not-forced"}, id="not-forced"),
    pytest.param(f"DROP POLICY {RESTRICTIVE} ON note", {"policy"}, id="policy-missing"),
    pytest.param(f"ALTER TABLE note OWNER TO {ROLE}", {"owner"}, id="owner-role"),
    pytest.param(
        f"ALTER ROLE {ROLE} SUPERUSER", {"superuser", "owner", "function-owner"}, id="superuser"
    ),
    pytest.param(f"ALTER ROLE {ROLE} BYPASSRLS", {"bypassrls"}, id="bypassrls"),
    pytest.param(f"GRANT TRUNCATE ON note TO {ROLE}", {"truncate"}, id="truncate"),
    pytest.param(AS_NUMBER, {"time-as-number"}, id="integer-column"),
    pytest.param(NAIVE, {"zone-missing"}, id="naive-column"),
    pytest.param("DROP TABLE note", {"table-missing"}, id="table-missing"),
    pytest.param(
        f"CREATE VIEW every_note AS TABLE note; GRANT SELECT ON every_note TO {ROLE}",
        {"view"},
        id="view",
    ),
]
PASSWORD = "hunter2/and%more"
QUOTED = "hunter2%2Fand%25more"


@pytest.fixture(scope="module")
def kept(postgres: Postgres) -> Iterator[NotesDatabase]:
    with notes_database(postgres) as made:
        yield made


@pytest.fixture
def database(kept: NotesDatabase) -> NotesDatabase:
    kept.rebuild()
    return kept


def examined(address: str, metadata: str = METADATA) -> Report:
    return diagnosed(subject_of({}, database=address, metadata=metadata), "database")


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_a_database_as_it_should_be(database: NotesDatabase, driver: str) -> None:
    database.run("INSERT INTO note (user_id, title) VALUES ('ada', 'a row to be kept from us')")
    report = examined(database.url(driver))
    assert named(report) | named(report, Status.WARNING) == set()
    assert {"database.rows", "database.schema"} <= named(report, Status.OK)


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_a_moment_is_known_by_its_model_where_rows_are_kept_from_us(
    database: NotesDatabase, driver: str
) -> None:
    database.run("INSERT INTO note (user_id, title) VALUES ('ada', 'a row to be kept from us')")
    database.run(AS_NUMBER)
    assert named(examined(database.url(driver))) == {"database.time-as-number"}


@pytest.mark.parametrize(("damage", "codes"), DAMAGES)
def test_a_database_that_is_wrong_is_named(
    database: NotesDatabase, damage: str, codes: set[str]
) -> None:
    database.run(damage)
    assert named(examined(database.url())) == {f"database.{code}" for code in codes}


def test_what_may_be_meant_so_is_a_warning(database: NotesDatabase) -> None:
    database.run(DEFINER)
    report = examined(database.url())
    assert (named(report), named(report, Status.WARNING)) == (set(), {"database.security-definer"})


def test_tables_without_owners_are_a_warning(database: NotesDatabase) -> None:
    report = examined(database.url(), "tests.live.doctor.undeclared:metadata")
    assert "database.declared" in named(report, Status.WARNING)


def test_nothing_can_be_written(database: NotesDatabase) -> None:
    database.run("CREATE TABLE seen (name text)", f"GRANT ALL ON seen TO {ROLE}")

    def write(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO seen VALUES ('doctor')")

    with pytest.raises(Unconnected, match="read-only transaction"):
        asyncio.run(look(read_address(database.url()), write))


@pytest.mark.parametrize(
    ("address", "check"),
    [
        pytest.param(
            f"postgresql+psycopg://app:{QUOTED}@127.0.0.1:9/app",
            "database.reachable",
            id="nobody-listens",
        ),
        pytest.param(
            f"postgresql+asyncpg://app:{QUOTED}@127.0.0.1:9/app",
            "database.reachable",
            id="nobody-listens-async",
        ),
        pytest.param(
            f"postgresql://app:{QUOTED}@db.invalid/app", "database.reachable", id="unknown-host"
        ),
        pytest.param(
            f"host=db password={PASSWORD}", "database.address", id="another-form-of-address"
        ),
        pytest.param(f"postgresql://app:{PASSWORD}@db:port/app", "database.address", id="no-port"),
        pytest.param(f"oracle9://app:{QUOTED}@db/app", "database.reachable", id="unknown-database"),
    ],
)
def test_an_address_that_leads_nowhere_is_named(address: str, check: str) -> None:
    report = examined(address)
    assert named(report) == {check}
    assert not any(secret in repr(report) for secret in (PASSWORD, QUOTED, "hunter2"))


@pytest.mark.parametrize("written", [PASSWORD, QUOTED])
def test_a_driver_s_message_loses_the_password(written: str) -> None:
    url = read_address(f"postgresql://app:{QUOTED}@db/app")
    assert _told(OSError(f"no route to app:{written}@db\nline 2"), url) == (
        "OSError: no route to app:***@db"
    )


def test_options_of_another_driver_are_named(database: NotesDatabase) -> None:
    report = examined(f"{database.url('asyncpg')}&sslmode=require")
    assert named(report) == {"database.address", "database.reachable"}


def test_an_old_scheme_is_a_warning(database: NotesDatabase) -> None:
    address = database.url().replace("postgresql+psycopg:", "postgres:")
    report = examined(address)
    assert (named(report), named(report, Status.WARNING)) == (set(), {"database.address"})


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param("app.models", id="no-attribute"),
        pytest.param("nowhere.at.all:Base", id="no-module"),
        pytest.param("tests.live.doctor.notes:Missing", id="missing-attribute"),
        pytest.param("tests.live.doctor.notes:ROLE", id="not-there"),
        pytest.param("tests.live.doctor.databases:ROLE", id="a-text"),
        pytest.param("tests.live.doctor.raising:Base", id="raises"),
    ],
)
def test_models_that_cannot_be_had_are_named(database: NotesDatabase, metadata: str) -> None:
    report = examined(database.url(), metadata)
    assert named(report) == {"database.models"}
    assert "a-password-in-an-error" not in repr(report)


def test_a_role_that_may_not_look_is_told(database: NotesDatabase) -> None:
    database.run(f"REVOKE USAGE ON SCHEMA public FROM PUBLIC, {ROLE}")
    assert "doctor.crash" not in named(examined(database.url()))


def test_every_finding_of_the_inspections_is_a_check() -> None:
    room = Path(rows.__file__).parent
    written = (room / name for name in ("catalog.py", "inspection.py"))
    codes = {
        code.replace("_", "-")
        for file in written
        for code in re.findall(r'Finding\(\s*"([a-z_]+)"', file.read_text(encoding="utf-8"))
    }
    assert len(codes) > 10
    assert codes | set(get_args(Code)) == set(FINDINGS)
