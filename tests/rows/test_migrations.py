"""A real Alembic on a real PostgreSQL: policies come, stay, and go again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

import betterguard.rows.migrations  # noqa: F401  # what an env.py imports
from betterguard import rows
from tests.rows.world import APP_ROLE, models

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.postgres import Postgres

ENVIRONMENT = """
from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes.get("connection"),
    dialect_name="postgresql",
    target_metadata=attributes["metadata"],
    betterguard_role=attributes["role"],
)
with context.begin_transaction():
    context.run_migrations()
"""
TEMPLATE = """
from alembic import op
import sqlalchemy as sa
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
"""
BY_HAND = """
from alembic import op
from tests.rows.world import models
revision, down_revision = "hand", None


def upgrade():
    models(keys=True).metadata.create_all(op.get_bind())
    op.guard_rows(models(keys=True).metadata, role="app")


def downgrade():
    op.unguard_rows(models(keys=True).metadata, role="app")
"""


@dataclass(frozen=True)
class Project:
    """A folder of migrations and a database, as an application has them."""

    folder: Path
    owner: sa.Engine
    app_url: sa.URL
    metadata: sa.MetaData
    role: str | None = APP_ROLE

    def alembic(self, run: Any, *arguments: Any, **options: Any) -> Any:
        config = Config()
        config.set_main_option("script_location", str(self.folder))
        config.set_main_option("path_separator", "os")
        with self.owner.begin() as connection:
            config.attributes.update(connection=connection, metadata=self.metadata, role=self.role)
            return run(config, *arguments, **options)

    def autogenerate(self) -> str:
        script = self.alembic(command.revision, autogenerate=True)
        return (self.folder / "versions" / f"{script.revision}_.py").read_text("utf-8")

    def inspect(self) -> set[str]:
        engine = sa.create_engine(self.app_url)
        try:
            return {one.code for one in rows.inspect_database(engine, self.metadata).findings}
        finally:
            engine.dispose()

    def run(self, sql: str) -> None:
        with self.owner.begin() as connection:
            connection.exec_driver_sql(sql)


@pytest.fixture
def project(postgres: Postgres, tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(ENVIRONMENT, "utf-8")
    (tmp_path / "script.py.mako").write_text(TEMPLATE, "utf-8")
    postgres.server.psql(
        f"DO $$ BEGIN CREATE ROLE {APP_ROLE} LOGIN; EXCEPTION WHEN duplicate_object THEN END $$"
    )
    name = postgres.new_database()
    owner = sa.create_engine(postgres.url("psycopg", name))
    app_url = postgres.url("psycopg", name, APP_ROLE)
    yield Project(tmp_path, owner, app_url, models(keys=True).metadata)
    owner.dispose()


def test_one_migration_makes_tables_policies_and_grants(project: Project) -> None:
    written = project.autogenerate()
    assert "op.create_table('note'" in written
    assert "betterguard import" not in written, "a migration stays as it was when written"
    project.alembic(command.upgrade, "head")
    assert project.inspect() == set()
    engine = rows.isolate(sa.create_engine(project.app_url), project.metadata, verify=True)
    with rows.session(engine, "alice") as session:
        session.add(models(keys=True).Folder(name="mine"))
        session.commit()
    engine.dispose()


def test_the_next_migration_is_empty(project: Project) -> None:
    project.autogenerate()
    project.alembic(command.upgrade, "head")
    assert "op." not in project.autogenerate()
    project.alembic(command.upgrade, "head")
    project.alembic(command.check)


@pytest.mark.parametrize(
    ("damage", "written"),
    [
        pytest.param(
            "DROP POLICY betterguard_only_own_rows ON tag",
            "CREATE POLICY betterguard_only_own_rows ON tag",
            id="policy",
        ),
        pytest.param(
            "ALTER TABLE comment NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE comment FORCE ROW LEVEL SECURITY",
            id="force",
        ),
        pytest.param(
            "ALTER POLICY betterguard_own_rows ON note USING (true)",
            "CREATE POLICY betterguard_own_rows ON note",
            id="expression",
        ),
        pytest.param("REVOKE UPDATE ON folder FROM app", "ON folder TO app", id="grant"),
        pytest.param("REVOKE SELECT ON country FROM app", "SELECT ON country TO app", id="shared"),
    ],
)
def test_what_was_lost_is_written_anew(project: Project, damage: str, written: str) -> None:
    project.autogenerate()
    project.alembic(command.upgrade, "head")
    project.run(damage)
    with pytest.raises(CommandError, match="guard_rows"):
        project.alembic(command.check)
    assert written in project.autogenerate()
    project.alembic(command.upgrade, "head")
    assert "op." not in project.autogenerate()


def test_a_downgrade_takes_everything_back(project: Project) -> None:
    project.autogenerate()
    project.alembic(command.upgrade, "head")
    project.alembic(command.downgrade, "base")
    tables = set(sa.inspect(project.owner).get_table_names())
    assert tables == {"alembic_version"}
    project.alembic(command.upgrade, "head")
    assert project.inspect() == set()


def test_by_hand_in_a_migration_of_ones_own(project: Project) -> None:
    (project.folder / "versions" / "hand.py").write_text(BY_HAND, "utf-8")
    project.alembic(command.upgrade, "head")
    assert project.inspect() == set()
    project.alembic(command.downgrade, "base")
    assert "not_enabled" in project.inspect()
    with project.owner.connect() as connection:
        assert not connection.scalar(sa.text("SELECT has_table_privilege('app', 'note', 'SELECT')"))


def test_it_can_be_written_as_sql(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.autogenerate()
    project.alembic(command.upgrade, "head", sql=True)
    assert "CREATE POLICY betterguard_own_rows ON note" in capsys.readouterr().out


def test_without_a_role_nothing_is_compared(project: Project) -> None:
    careless = Project(project.folder, project.owner, project.app_url, project.metadata, role=None)
    assert "POLICY" not in careless.autogenerate()
