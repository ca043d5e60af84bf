"""Is the database as the three walls need it? What is not, and the SQL that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy import inspect as inspect_tables

from betterguard.errors import ConfigurationError
from betterguard.rows.catalog import catalog_findings
from betterguard.rows.findings import Finding
from betterguard.rows.ownership import Ownership

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import MetaData
    from sqlalchemy.engine import Inspector
    from sqlalchemy.engine.interfaces import ReflectedForeignKeyConstraint

    from betterguard.rows.ownership import Rule

__all__ = ["Finding", "Report", "inspect_database", "refuse_faults"]


@dataclass(frozen=True)
class Report:
    """What is wrong with a database; nothing, when ``findings`` is empty."""

    findings: tuple[Finding, ...]

    def __bool__(self) -> bool:
        return not self.findings

    def __str__(self) -> str:
        if not self.findings:
            return "the database keeps each user to their own rows"
        return "\n".join(f"{finding.code}: {finding}" for finding in self.findings)


def inspect_database(database: Engine | Connection, metadata: MetaData) -> Report:
    """Look for whatever lets a user reach another's rows in the database itself.

    Connect as the application's role: its attributes and privileges are a part of the answer.
    With an AsyncEngine: ``await connection.run_sync(inspect_database, metadata)``. The keys are
    looked at on SQLite too, roles, policies, views and functions on PostgreSQL.
    """
    if isinstance(database, Engine):
        with database.connect() as connection:
            return inspect_database(connection, metadata)
    ownership = Ownership(metadata)
    return Report(tuple(_findings(database, ownership)))


def refuse_faults(connection: Connection, metadata: MetaData) -> None:
    """Raise ConfigurationError with every finding."""
    report = inspect_database(connection, metadata)
    if not report:
        raise ConfigurationError([str(finding) for finding in report.findings])


def _findings(connection: Connection, ownership: Ownership) -> Iterator[Finding]:
    if connection.dialect.name == "postgresql":
        yield from catalog_findings(connection, ownership)
    elif not connection.scalar(text("PRAGMA foreign_keys")):
        message = "SQLite does not check foreign keys on this connection"
        yield Finding("keys_unchecked", "", message, "PRAGMA foreign_keys = ON")
    tables = inspect_tables(connection)
    for rule in ownership.rules:
        if rule.closed or not tables.has_table(rule.table.name, rule.table.schema):
            continue
        yield from _reference_findings(tables, ownership, rule)
        yield from _unique_findings(tables, rule)


def _reference_findings(tables: Inspector, ownership: Ownership, rule: Rule) -> Iterator[Finding]:
    shared = {table.fullname for table in ownership.shared_tables}
    for key in tables.get_foreign_keys(rule.table.name, rule.table.schema):
        there = ".".join(filter(None, (key["referred_schema"], key["referred_table"])))
        if there in shared and key.get("options", {}).get("ondelete") == "CASCADE":
            yield _cascade(rule, key, there)
        other = next((one for one in ownership.rules if one.table.fullname == there), None)
        if other is not None and not _holds_owner(rule, other, key):
            yield _loose_reference(rule, other, key)


def _holds_owner(rule: Rule, other: Rule, key: ReflectedForeignKeyConstraint) -> bool:
    if rule.owner is None or other.owner is None:
        return True  # a child's parent is checked by filter and policy, it has no owner column
    pairs = zip(key["constrained_columns"], key["referred_columns"], strict=True)
    return (rule.owner.name, other.owner.name) in pairs


def _loose_reference(rule: Rule, other: Rule, key: ReflectedForeignKeyConstraint) -> Finding:
    assert rule.owner is not None
    assert other.owner is not None
    here = ", ".join([rule.owner.name, *key["constrained_columns"]])
    there = ", ".join([other.owner.name, *key["referred_columns"]])
    table, parent = rule.table.fullname, other.table.fullname
    message = (
        f"{table} ({', '.join(key['constrained_columns'])}) may refer to another user's {parent}"
    )
    mend = (
        f"ALTER TABLE {parent} ADD UNIQUE ({there}); "
        f"ALTER TABLE {table} DROP CONSTRAINT {key['name']}, "
        f"ADD FOREIGN KEY ({here}) REFERENCES {parent} ({there})"
    )
    return Finding("loose_reference", table, message, mend)


def _cascade(rule: Rule, key: ReflectedForeignKeyConstraint, there: str) -> Finding:
    table = rule.table.fullname
    columns, referred = ", ".join(key["constrained_columns"]), ", ".join(key["referred_columns"])
    message = f"deleting a row of the shared {there} deletes every user's rows of {table}"
    mend = (
        f"ALTER TABLE {table} DROP CONSTRAINT {key['name']}, "
        f"ADD FOREIGN KEY ({columns}) REFERENCES {there} ({referred}) ON DELETE RESTRICT"
    )
    return Finding("shared_cascade", table, message, mend)


def _unique_findings(tables: Inspector, rule: Rule) -> Iterator[Finding]:
    deciding = set(rule.given_columns)
    name, schema = rule.table.name, rule.table.schema
    indexes = [one for one in tables.get_indexes(name, schema) if one["unique"]]
    several: list[Any] = [*tables.get_unique_constraints(name, schema), *indexes]
    for unique in several:
        columns = [column for column in unique["column_names"] if column]
        if deciding.isdisjoint(columns) and not unique.get("duplicates_constraint"):
            yield _telling_unique(rule, str(unique["name"]), columns)


def _telling_unique(rule: Rule, constraint: str, columns: list[str]) -> Finding:
    table, first = rule.table.fullname, rule.given_columns[0]
    listed = ", ".join(columns)
    message = f"{table} UNIQUE ({listed}) tells a user which values others have"
    mend = f"ALTER TABLE {table} DROP CONSTRAINT {constraint}, ADD UNIQUE ({first}, {listed})"
    return Finding("telling_unique", table, message, mend)
