"""Each thing wrong with a database is found, told, and mended by the SQL that is given."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import create_async_engine

from betterguard import rows
from betterguard.errors import ConfigurationError
from tests.rows.world import (
    APP_ROLE,
    models,
    postgres_world,
    sqlite_world,
    with_foreign_keys,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.rows.world import World
    from tests.servers.postgres import Postgres

DEFINER = (
    "CREATE FUNCTION peek() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT 1::bigint'"
)
NESTED = """
CREATE VIEW inner_notes WITH (security_invoker) AS SELECT * FROM note;
CREATE {kind} VIEW outer_notes AS SELECT * FROM inner_notes;
GRANT SELECT ON inner_notes, outer_notes TO app"""
OPEN_PART = """
CREATE TABLE note_part () INHERITS (note);
ALTER TABLE note_part ENABLE ROW LEVEL SECURITY; ALTER TABLE note_part FORCE ROW LEVEL SECURITY;
CREATE POLICY everyone ON note_part USING (true);
GRANT SELECT (id) ON note_part TO app"""
INLINE = "CREATE OR REPLACE FUNCTION betterguard_user() RETURNS text "
PART = "CREATE TABLE note_part () INHERITS (note); GRANT SELECT ON note_part TO app"
RESTRICTIVE = "betterguard_only_own_rows"
# (what someone did, the finding's code, its subject)
DAMAGES = [
    pytest.param(
        "ALTER TABLE note DISABLE ROW LEVEL SECURITY", "not_enabled", "note", id="disabled"
    ),
    pytest.param(
        "ALTER TABLE tag NO FORCE ROW LEVEL SECURITY", "not_forced", "tag", id="not-forced"
    ),
    pytest.param(f"DROP POLICY {RESTRICTIVE} ON note", "policy", "note", id="policy-dropped"),
    pytest.param(
        f"ALTER POLICY {RESTRICTIVE} ON note USING (true)", "policy", "note", id="policy-true"
    ),
    pytest.param(
        f"ALTER POLICY {RESTRICTIVE} ON note WITH CHECK (user_id <> '')",
        "policy",
        "note",
        id="policy-check",
    ),
    pytest.param(
        f"ALTER POLICY {RESTRICTIVE} ON comment USING (note_id > 0)",
        "policy",
        "comment",
        id="policy-of-child",
    ),
    pytest.param(
        f"ALTER POLICY {RESTRICTIVE} ON note TO postgres",
        "policy",
        "note",
        id="policy-of-another-role",
    ),
    pytest.param("ALTER ROLE app BYPASSRLS", "bypassrls", "app", id="bypassrls"),
    pytest.param("ALTER ROLE app SUPERUSER", "superuser", "app", id="superuser"),
    pytest.param("ALTER TABLE tag OWNER TO app", "owner", "tag", id="owner"),
    pytest.param(
        "CREATE VIEW all_notes AS SELECT * FROM note; GRANT SELECT ON all_notes TO app",
        "view",
        "all_notes",
        id="view",
    ),
    pytest.param(
        "CREATE MATERIALIZED VIEW old_notes AS SELECT * FROM note; GRANT SELECT ON old_notes TO app",
        "materialized_view",
        "old_notes",
        id="materialized-view",
    ),
    pytest.param(NESTED.format(kind=""), "view", "outer_notes", id="view-of-view"),
    pytest.param(
        NESTED.format(kind="MATERIALIZED"), "materialized_view", "outer_notes", id="copy-of-view"
    ),
    pytest.param(
        "CREATE VIEW gone AS SELECT * FROM tag; GRANT DELETE ON gone TO app",
        "view",
        "gone",
        id="view-to-delete-from",
    ),
    pytest.param(
        "CREATE VIEW one AS SELECT * FROM tag; GRANT SELECT (name) ON one TO app",
        "view",
        "one",
        id="column-of-a-view",
    ),
    pytest.param(OPEN_PART, "partition", "note_part", id="child-table-with-policy"),
    pytest.param("GRANT ALL ON note TO app", "truncate", "note", id="truncate"),
    pytest.param(
        "GRANT SELECT ON credential TO app", "closed_granted", "credential", id="closed-granted"
    ),
    pytest.param(
        "CREATE ROLE boss BYPASSRLS; GRANT boss TO app WITH INHERIT FALSE",
        "bypassing_member",
        "boss",
        id="member-of-bypassrls",
    ),
    pytest.param(
        "CREATE ROLE boss; ALTER TABLE tag OWNER TO boss; GRANT boss TO app WITH INHERIT FALSE",
        "owner",
        "tag",
        id="member-of-owner",
    ),
    pytest.param(
        f"{INLINE} LANGUAGE sql BEGIN ATOMIC SELECT 'bob'::text; END",
        "user_function",
        "betterguard_user",
        id="user-function-in-sql",
    ),
    pytest.param(
        "ALTER FUNCTION betterguard_user() SET app.user_id = 'bob'",
        "user_function",
        "betterguard_user",
        id="user-function-with-a-setting",
    ),
    pytest.param(
        "ALTER FUNCTION betterguard_user() VOLATILE",
        "user_function",
        "betterguard_user",
        id="user-function-volatile",
    ),
    pytest.param(
        "ALTER FUNCTION betterguard_user() OWNER TO app",
        "function_owner",
        "betterguard_user",
        id="user-function-owned",
    ),
    pytest.param(DEFINER, "security_definer", "peek()", id="security-definer"),
    pytest.param(PART, "partition", "note_part", id="child-table"),
    pytest.param(
        "CREATE OR REPLACE FUNCTION betterguard_user() RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
        "user_function",
        "betterguard_user",
        id="user-function",
    ),
    pytest.param("ALTER TABLE tag ADD UNIQUE (name)", "telling_unique", "tag", id="unique"),
    pytest.param(
        "CREATE UNIQUE INDEX tag_once ON tag (name) WHERE id > 0",
        "telling_unique",
        "tag",
        id="unique-index",
    ),
    pytest.param(
        "CREATE UNIQUE INDEX tag_once ON tag (lower(name), id)",
        "telling_unique",
        "tag",
        id="unique-expression",
    ),
    pytest.param(
        'ALTER TABLE tag ADD "Nick" text; ALTER TABLE tag ADD CONSTRAINT "Once" UNIQUE ("Nick")',
        "telling_unique",
        "tag",
        id="unique-in-capitals",
    ),
    pytest.param(
        'ALTER TABLE tag ADD "Up" integer CONSTRAINT "Above" REFERENCES tag (id)',
        "loose_reference",
        "tag",
        id="reference-in-capitals",
    ),
    pytest.param(
        "ALTER TABLE comment ADD reply_to integer REFERENCES comment (id)",
        "loose_reference",
        "comment",
        id="reference-between-children",
    ),
    pytest.param(
        "ALTER TABLE note ADD first integer REFERENCES comment (id)",
        "loose_reference",
        "note",
        id="reference-to-a-child",
    ),
    pytest.param(
        "ALTER TABLE note ADD FOREIGN KEY (folder_id) REFERENCES folder (id)",
        "loose_reference",
        "note",
        id="reference",
    ),
    pytest.param(
        "ALTER TABLE note ADD FOREIGN KEY (country_id) REFERENCES country (id) ON DELETE CASCADE",
        "shared_cascade",
        "note",
        id="cascade",
    ),
]


@pytest.fixture
def world(postgres: Postgres) -> Iterator[World]:
    world = postgres_world(postgres)
    yield world
    with world.owner.begin() as connection:
        connection.exec_driver_sql(f"ALTER ROLE {APP_ROLE} NOSUPERUSER NOBYPASSRLS")
        connection.exec_driver_sql(
            "DO $$ BEGIN REASSIGN OWNED BY boss TO postgres; DROP ROLE boss;"
            " EXCEPTION WHEN undefined_object THEN END $$"
        )
    world.dispose()


def run(world: World, sql: str) -> None:
    with world.owner.begin() as connection:
        connection.exec_driver_sql(sql.replace("%", "%%"))


def report(world: World) -> rows.Report:
    engine = sa.create_engine(world.app_url)
    try:
        return rows.inspect_database(engine, world.models.metadata)
    finally:
        engine.dispose()


def test_a_database_made_by_policies_and_grants_is_right(world: World) -> None:
    assert str(report(world)) == "the database keeps each user to their own rows"


@pytest.mark.parametrize(("damage", "code", "subject"), DAMAGES)
def test_damage_is_found_and_mended(world: World, damage: str, code: str, subject: str) -> None:
    run(world, damage)
    found = report(world).findings
    named = {(finding.code, finding.subject.strip('"')) for finding in found}
    assert (code, subject) in named
    for finding in found:
        run(world, finding.mend.replace("another_role", "postgres"))
    assert report(world).findings == ()


def test_an_owner_may_refer_to_a_closed_table_of_users() -> None:
    metadata = sa.MetaData()
    sa.Table("user", metadata, sa.Column("id", sa.Text, primary_key=True), info=rows.closed())
    key = sa.Column("id", sa.Integer, primary_key=True)
    own = sa.Column("user_id", sa.ForeignKey("user.id"), **rows.owner())
    sa.Table("task", metadata, key, own)
    engine = with_foreign_keys(sa.create_engine("sqlite://"))
    metadata.create_all(engine)
    assert rows.inspect_database(engine, metadata).findings == ()
    engine.dispose()


def test_where_only_a_person_can_decide_no_sql_is_given(world: World) -> None:
    run(world, "ALTER TABLE comment ADD tag_id integer REFERENCES tag (id)")
    [found] = report(world).findings
    assert (found.code, found.subject, found.mend) == ("loose_reference", "comment", "")
    assert str(found) == "comment (tag_id) may refer to another user's tag"


def test_a_login_that_only_put_the_role_on_is_found(world: World) -> None:
    engine = sa.create_engine(world.owner.url.update_query_dict({"options": "-c role=app"}))
    [found] = rows.inspect_database(engine, world.models.metadata).findings
    engine.dispose()
    assert (found.code, found.subject, found.mend) == ("bypassing_login", "postgres", "")


def test_a_child_table_that_is_declared_is_looked_at_by_itself(world: World) -> None:
    metadata = sa.MetaData()
    for name in ("paper", "paper_of_may"):
        columns = sa.Column("id", sa.Integer, primary_key=True), sa.Column("day", sa.Integer)
        sa.Table(name, metadata, *columns, sa.Column("user_id", sa.Text, **rows.owner()))
    run(world, "CREATE TABLE paper (id int, day int, user_id text) PARTITION BY RANGE (day)")
    run(world, "CREATE TABLE paper_of_may PARTITION OF paper FOR VALUES FROM (1) TO (32)")
    for statement in (
        *rows.policies(metadata, role=APP_ROLE),
        "GRANT SELECT ON paper, paper_of_may TO app",
    ):
        run(world, statement)
    engine = sa.create_engine(world.app_url)
    assert rows.inspect_database(engine, metadata).findings == ()
    engine.dispose()


@pytest.mark.parametrize("name", ["child", "member", "name", "owned", "reader", "schema"])
def test_verify_takes_tables_of_any_name(world: World, name: str) -> None:
    metadata = sa.MetaData()
    columns = sa.Column("id", sa.Integer, primary_key=True), sa.Column("x", sa.Text)
    sa.Table(name, metadata, *columns, sa.Column("user_id", sa.Text, **rows.owner()))
    metadata.create_all(world.owner)
    for statement in (
        *rows.policies(metadata, role=APP_ROLE),
        *rows.grants(metadata, role=APP_ROLE),
    ):
        run(world, statement)
    engine = sa.create_engine(world.app_url)
    assert rows.isolate(engine, metadata, verify=True) is engine
    engine.dispose()


def test_verify_refuses_to_start(world: World) -> None:
    run(world, "ALTER TABLE note DISABLE ROW LEVEL SECURITY")
    engine = sa.create_engine(world.app_url)
    with pytest.raises(ConfigurationError, match="has no row-level security"):
        rows.isolate(engine, world.models.metadata, verify=True)
    engine.dispose()


def test_verify_refuses_the_first_connection_of_an_async_engine(world: World) -> None:
    run(world, "ALTER TABLE note DISABLE ROW LEVEL SECURITY")
    engine = create_async_engine(world.app_url.set(drivername="postgresql+asyncpg"))
    rows.isolate(engine, world.models.metadata, verify=True)

    async def connect_twice() -> None:
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="has no row-level security"):
                async with rows.session(engine, "alice") as session:
                    await session.scalar(sa.select(sa.literal(1)))
        await engine.dispose()

    asyncio.run(connect_twice())


def test_verify_lets_an_async_engine_of_a_right_database_work(world: World) -> None:
    world.reset()
    engine = create_async_engine(world.app_url.set(drivername="postgresql+asyncpg"))
    rows.isolate(engine, world.models.metadata, verify=True)

    async def read_twice() -> list[set[str]]:
        owners = []
        for user in ("alice", "bob"):
            async with rows.session(engine, user) as session:
                owners.append(set(await session.scalars(sa.select(world.models.Note.user_id))))
        await engine.dispose()
        return owners

    assert asyncio.run(read_twice()) == [{"alice"}, {"bob"}]


def test_the_policies_use_the_index_and_one_init_plan(world: World) -> None:
    run(
        world,
        "INSERT INTO tag (user_id, name) SELECT 'u' || n % 1000, 'x' FROM generate_series(1, 50000) n",
    )
    run(world, "CREATE INDEX tag_by_owner ON tag (user_id); ANALYZE tag")
    engine = sa.create_engine(world.app_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT set_config('app.user_id', 'u1', true)")
        plan = "\n".join(connection.exec_driver_sql("EXPLAIN SELECT * FROM tag").scalars())
    engine.dispose()
    assert "tag_by_owner" in plan
    assert "InitPlan" in plan


def test_sqlite_is_inspected_for_its_keys(tmp_path: Path) -> None:
    world = sqlite_world(tmp_path, keys=False)
    found = rows.inspect_database(world.owner, world.models.metadata).findings
    codes = {one.code for one in found}
    world.dispose()
    assert codes == {"telling_unique", "loose_reference", "shared_cascade"}
    # SQLite has no ALTER TABLE for constraints.
    assert {one.mend for one in found} == {""}
    unchecked = sa.create_engine(world.app_url)
    found = rows.inspect_database(unchecked, models(keys=False).metadata).findings
    assert "keys_unchecked" in {finding.code for finding in found}
    unchecked.dispose()


def test_the_application_cannot_switch_its_policies_off(world: World) -> None:
    engine = sa.create_engine(world.app_url)
    for sql in (
        "ALTER TABLE note DISABLE ROW LEVEL SECURITY",
        "DROP POLICY betterguard_own_rows ON note",
    ):
        with (
            engine.begin() as connection,
            pytest.raises(exc.ProgrammingError, match="must be owner"),
        ):
            connection.exec_driver_sql(sql)
    engine.dispose()
