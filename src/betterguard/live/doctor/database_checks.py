"""The questions about a database; the codes of rows' and schema's findings among them."""

from __future__ import annotations

from betterguard.live.doctor.outcome import Check

__all__ = [
    "ADDRESS",
    "DECLARED",
    "FINDINGS",
    "MODELS",
    "REACHABLE",
    "ROWS",
    "SCHEMA",
    "UNWISE",
    "check_of",
]

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
        "bypassing-login": "a connection that policies bind, before SET ROLE too",
        "bypassing-member": "a role that may become none whom no policy binds",
        "owner": "a role that does not own the tables",
        "truncate": "a role that may not TRUNCATE owned tables",
        "closed-granted": "no rights on closed tables",
        "not-enabled": "row-level security on every owned table",
        "not-forced": "row-level security that binds the owner too",
        "policy": "the policies that policies() gives",
        "user-function": "the function that policies() gives",
        "function-owner": "a role that does not own that function",
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
# Findings that may be meant so.
UNWISE = frozenset({"telling-unique", "security-definer", "timestamps-missing"})


def check_of(code: str) -> Check:
    """Give the check of a finding's code, of one that is not listed here, too."""
    return FINDINGS.get(code) or Check(f"database.{code}", ROWS.expected)
