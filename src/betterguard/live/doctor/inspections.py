"""The inspections of rows and schema, as the role of the address; needs SQLAlchemy."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from betterguard.errors import ConfigurationError
from betterguard.live.doctor.connecting import (
    BadAddress,
    Unconnected,
    look,
    read_address,
    shown,
)
from betterguard.live.doctor.database_checks import (
    ADDRESS,
    DECLARED,
    MODELS,
    REACHABLE,
    ROWS,
    SCHEMA,
    UNWISE,
    check_of,
)
from betterguard.live.doctor.models import Unloaded, load_metadata
from betterguard.rows import inspect_database
from betterguard.schema import check_schema

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sqlalchemy import URL, Connection, MetaData

    from betterguard.live.doctor.outcome import Outcome
    from betterguard.rows import Finding
    from betterguard.schema import SchemaFinding

__all__ = ["inspect"]

# What asyncpg does not take although libpq does.
ONLY_LIBPQ = frozenset({"sslmode", "channel_binding"})


async def inspect(address: str, metadata: str) -> AsyncIterator[Outcome]:
    """Connect, import the models, and compare; each inspection has a connection of its own."""
    try:
        url = read_address(address)
    except BadAddress as bad:
        yield ADDRESS.fault(f"DATABASE_URL: {bad}", "write it so; a password is URL-encoded")
        return
    for outcome in _odd_address(address, url):
        yield outcome
    reached = await _reached(url)
    yield reached
    if reached.action:
        return
    if not metadata:
        yield MODELS.skipped("no tables were given (--metadata app.models:Base)")
        return
    async for outcome in _compared(url, metadata):
        yield outcome


async def _reached(url: URL) -> Outcome:
    try:
        await look(url, lambda _: None)
    except Unconnected as failure:
        action = "start PostgreSQL, or correct host, role and password"
        return REACHABLE.fault(f"{shown(url)}: {failure}", action)
    return REACHABLE.ok(shown(url))


async def _compared(url: URL, name: str) -> AsyncIterator[Outcome]:
    try:
        metadata = load_metadata(name)
    except Unloaded as failure:
        yield MODELS.fault(f"{name}: {failure}", "give --metadata module:attribute")
        return
    yield MODELS.ok(f"tables in {name}: {len(metadata.tables)}")
    for inspection in (_rows, _schema):
        for outcome in await look(url, partial(inspection, metadata=metadata)):
            yield outcome


def _odd_address(written: str, url: URL) -> Iterator[Outcome]:
    if written.startswith("postgres:"):
        yield ADDRESS.warning(
            "DATABASE_URL begins with postgres://", "write postgresql://: SQLAlchemy knows no other"
        )
    odd = sorted(ONLY_LIBPQ & set(url.query))
    if odd and url.drivername.endswith("asyncpg"):
        yield ADDRESS.fault(
            f"DATABASE_URL has {', '.join(odd)}, which asyncpg does not take",
            "write ?ssl=require instead, and leave channel_binding out",
        )


def _rows(connection: Connection, metadata: MetaData) -> list[Outcome]:
    try:
        report = inspect_database(connection, metadata)
    except ConfigurationError as undeclared:
        action = "docs/isolation.md, or nothing where isolate() is not used"
        return [DECLARED.warning(fault, action) for fault in undeclared.faults]
    # A missing table is the schema's to tell.
    found = [finding for finding in report.findings if finding.code != "table_missing"]
    return [_row_outcome(finding) for finding in found] or [
        ROWS.ok("the database keeps each user to their own rows")
    ]


def _row_outcome(finding: Finding) -> Outcome:
    return _outcome(finding.code.replace("_", "-"), finding.message, finding.mend)


def _schema(connection: Connection, metadata: MetaData) -> list[Outcome]:
    try:
        findings = check_schema(connection, metadata)
    except ConfigurationError as unable:
        return [SCHEMA.skipped("; ".join(unable.faults))]
    return [_schema_outcome(finding) for finding in findings] or [
        SCHEMA.ok("the tables are as the models say")
    ]


def _schema_outcome(finding: SchemaFinding) -> Outcome:
    place = f"{finding.table}.{finding.column}" if finding.column else finding.table
    action = f"{finding.cure}: {finding.sql}" if finding.sql else finding.cure
    return _outcome(finding.code, f"{place}: {finding.problem}", action)


def _outcome(code: str, found: str, action: str) -> Outcome:
    check = check_of(code)
    return (check.warning if code in UNWISE else check.fault)(found, action or "decide by hand")
