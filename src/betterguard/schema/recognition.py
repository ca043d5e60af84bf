"""Where Better Auth's tables are in a live database, and which layout fits them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from betterguard.schema.layout import Layout, snake_case
from betterguard.schema.models import TABLES, camel_case, fields_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from betterguard.schema.layout import Model
    from betterguard.schema.live import LiveTable

__all__ = ["fitting_layout", "found_elsewhere", "written"]

_IDS = {"text": "text", "uuid": "uuid", "number": "serial"}
_DATES = {"timestamptz": "timestamptz", "timestamp": "timestamp"}


def found_elsewhere(model: Model, tables: Iterable[LiveTable]) -> LiveTable | None:
    """Find the table that has all the columns which a model always has, under any name."""
    wanted = {_plain(name) for name in _always(model)}
    fitting = [table for table in tables if wanted <= {_plain(name) for name in table.columns}]
    # Of several, the one with least beside: an application's own `profile` may look alike.
    return min(fitting, key=lambda table: len(table.columns), default=None)


def fitting_layout(model: Model, live: LiveTable, layout: Layout, schema: str) -> Layout:
    """Give the layout by which a live table is mapped, as near as may be to another one.

    ``schema`` is where the other layout's tables are when it names no schema.
    """
    found = {**_naming(model, live), **_kinds(model, live)}
    if live.schema != (layout.schema or schema):
        found["schema"] = live.schema
    return _named(model, live, replace(layout, **found))


def written(layout: Layout) -> str:
    """Write a layout as the call that makes it."""
    default = Layout()
    given = [
        f"{option.name}={dict(value) if isinstance(value, Mapping) else value!r}"
        for option in fields(layout)
        if (value := getattr(layout, option.name)) != getattr(default, option.name)
    ]
    return f"Layout({', '.join(given)})"


def _always(model: Model) -> list[str]:
    all_fields = fields_of(TABLES[model])
    return [name for name, field in all_fields.items() if not (field.nullable or field.rare)]


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _naming(model: Model, live: LiveTable) -> dict[str, Any]:
    humps = [camel_case(name) for name in _always(model) if "_" in name]
    if all(name in live.columns for name in humps):
        return {"columns": "camelCase"}
    if all(snake_case(name) in live.columns for name in humps):
        return {"columns": "snake_case"}
    return {}


def _kinds(model: Model, live: LiveTable) -> dict[str, Any]:
    by_plain_name = {_plain(name): column for name, column in live.columns.items()}
    found = {}
    for name, field in fields_of(TABLES[model]).items():
        column = by_plain_name.get(_plain(name))
        if column is not None and field.kind == "date" and column.kind in _DATES:
            found["dates"] = _DATES[column.kind]
        if column is not None and field.kind == "id" and column.kind in _IDS:
            found["ids"] = _IDS[column.kind]
    return found


def _named(model: Model, live: LiveTable, layout: Layout) -> Layout:
    other_number = replace(layout, plural=not layout.plural)
    renamed = replace(layout, plural=False, tables={**layout.tables, model: live.name})
    candidates = (layout, other_number, renamed)
    return next(candidate for candidate in candidates if candidate.table(model) == live.name)
