"""A real Alembic, in one database with a real Better Auth, leaves its tables alone."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from betterguard.schema import Layout, Timestamps, leave_alone, map_better_auth, render_item
from tests.schema.databases import Database, postgres_database
from tests.schema.shapes import DRIZZLE
from tests.servers.better_auth import running_better_auth

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.postgres import Postgres

ENVIRONMENT = """
from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=attributes["metadata"],
    compare_server_default=True,
    include_schemas=attributes["schemas"],
    **attributes["options"],
)
with context.begin_transaction():
    context.run_migrations()
"""
TEMPLATE = """
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
"""


class Base(DeclarativeBase):
    pass


class Task(Timestamps, Base):
    __tablename__ = "task"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id"), index=True)


@dataclass(frozen=True)
class Project:
    """A folder of migrations, as an application has it."""

    folder: Path
    database: Database

    def autogenerate(
        self, metadata: MetaData, options: dict[str, Any], *, schemas: bool = False
    ) -> str:
        """Let Alembic write a migration, run it, and give its ``upgrade``."""
        with self.database.session() as session:
            config = self._config(session, metadata, options, schemas=schemas)
            script: Any = command.revision(config, autogenerate=True)
            command.upgrade(config, "head")
            session.commit()
        written = (self.folder / "versions" / f"{script.revision}_.py").read_text("utf-8")
        return written.partition("def upgrade():")[2].partition("def downgrade():")[0]

    def _config(
        self, session: Session, metadata: MetaData, options: dict[str, Any], *, schemas: bool
    ) -> Config:
        config = Config()
        config.set_main_option("script_location", str(self.folder))
        config.set_main_option("path_separator", "os")
        config.attributes.update(
            connection=session.connection(), metadata=metadata, options=options, schemas=schemas
        )
        return config


@pytest.fixture
def project(postgres: Postgres, tmp_path: Path) -> Project:
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(ENVIRONMENT, "utf-8")
    (tmp_path / "script.py.mako").write_text(TEMPLATE, "utf-8")
    return Project(tmp_path, postgres_database(postgres))


@pytest.fixture(scope="module")
def migrated(postgres: Postgres) -> str:
    """The name of a database that a real Better Auth has migrated."""
    name = postgres.new_database()
    with running_better_auth(database=postgres.libpq_url(name)):
        return name


@pytest.fixture
def with_better_auth(project: Project, postgres: Postgres, migrated: str) -> Project:
    copy = f"{migrated}_{uuid.uuid4().hex[:8]}"
    postgres.server.psql(f'CREATE DATABASE "{copy}" TEMPLATE "{migrated}"')
    return replace(project, database=postgres_database(postgres, name=copy))


def _options() -> dict[str, Any]:
    return {"include_object": leave_alone(map_better_auth(Base)), "render_item": render_item}


def test_a_migration_makes_only_our_table(with_better_auth: Project) -> None:
    written = with_better_auth.autogenerate(Base.metadata, _options())
    lines = [line.strip() for line in written.splitlines() if "op." in line]
    assert lines == [
        "op.create_table('task',",
        "op.create_index(op.f('ix_task_user_id'), 'task', ['user_id'], unique=False)",
    ]


def test_the_migration_needs_nothing_of_this_library(with_better_auth: Project) -> None:
    written = with_better_auth.autogenerate(Base.metadata, _options())
    assert "betterguard" not in written
    assert "sa.DateTime(timezone=True), server_default=sa.text('now()')" in written
    assert "sa.ForeignKeyConstraint(['user_id'], ['user.id'], )" in written


def test_the_next_migration_is_empty(with_better_auth: Project) -> None:
    with_better_auth.autogenerate(Base.metadata, _options())
    assert "op." not in with_better_auth.autogenerate(Base.metadata, _options())


def test_without_the_hook_alembic_would_touch_them(with_better_auth: Project) -> None:
    map_better_auth(Base)
    with pytest.warns(UserWarning, match="unnamed constraint on table"):
        written = with_better_auth.autogenerate(Base.metadata, {"render_item": render_item})
    assert "op.drop_constraint(op.f('session_userId_fkey'), 'session'" in written


def test_the_tables_survive(with_better_auth: Project) -> None:
    with_better_auth.autogenerate(Base.metadata, _options())
    with with_better_auth.database.session() as session:
        tables = set(inspect(session.connection()).get_table_names())
    assert tables >= {"user", "session", "account", "verification", "jwks", "task"}


@pytest.mark.parametrize("table", ["organization", "twoFactor"])
def test_tables_of_plugins_are_not_dropped(project: Project, table: str) -> None:
    with project.database.session() as session:
        session.connection().exec_driver_sql(f'CREATE TABLE "{table}" (id text PRIMARY KEY)')
        session.commit()
    auth = map_better_auth(MetaData())
    assert "op." not in project.autogenerate(auth.metadata, {"include_object": leave_alone(auth)})


def test_a_table_of_ours_with_a_plugin_s_name_is_ours(project: Project) -> None:
    auth = map_better_auth(MetaData())
    Table("team", auth.metadata, Column("id", Integer, primary_key=True))
    written = project.autogenerate(auth.metadata, {"include_object": leave_alone(auth)})
    assert "op.create_table('team'" in written


def test_an_unknown_table_is_dropped_as_ever(project: Project) -> None:
    with project.database.session() as session:
        session.connection().exec_driver_sql("CREATE TABLE leftover (id text PRIMARY KEY)")
        session.commit()
    auth = map_better_auth(MetaData())
    written = project.autogenerate(auth.metadata, {"include_object": leave_alone(auth)})
    assert "op.drop_table('leftover')" in written


def test_another_schema_and_plural_names_are_left_alone(project: Project) -> None:
    with project.database.session() as session:
        for statement in DRIZZLE.statements:
            session.connection().exec_driver_sql(statement)
        session.commit()
    auth = map_better_auth(MetaData(), DRIZZLE.layout)
    written = project.autogenerate(
        auth.metadata, {"include_object": leave_alone(auth)}, schemas=True
    )
    assert "op." not in written


def test_the_application_s_own_choice_is_asked_about_the_rest(project: Project) -> None:
    auth = map_better_auth(MetaData(), Layout(plugin_tables=()))
    for name in ("wanted", "unwanted"):
        Table(name, auth.metadata, Column("id", Integer, primary_key=True))

    def own(_object: object, name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or name == "wanted"

    written = project.autogenerate(auth.metadata, {"include_object": leave_alone(auth, own)})
    assert "'wanted'" in written
    assert "'unwanted'" not in written
