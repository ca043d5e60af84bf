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
from betterguard.rows.policies import quote, quote_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import MetaData, Table
    from sqlalchemy.engine import Inspector
    from sqlalchemy.engine.interfaces import (
        ReflectedForeignKeyConstraint,
        ReflectedIndex,
        ReflectedUniqueConstraint,
    )

    from betterguard.rows.ownership import Rule

    Pairs = list[tuple[str, str]]

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
    shared = {table.fullname: table for table in ownership.shared_tables}
    for key in tables.get_foreign_keys(rule.table.name, rule.table.schema):
        there = ".".join(filter(None, (key["referred_schema"], key["referred_table"])))
        if there in shared and key.get("options", {}).get("ondelete") == "CASCADE":
            yield _cascade(tables, rule, shared[there], key)
        other = next((one for one in ownership.rules if one.table.fullname == there), None)
        if other is not None and not _is_held(rule, other, key):
            yield _loose_reference(tables, rule, other, key)


def _is_held(rule: Rule, other: Rule, key: ReflectedForeignKeyConstraint) -> bool:
    """Tell whether a foreign key can refer to rows of the same owner only."""
    if other.closed:
        return True  # no row of a user's: an owner column may well refer to Better Auth's users
    if tuple(key["constrained_columns"]) in {parent.columns for parent in rule.parents}:
        return True  # a child's parent is checked by filter and policy
    pairs = set(zip(key["constrained_columns"], key["referred_columns"], strict=True))
    return any(pairs.issuperset(common) for common in _common(rule, other))


def _common(rule: Rule, other: Rule) -> Iterator[Pairs]:
    """Give the pairs of columns that make two rows the same owner's, where they are equal."""
    if rule.owner is not None and other.owner is not None:
        yield [(rule.owner.name, other.owner.name)]
    for there in other.parents:
        if there.table is rule.table:
            yield list(zip(there.referred, there.columns, strict=True))
        for here in rule.parents:
            if here.table is there.table and here.referred == there.referred:
                yield list(zip(here.columns, there.columns, strict=True))


def _loose_reference(
    tables: Inspector, rule: Rule, other: Rule, key: ReflectedForeignKeyConstraint
) -> Finding:
    columns = ", ".join(key["constrained_columns"])
    message = (
        f"{rule.table.fullname} ({columns}) may refer to another user's {other.table.fullname}"
    )
    common = next(_common(rule, other), None)
    mend = "" if common is None else _mended_reference(tables, rule, other, key, common)
    return Finding("loose_reference", rule.table.fullname, message, mend)


def _mended_reference(
    tables: Inspector, rule: Rule, other: Rule, key: ReflectedForeignKeyConstraint, common: Pairs
) -> str:
    given = zip(key["constrained_columns"], key["referred_columns"], strict=True)
    pairs = [*common, *(pair for pair in given if pair not in common)]
    here, there = (_listed(one) for one in zip(*pairs, strict=True))
    table, parent = quote_table(rule.table), quote_table(other.table)
    return _altered(
        tables,
        f"ALTER TABLE {parent} ADD UNIQUE ({there}); "
        f"ALTER TABLE {table} DROP CONSTRAINT {quote(str(key['name']))}, "
        f"ADD FOREIGN KEY ({here}) REFERENCES {parent} ({there})",
    )


def _cascade(
    tables: Inspector, rule: Rule, shared: Table, key: ReflectedForeignKeyConstraint
) -> Finding:
    table = rule.table.fullname
    message = f"deleting a row of the shared {shared.fullname} deletes every user's rows of {table}"
    mend = _altered(
        tables,
        f"ALTER TABLE {quote_table(rule.table)} DROP CONSTRAINT {quote(str(key['name']))}, "
        f"ADD FOREIGN KEY ({_listed(key['constrained_columns'])}) REFERENCES "
        f"{quote_table(shared)} ({_listed(key['referred_columns'])}) ON DELETE RESTRICT",
    )
    return Finding("shared_cascade", table, message, mend)


def _altered(tables: Inspector, statement: str) -> str:
    """Give ALTER TABLE where there is one: SQLite has a table made anew instead."""
    return statement if tables.dialect.name == "postgresql" else ""


def _unique_findings(tables: Inspector, rule: Rule) -> Iterator[Finding]:
    deciding = set(rule.given_columns)
    name, schema = rule.table.name, rule.table.schema
    for unique in tables.get_unique_constraints(name, schema):
        if deciding.isdisjoint(unique["column_names"]):
            yield _telling_constraint(tables, rule, unique)
    for index in tables.get_indexes(name, schema):
        tells = index["unique"] and deciding.isdisjoint(index["column_names"])
        if tells and not index.get("duplicates_constraint"):
            yield _telling_index(rule, index)


def _telling_constraint(
    tables: Inspector, rule: Rule, unique: ReflectedUniqueConstraint
) -> Finding:
    columns = unique["column_names"]
    mend = _altered(
        tables,
        f"ALTER TABLE {quote_table(rule.table)} DROP CONSTRAINT {quote(str(unique['name']))}, "
        f"ADD UNIQUE ({_listed([rule.given_columns[0], *columns])})",
    )
    return _telling(rule, ", ".join(columns), mend)


def _telling_index(rule: Rule, index: ReflectedIndex) -> Finding:
    expressions: list[Any] = index.get("expressions") or index["column_names"]
    pairs = zip(expressions, index["column_names"], strict=True)
    parts = [f"({one})" if column is None else quote(one) for one, column in pairs]
    name = quote(str(index["name"]))
    path = ".".join([quote(rule.table.schema), name] if rule.table.schema else [name])
    where = index.get("dialect_options", {}).get("postgresql_where")
    mend = (
        f"DROP INDEX {path}; CREATE UNIQUE INDEX {name} ON {quote_table(rule.table)} "
        f"({quote(rule.given_columns[0])}, {', '.join(parts)})"
    )
    return _telling(rule, ", ".join(expressions), f"{mend} WHERE {where}" if where else mend)


def _telling(rule: Rule, listed: str, mend: str) -> Finding:
    table = rule.table.fullname
    message = f"{table} UNIQUE ({listed}) tells a user which values others have"
    return Finding("telling_unique", table, message, mend)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(quote, names))
