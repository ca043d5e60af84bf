"""Wall 2: row-level security that holds whatever reaches PostgreSQL.

``policies`` and ``grants`` give SQL for any migration tool; nothing here runs it. The
application's role must own nothing, and be neither superuser nor BYPASSRLS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql

from betterguard.rows.ownership import Ownership, python_type
from betterguard.rows.rawsql import USER_SETTING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import MetaData, Table

    from betterguard.rows.ownership import Parent, Rule

__all__ = [
    "ALLOWING",
    "CREATE_FUNCTION",
    "FUNCTION_BODY",
    "RESTRICTING",
    "USER_FUNCTION",
    "grants",
    "policies",
    "predicate",
    "quote",
    "quote_table",
    "table_grants",
    "table_policies",
    "withdrawal",
]

USER_FUNCTION = "betterguard_user"
"""The SQL function that gives the transaction's user, or raises 42501 when none is set."""

ALLOWING = "betterguard_own_rows"
RESTRICTING = "betterguard_only_own_rows"
PARENT = "betterguard_parent"

_DIALECT: Any = postgresql.dialect()  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy 2.0
quote = _DIALECT.identifier_preparer.quote
quote_table = _DIALECT.identifier_preparer.format_table

FUNCTION_BODY = f"""
DECLARE
  found text := pg_catalog.current_setting('{USER_SETTING}', true);
BEGIN
  -- After SET LOCAL has ended the setting is empty, not NULL.
  IF found IS NULL OR found = '' THEN
    RAISE EXCEPTION 'no user is set for this transaction'
      USING ERRCODE = '42501', HINT = 'Open the session with betterguard, for one user.';
  END IF;
  RETURN found;
END
"""
CREATE_FUNCTION = f"""\
CREATE OR REPLACE FUNCTION {USER_FUNCTION}() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $${FUNCTION_BODY}$$"""


def policies(metadata: MetaData, *, role: str) -> tuple[str, ...]:
    """Give the SQL statements that put row-level security on every owned table.

    ``role`` is the application's PostgreSQL role. The statements may be run again: each policy
    is dropped first. Run them in one transaction, as the tables' owner.
    """
    ownership = Ownership(metadata)
    rules = [rule for rule in ownership.rules if not rule.closed]
    return (
        CREATE_FUNCTION,
        *(statement for rule in rules for statement in table_policies(rule, ownership, role)),
    )


def grants(metadata: MetaData, *, role: str) -> tuple[str, ...]:
    """Give the GRANTs that the application's role needs: all DML on owned tables, SELECT on shared.

    Closed tables are not granted.
    """
    ownership = Ownership(metadata)
    owned = [rule.table for rule in ownership.rules if not rule.closed]
    tables = (*owned, *ownership.shared_tables)
    schemas = sorted({table.schema or "public" for table in tables})
    return (
        *(f"GRANT USAGE ON SCHEMA {quote(name)} TO {quote(role)}" for name in schemas),
        *(grant for table in tables for grant in table_grants(table, ownership, role)),
    )


def table_grants(table: Table, ownership: Ownership, role: str) -> Iterator[str]:
    """Give the GRANTs for one table that is not closed."""
    to = f"TO {quote(role)}"
    if ownership.rule_for(table) is None:
        yield f"GRANT SELECT ON {quote_table(table)} {to}"
        return
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {quote_table(table)} {to}"
    for name in _sequences(table):
        yield f"GRANT USAGE ON SEQUENCE {name} {to}"


def predicate(rule: Rule, ownership: Ownership) -> str:
    """Give the condition of a table's policies as SQL text.

    The user stands in a sub-select, so that it is computed once a statement (an init plan) and
    an index on the owner still serves.
    """
    if rule.owner is not None:
        return f"{quote(rule.owner.name)} = {_user(ownership)}"
    return " AND ".join(_parent_exists(rule, parent) for parent in rule.parents)


def table_policies(rule: Rule, ownership: Ownership, role: str) -> Iterator[str]:
    """Give the statements for one table."""
    table, condition = quote_table(rule.table), predicate(rule, ownership)
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    # Permissive policies are ORed, so one that someone adds later would let rows through;
    # the restrictive one is ANDed.
    for name, kind in ((ALLOWING, "PERMISSIVE"), (RESTRICTING, "RESTRICTIVE")):
        yield f"DROP POLICY IF EXISTS {name} ON {table}"
        yield (
            f"CREATE POLICY {name} ON {table} AS {kind} FOR ALL TO {quote(role)}\n"
            f"  USING ({condition})\n  WITH CHECK ({condition})"
        )


def withdrawal(table: Table, ownership: Ownership, role: str) -> Iterator[str]:
    """Give the statements that take a table's grants and policies back."""
    name = quote_table(table)
    yield f"REVOKE ALL ON {name} FROM {quote(role)}"
    if ownership.rule_for(table) is None:
        return
    for sequence in _sequences(table):
        yield f"REVOKE ALL ON SEQUENCE {sequence} FROM {quote(role)}"
    for policy in (ALLOWING, RESTRICTING):
        yield f"DROP POLICY IF EXISTS {policy} ON {name}"
    yield f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY"


def _user(ownership: Ownership) -> str:
    kind = python_type(ownership.user_type)
    if kind is str:
        return f"(SELECT {USER_FUNCTION}())"
    name = ownership.user_type.compile(dialect=_DIALECT)
    return f"(SELECT {USER_FUNCTION}()::{name})"


def _parent_exists(rule: Rule, parent: Parent) -> str:
    # Whose the parent is, is said by the parent's own policy, which holds in here too.
    child, other = quote_table(rule.table), quote_table(parent.table)
    pairs = zip(parent.referred, parent.columns, strict=True)
    same = " AND ".join(f"{PARENT}.{quote(there)} = {child}.{quote(here)}" for there, here in pairs)
    return f"EXISTS (SELECT 1 FROM {other} AS {PARENT} WHERE {same})"  # noqa: S608  # quoted names


def _sequences(table: Table) -> Iterator[str]:
    column = table.autoincrement_column
    if column is not None and column.identity is None and column.server_default is None:
        schema = f"{quote(table.schema)}." if table.schema else ""
        yield schema + quote(f"{table.name}_{column.name}_seq")
