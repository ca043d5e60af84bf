"""What PostgreSQL's catalog says of roles, policies, views and functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from betterguard.rows.findings import Finding
from betterguard.rows.policies import (
    ALLOWING,
    CREATE_FUNCTION,
    FUNCTION_BODY,
    RESTRICTING,
    USER_FUNCTION,
    predicate,
    quote,
    table_policies,
)
from betterguard.rows.rawsql import CatalogQuery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Row, Table

    from betterguard.rows.ownership import Ownership, Rule

__all__ = ["catalog_findings", "is_granted", "is_guarded"]

_ROLE = CatalogQuery(
    "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
)

# Whom SET ROLE or RESET ROLE would make of the connection: no policy binds those.
_OTHER_ROLES = CatalogQuery("""\
SELECT rolname, rolname = session_user AS connected FROM pg_roles
WHERE (rolsuper OR rolbypassrls) AND rolname <> current_user
  AND (rolname = session_user OR pg_has_role(current_user, oid, 'MEMBER'))""")

_TABLES = CatalogQuery("""\
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relrowsecurity, c.relforcerowsecurity,
       pg_has_role(current_user, c.relowner, 'MEMBER') AS owned,
       has_table_privilege(c.oid, 'TRUNCATE') AS truncated
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(:name)""")

_POLICIES = CatalogQuery("""\
SELECT p.polname, p.polpermissive, p.polcmd,
       p.polroles = '{0}' OR EXISTS (
         SELECT 1 FROM unnest(p.polroles) r WHERE pg_has_role(CAST(:role AS name), r, 'USAGE')
       ) AS ours,
       pg_get_expr(p.polqual, p.polrelid) AS using_text,
       pg_get_expr(p.polwithcheck, p.polrelid) AS check_text
FROM pg_policy p WHERE p.polrelid = :oid""")

_USED = """(
  has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE')
  OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE'))"""

# Also those that read a view that reads the table: each reads as its own owner.
_VIEWS = CatalogQuery(f"""\
WITH RECURSIVE reader AS (
  SELECT CAST(:oid AS oid) AS oid
  UNION SELECT r.ev_class FROM reader
  JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = reader.oid
  JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
)
SELECT c.oid::regclass::text AS name, c.relkind FROM reader JOIN pg_class c USING (oid)
WHERE c.relkind IN ('v', 'm') AND {_USED}
  AND NOT (c.relkind = 'v' AND COALESCE((
    SELECT option_value::boolean FROM pg_options_to_table(c.reloptions)
    WHERE option_name = 'security_invoker'), false))""")  # noqa: S608  # constants

_DEFINERS = CatalogQuery("""\
SELECT p.oid::regprocedure::text AS name
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND has_function_privilege(p.oid, 'EXECUTE')""")

_CHILDREN = CatalogQuery(f"""\
WITH RECURSIVE child AS (
  SELECT inhrelid AS oid FROM pg_inherits WHERE inhparent = :oid
  UNION SELECT i.inhrelid FROM pg_inherits i JOIN child ON i.inhparent = child.oid
)
SELECT c.oid::regclass::text AS name FROM child JOIN pg_class c USING (oid)
WHERE {_USED}
  AND c.oid NOT IN (
    SELECT to_regclass(name) FROM unnest(CAST(:declared AS text[])) AS name
    WHERE to_regclass(name) IS NOT NULL)
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND NOT EXISTS (
    SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive))""")  # noqa: S608

_GRANTED = CatalogQuery("""\
SELECT has_table_privilege(CAST(:role AS name), to_regclass(:name), :privilege)""")

_CLOSED = CatalogQuery(f"SELECT 1 FROM pg_class c WHERE c.oid = to_regclass(:name) AND {_USED}")  # noqa: S608

_FUNCTION = CatalogQuery("""\
SELECT p.prosrc, l.lanname = 'plpgsql' AND p.provolatile = 's' AND p.proconfig IS NULL
         AND p.prorettype = 'text'::regtype AS ours,
       pg_has_role(current_user, p.proowner, 'MEMBER') AS owned
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.oid = to_regprocedure(:name)""")


def catalog_findings(connection: Connection, ownership: Ownership) -> Iterator[Finding]:
    """Look at the connection's role and at everything that stands around the owned tables."""
    role = connection.execute(_ROLE).one()
    yield from _role_findings(role)
    yield from () if role.rolsuper else _other_role_findings(connection, role.rolname)
    function = _user_function(connection)
    yield from _function_findings(function)
    yield from _function_owner_findings(function, role.rolname)
    for rule in ownership.rules:
        find = _closed_findings if rule.closed else _table_findings
        yield from find(connection, ownership, rule, role.rolname)
    for definer in connection.execute(_DEFINERS):
        message = f"function {definer.name} runs with its owner's rights, past every policy"
        mend = f"ALTER FUNCTION {definer.name} SECURITY INVOKER"
        yield Finding("security_definer", definer.name, message, mend)


def _role_findings(role: Row[Any]) -> Iterator[Finding]:
    if role.rolsuper:
        message = f"role {role.rolname} is a superuser, whom no policy binds"
        yield Finding(
            "superuser", role.rolname, message, f"ALTER ROLE {quote(role.rolname)} NOSUPERUSER"
        )
    if role.rolbypassrls:
        message = f"role {role.rolname} has BYPASSRLS"
        yield Finding(
            "bypassrls", role.rolname, message, f"ALTER ROLE {quote(role.rolname)} NOBYPASSRLS"
        )


def _other_role_findings(connection: Connection, role: str) -> Iterator[Finding]:
    for other in connection.execute(_OTHER_ROLES):
        if other.connected:
            message = (
                f"the connection is {other.rolname}'s, whom no policy binds, and only set to {role}"
            )
            yield Finding("bypassing_login", other.rolname, message, "")
        else:
            message = f"role {role} may become {other.rolname}, whom no policy binds"
            mend = f"REVOKE {quote(other.rolname)} FROM {quote(role)}"
            yield Finding("bypassing_member", other.rolname, message, mend)


def _user_function(connection: Connection) -> Row[Any] | None:
    return connection.execute(_FUNCTION, {"name": f"{USER_FUNCTION}()"}).one_or_none()


def _function_findings(function: Row[Any] | None) -> Iterator[Finding]:
    if function is None or not function.ours or function.prosrc != FUNCTION_BODY:
        state = "is missing" if function is None else "is not the one that policies() gives"
        message = f"function {USER_FUNCTION}() {state}"
        yield Finding("user_function", USER_FUNCTION, message, CREATE_FUNCTION)


def _function_owner_findings(function: Row[Any] | None, role: str) -> Iterator[Finding]:
    if function is not None and function.owned:
        message = f"role {role} owns {USER_FUNCTION}(), so it may say who the user is"
        mend = f"ALTER FUNCTION {USER_FUNCTION}() OWNER TO another_role"
        yield Finding("function_owner", USER_FUNCTION, message, mend)


def _closed_findings(
    connection: Connection, _ownership: Ownership, rule: Rule, role: str
) -> Iterator[Finding]:
    name = _name(rule.table)
    if connection.scalar(_CLOSED, {"name": name}):
        message = f"role {role} may read or write {name}, which is closed"
        yield Finding("closed_granted", name, message, f"REVOKE ALL ON {name} FROM {quote(role)}")


def _table_findings(
    connection: Connection, ownership: Ownership, rule: Rule, role: str
) -> Iterator[Finding]:
    name = _name(rule.table)
    table = connection.execute(_TABLES, {"name": name}).one_or_none()
    if table is None:
        yield Finding("table_missing", name, f"table {name} is missing", "")
        return
    if table.owned:
        message = f"role {role} owns {name}, so it may switch its policies off"
        yield Finding("owner", name, message, f"ALTER TABLE {name} OWNER TO another_role")
    elif table.truncated:
        message = f"role {role} may TRUNCATE {name}, past its policies"
        yield Finding("truncate", name, message, f"REVOKE TRUNCATE ON {name} FROM {quote(role)}")
    yield from _guard_findings(connection, ownership, rule, role, table)
    for view in connection.execute(_VIEWS, {"oid": table.oid}):
        yield _view_finding(view, name, role)
    declared = [_name(one.table) for one in ownership.rules]
    for child in connection.execute(_CHILDREN, {"oid": table.oid, "declared": declared}):
        message = f"{child.name} is a part of {name} and can be read by itself, past its policies"
        yield Finding(
            "partition", child.name, message, f"REVOKE ALL ON {child.name} FROM {quote(role)}"
        )


def is_guarded(connection: Connection, ownership: Ownership, rule: Rule, role: str) -> bool:
    """Tell whether a table has its policies for a role, in force and as ``policies`` gives them."""
    table = connection.execute(_TABLES, {"name": _name(rule.table)}).one_or_none()
    if table is None or any(_function_findings(_user_function(connection))):
        return False
    return not any(_guard_findings(connection, ownership, rule, role, table))


def is_granted(connection: Connection, ownership: Ownership, table: Table, role: str) -> bool:
    """Tell whether a role may do with a table what ``grants`` lets it."""
    shared = ownership.rule_for(table) is None
    wanted = ("SELECT",) if shared else ("SELECT", "INSERT", "UPDATE", "DELETE")
    name = _name(table)
    return all(
        connection.scalar(_GRANTED, {"role": role, "name": name, "privilege": privilege})
        for privilege in wanted
    )


def _guard_findings(
    connection: Connection, ownership: Ownership, rule: Rule, role: str, table: Row[Any]
) -> Iterator[Finding]:
    yield from _switch_findings(table, _name(rule.table))
    found = connection.execute(_POLICIES, {"oid": table.oid, "role": role}).all()
    yield from _policy_findings(rule, ownership, role, {row.polname: row for row in found})


def _name(table: Table) -> str:
    quote = '"{}"'.format
    return ".".join(quote(part) for part in (table.schema, table.name) if part)


def _switch_findings(table: Row[Any], name: str) -> Iterator[Finding]:
    if not table.relrowsecurity:
        mend = f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
        yield Finding("not_enabled", name, f"{name} has no row-level security", mend)
    if not table.relforcerowsecurity:
        message = f"row-level security of {name} does not bind the table's owner"
        yield Finding("not_forced", name, message, f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")


def _policy_findings(
    rule: Rule, ownership: Ownership, role: str, found: dict[str, Row[Any]]
) -> Iterator[Finding]:
    expected = predicate(rule, ownership)
    table = _name(rule.table)
    for name, permissive in ((ALLOWING, True), (RESTRICTING, False)):
        policy = found.get(name)
        if policy is None:
            message = f"{table} has no policy {name}"
        elif policy.polpermissive is not permissive or policy.polcmd not in {"*", b"*"}:
            message = f"policy {name} of {table} is of another kind"
        elif not policy.ours:
            message = f"policy {name} of {table} is not for role {role}"
        elif not _says(policy, expected):
            message = f"policy {name} of {table} does not say: {expected}"
        else:
            continue
        yield Finding("policy", table, message, "\n".join(_mend(rule, ownership, role, name)))


def _mend(rule: Rule, ownership: Ownership, role: str, name: str) -> Iterator[str]:
    for statement in table_policies(rule, ownership, role):
        if f" {name} ON " in statement:
            yield f"{statement};"


def _says(policy: Row[Any], expected: str) -> bool:
    wanted = _bare(expected)
    return _bare(policy.using_text) == wanted and _bare(policy.check_text) == wanted


def _bare(expression: str | None) -> str:
    """Reduce an expression to what it says: without brackets, casts, labels, quotes, spaces.

    PostgreSQL gives a policy back in its own spelling.
    """
    without = re.sub(rf"::[\w ]+?(?=[\s)]|$)|\bAS {USER_FUNCTION}\b|\bAS\b", "", expression or "")
    return re.sub(r'[\s()"]|public\.', "", without).casefold()


def _view_finding(view: Row[Any], table: str, role: str) -> Finding:
    if view.relkind in {"m", b"m"}:
        message = f"materialised view {view.name} holds rows of {table} past its policies"
        return Finding(
            "materialized_view", view.name, message, f"REVOKE ALL ON {view.name} FROM {quote(role)}"
        )
    message = f"view {view.name} reads {table} as the view's owner, past its policies"
    mend = f"ALTER VIEW {view.name} SET (security_invoker = true)"
    return Finding("view", view.name, message, mend)
