"""Does the database keep users apart and moments right? The inspections of rows and schema."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from betterguard.errors import ConfigurationError
from betterguard.live.doctor.family import Family
from betterguard.live.doctor.outcome import Check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sqlalchemy import URL, Connection, MetaData

    from betterguard.live.doctor.outcome import Outcome
    from betterguard.live.doctor.subject import Subject
    from betterguard.rows import Finding
    from betterguard.schema import SchemaFinding

__all__ = ["FAMILY"]

ADDRESS = Check("database.address", "an address that SQLAlchemy and the driver understand")
REACHABLE = Check("database.reachable", "a connection within 4 s")
MODELS = Check("database.models", "the application's tables, from --metadata")
DECLARED = Check("database.declared", "every table says whose its rows are")
ROWS = Check("database.rows", "a role and policies that keep each user to their own rows")
SCHEMA = Check("database.schema", "tables as the models say, moments as moments")

# The codes of `betterguard.rows` and `betterguard.schema`, each a check of its own.
FINDINGS = {
    code: Check(f"database.{code}", expected)
    for code, expected in {
        "superuser": "a role that policies bind: no superuser",
        "bypassrls": "a role that policies bind: no BYPASSRLS",
        "owner": "a role that does not own the tables",
        "not-enabled": "row-level security on every owned table",
        "not-forced": "row-level security that binds the owner too",
        "policy": "the policies that policies() gives",
        "user-function": "the function that policies() gives",
        "view": "views with security_invoker",
        "materialized-view": "no materialised view of owned tables",
        "security-definer": "no function that runs with its owner's rights",
        "partition": "parts of a table that cannot be read by themselves",
        "loose-reference": "foreign keys that hold the owner",
        "shared-cascade": "no cascade from a shared table",
        "telling-unique": "UNIQUE constraints that begin with the owner",
        "keys-unchecked": "foreign keys that SQLite checks",
        "table-missing": "every table of the models",
        "better-auth-layout": "Better Auth's tables as they are mapped",
        "better-auth-missing": "Better Auth's tables in the database",
        "better-auth-renamed": "Better Auth's tables under the names that are mapped",
        "default-frozen": "defaults that are evaluated for each row",
        "default-in-session-zone": "defaults in UTC, whatever the session's time zone",
        "time-as-number": "moments in timestamp columns",
        "time-as-text": "moments in timestamp columns",
        "timestamps-missing": "created_at and updated_at",
        "user-id-type": "user ids of the type that Better Auth's have",
        "zone-missing": "columns with a time zone where the model has one",
        "zone-unexpected": "columns without a time zone where the model has none",
    }.items()
}
UNWISE = frozenset({"telling-unique", "security-definer", "timestamps-missing"})
# What asyncpg does not take although libpq does.
ONLY_LIBPQ = frozenset({"sslmode", "channel_binding"})
LIBRARY = "pip install 'betterguard[sqlalchemy]'"


async def examine(subject: Subject) -> AsyncIterator[Outcome]:
    """Connect once for each inspection, as the role of the address."""
    if not subject.database:
        yield REACHABLE.skipped("no address was given (--database, or DATABASE_URL)")
        return
    try:
        from betterguard.live.doctor import connecting, models  # noqa: PLC0415  optional
    except ModuleNotFoundError as err:
        yield REACHABLE.skipped(f"{err.name} is missing: {LIBRARY}")
        return
    try:
        url = connecting.read_address(subject.database)
    except connecting.BadAddress as bad:
        yield ADDRESS.fault(f"DATABASE_URL: {bad}", "write it so; a password is URL-encoded")
        return
    for outcome in _odd_address(subject.database, url):
        yield outcome
    try:
        await connecting.look(url, lambda _: None)
    except connecting.Unconnected as failure:
        yield REACHABLE.fault(
            f"{connecting.shown(url)}: {failure}",
            "start PostgreSQL, or correct host, role and password",
        )
        return
    yield REACHABLE.ok(connecting.shown(url))
    if not subject.metadata:
        yield MODELS.skipped("no tables were given (--metadata app.models:Base)")
        return
    try:
        metadata = models.load_metadata(subject.metadata)
    except models.Unloaded as failure:
        yield MODELS.fault(f"{subject.metadata}: {failure}", "give --metadata module:attribute")
        return
    yield MODELS.ok(f"{len(metadata.tables)} tables from {subject.metadata}")
    for inspect in (_rows, _schema):
        for outcome in await connecting.look(url, partial(inspect, metadata=metadata)):
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
    from betterguard.rows import inspect_database  # noqa: PLC0415  needs SQLAlchemy

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
    from betterguard.schema import check_schema  # noqa: PLC0415  needs SQLAlchemy

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
    check = FINDINGS.get(code) or Check(f"database.{code}", ROWS.expected)
    return (check.warning if code in UNWISE else check.fault)(found, action or "decide by hand")


FAMILY = Family(
    "database",
    (ADDRESS, REACHABLE, MODELS, DECLARED, ROWS, SCHEMA, *FINDINGS.values()),
    examine,
)
