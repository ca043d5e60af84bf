"""What an Alembic env.py says so that autogenerate leaves Better Auth's tables alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Table

from betterguard.schema.models import better_auth_class
from betterguard.schema.timestamps import UtcDateTime

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext
    from sqlalchemy.schema import SchemaItem

    from betterguard.schema.better_auth import BetterAuthTables

__all__ = ["IncludeObject", "leave_alone", "render_item"]

# Alembic's ``include_object``: the object, its name, its kind, whether it was found in the
# database, and what it is compared with.
IncludeObject = Callable[[Any, str | None, str, bool, Any], bool]


def leave_alone(
    better_auth: BetterAuthTables, include_object: IncludeObject | None = None
) -> IncludeObject:
    """Give an ``include_object`` that keeps Better Auth's tables out of every migration.

    They are neither created, altered nor dropped, and neither are the tables of Better Auth's
    plugins that only the database has. ``include_object`` is the application's own, asked about
    everything else.
    """
    known = _names(better_auth)
    plugins = _plugin_names(better_auth)

    def include(
        object_: SchemaItem,
        name: str | None,
        kind: str,
        reflected: bool,  # noqa: FBT001 - Alembic calls it so
        compare_to: object,
    ) -> bool:
        table = object_ if isinstance(object_, Table) else getattr(object_, "table", None)
        if isinstance(table, Table):
            key = (table.schema, table.name)
            only_in_database = reflected and compare_to is None
            if key in known or (key in plugins and only_in_database):
                return False
        return include_object is None or include_object(object_, name, kind, reflected, compare_to)

    return include


def render_item(
    kind: str, object_: object, autogen_context: AutogenContext
) -> str | Literal[False]:
    """Render ``UtcDateTime`` as ``sa.DateTime``, so that migrations import nothing of ours."""
    del autogen_context
    if kind == "type" and isinstance(object_, UtcDateTime):
        return f"sa.DateTime(timezone={object_.timezone})"
    return False


def _names(better_auth: BetterAuthTables) -> set[tuple[str | None, str]]:
    tables = better_auth.metadata.tables.values()
    return {(table.schema, table.name) for table in tables if better_auth_class(table)}


def _plugin_names(better_auth: BetterAuthTables) -> set[tuple[str | None, str]]:
    layout = better_auth.layout
    return {(layout.schema, layout.table(model)) for model in layout.plugin_tables}
