"""updated_at moves in the database too, whoever writes there: a trigger as DDL text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.schema.live import quoted

if TYPE_CHECKING:
    from sqlalchemy import Table

__all__ = ["updated_at_trigger"]


def updated_at_trigger(table: Table, column: str = "updated_at") -> tuple[str, str]:
    """Give the two PostgreSQL statements that let ``column`` move with every changed row.

    The first makes the function, the second the trigger; both may be run again. Nothing is
    run here: pass each to ``op.execute`` in a migration. An UPDATE that changes nothing in
    a row leaves it alone. Raises KeyError when the table has no such column.
    """
    name = table.columns[column].name
    trigger = quoted(f"touch_{name}")
    function = f"{quoted(table.schema)}.{trigger}" if table.schema else trigger
    return _function(function, quoted(name)), _trigger(trigger, quoted(table), function)


def _function(function: str, column: str) -> str:
    # The zone is that of the function, so that a column without one gets UTC all the same.
    # clock_timestamp() moves within a transaction, now() does not.
    return f"""\
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger
LANGUAGE plpgsql SET timezone TO 'UTC' AS $$
BEGIN
  NEW.{column} := clock_timestamp();
  RETURN NEW;
END
$$"""


def _trigger(trigger: str, table: str, function: str) -> str:
    return f"""\
CREATE OR REPLACE TRIGGER {trigger} BEFORE UPDATE ON {table}
FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION {function}()"""
