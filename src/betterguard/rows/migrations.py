"""The policies and grants as an Alembic operation: in a file of its own, for Alembic is optional.

In ``env.py``, ``import betterguard.rows.migrations`` and ``configure(..., betterguard_role="app")``
let autogenerate write what a database lacks, as plain SQL that stays as it was when written. By
hand it is ``op.guard_rows(metadata, role="app")``, and ``op.unguard_rows`` to take it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from alembic.autogenerate import comparators, renderers
from alembic.operations import MigrateOperation, Operations
from alembic.util import DispatchPriority

from betterguard.rows.catalog import is_granted, is_guarded
from betterguard.rows.ownership import Ownership
from betterguard.rows.policies import (
    CREATE_FUNCTION,
    grants,
    policies,
    table_grants,
    table_policies,
    withdrawal,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alembic.autogenerate.api import AutogenContext
    from alembic.operations.ops import UpgradeOps
    from sqlalchemy import Connection, MetaData, Table

__all__ = ["ROLE_OPTION", "GuardRows"]

ROLE_OPTION = "betterguard_role"
"""The option of ``context.configure`` that names the application's role."""


@Operations.register_operation("guard_rows", "guard_rows")
@Operations.register_operation("unguard_rows", "unguard_rows")
class GuardRows(MigrateOperation):
    """Statements that guard tables, and those that take the guard back."""

    def __init__(self, guarding: Sequence[str], withdrawing: Sequence[str]) -> None:
        self.guarding = tuple(guarding)
        self.withdrawing = tuple(withdrawing)

    @classmethod
    def guard_rows(cls, operations: Operations, metadata: MetaData, *, role: str) -> None:
        """Put the policies and grants of all tables in place, for the application's role."""
        operations.invoke(cls._of(metadata, role))

    @classmethod
    def unguard_rows(cls, operations: Operations, metadata: MetaData, *, role: str) -> None:
        """Take the policies and grants of all tables back; the SQL function stays."""
        operations.invoke(cls._of(metadata, role).reverse())

    @classmethod
    def _of(cls, metadata: MetaData, role: str) -> GuardRows:
        ownership = Ownership(metadata)
        guarding = (*policies(metadata, role=role), *grants(metadata, role=role))
        tables = reversed(_tables(ownership))
        return cls(
            guarding, [one for table in tables for one in withdrawal(table, ownership, role)]
        )

    def reverse(self) -> GuardRows:
        """Give the operation of the downgrade."""
        return GuardRows(self.withdrawing, self.guarding)

    def to_diff_tuple(self) -> tuple[str, tuple[str, ...]]:
        """Say to ``alembic check`` what is missing."""
        return ("guard_rows", self.guarding)


@Operations.implementation_for(GuardRows)
def _run(operations: Operations, operation: GuardRows) -> None:
    for statement in operation.guarding:
        operations.execute(statement)


@renderers.dispatch_for(GuardRows)
def _render(_context: AutogenContext, operation: GuardRows) -> list[str]:
    return [f"op.execute({_literal(statement)})" for statement in operation.guarding]


def _literal(statement: str) -> str:
    lines = [repr(line) for line in statement.splitlines(keepends=True)]
    # One string a line, for Alembic indents what it is given.
    return lines[0] if len(lines) == 1 else "".join(f"\n    {line}" for line in lines) + "\n"


@comparators.dispatch_for("schema", priority=DispatchPriority.LAST)  # behind the tables
def _compare(context: AutogenContext, upgrade: UpgradeOps, _schemas: object) -> None:
    role = context.opts.get(ROLE_OPTION)
    if role is None or context.connection is None:
        return
    ownership = Ownership(cast("MetaData", context.metadata))
    for table in _tables(ownership):
        guarding = list(_missing(context.connection, ownership, table, role))
        if guarding:
            upgrade.ops.append(GuardRows(guarding, list(withdrawal(table, ownership, role))))


def _missing(
    connection: Connection, ownership: Ownership, table: Table, role: str
) -> Iterator[str]:
    rule = ownership.rule_for(table)
    if rule is not None and not is_guarded(connection, ownership, rule, role):
        yield CREATE_FUNCTION
        yield from table_policies(rule, ownership, role)
    if not is_granted(connection, ownership, table, role):
        yield from table_grants(table, ownership, role)


def _tables(ownership: Ownership) -> list[Table]:
    """Give the owned and the shared tables; the closed ones have neither policy nor grant."""
    owned: list[Any] = [rule.table for rule in ownership.rules if not rule.closed]
    return [*owned, *ownership.shared_tables]
