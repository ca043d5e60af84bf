"""Are Better Auth's tables where the models say, and do ids that name a user have its type?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.schema.finding import SchemaFinding
from betterguard.schema.live import kind_of, quoted
from betterguard.schema.models import better_auth_class, fields_of
from betterguard.schema.recognition import fitting_layout, found_elsewhere, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sqlalchemy import Column, MetaData, Table

    from betterguard.schema.live import Kind, LiveDatabase, LiveTable
    from betterguard.schema.models import BetterAuthTable

__all__ = ["better_auth_findings", "live_user_id", "user_id_findings"]

USER_ID_NAMES = frozenset({"user_id", "userId"})
SQL_TYPES: dict[Kind, str] = {"text": "text", "uuid": "uuid", "number": "integer"}


def better_auth_findings(
    cls: type[BetterAuthTable], table: Table, database: LiveDatabase
) -> Iterator[SchemaFinding]:
    """Find out whether a mapped table of Better Auth is there, and as its layout says."""
    model, layout = cls.__better_auth_model__, cls.__better_auth__
    live, schema = database.table(table), database.default_schema
    elsewhere = None if live else found_elsewhere(model, database.tables.values())
    if elsewhere is not None:
        fitting = written(fitting_layout(model, elsewhere, layout, schema))
        yield _renamed(table, f"Better Auth's {model!r} is `{elsewhere}` here", fitting)
    elif live is None and model != "jwks":  # which only the jwt plugin makes
        yield _missing(table, model)
    elif live is not None and (faults := _differences(cls, live)):
        fitting = written(fitting_layout(model, live, layout, schema))
        differs = fitting != written(layout)
        yield _misdescribed(table, faults, f"write `{fitting}`" if differs else "")


def live_user_id(metadata: MetaData, database: LiveDatabase) -> Kind | None:
    """Tell of what kind the ids of Better Auth's users are, None when it has no table here."""
    mapped = filter(None, (database.table(t) for t in metadata.tables.values() if _is_user(t)))
    found = next(mapped, None) or found_elsewhere("user", database.tables.values())
    return found.columns["id"].kind if found is not None and "id" in found.columns else None


def user_id_findings(table: Table, live: LiveTable, user_id: Kind) -> Iterator[SchemaFinding]:
    """Find columns that hold a user's id in another type than Better Auth's own."""
    for column in table.columns:
        found = live.columns.get(column.name)
        if found is None or not _names_a_user(column) or user_id not in SQL_TYPES:
            continue
        declared = kind_of(column.type)
        if found.kind != user_id or declared != user_id:
            problem = (
                f"Better Auth's user ids are {user_id}, the column is {found.kind} and the "
                f"model says {declared}"
            )
            sql = _retyped(table, column, user_id) if found.kind != user_id else ""
            cure = f"declare the column as {user_id}, with `ForeignKey` to the user's id"
            yield SchemaFinding("user-id-type", table.fullname, column.name, problem, cure, sql)


def _differences(cls: type[BetterAuthTable], live: LiveTable) -> list[str]:
    rare = {name for name, field in fields_of(cls).items() if field.rare}
    columns = cls.__mapper__.columns  # type: ignore[attr-defined]  # it is mapped by now
    faults = [_difference(column, live, name in rare) for name, column in columns.items()]
    return list(filter(None, faults))


def _difference(column: Column[Any], live: LiveTable, may_be_missing: bool) -> str:  # noqa: FBT001 - private
    found, declared = live.columns.get(column.name), kind_of(column.type)
    if found is None:
        return "" if may_be_missing else f"no column {column.name!r}"
    differs = found.kind != declared and "other" not in {found.kind, declared}
    return f"{column.name!r} is {found.kind}, not {declared}" if differs else ""


def _renamed(table: Table, problem: str, fitting: str) -> SchemaFinding:
    cure = f"write `{fitting}`"
    return SchemaFinding("better-auth-renamed", table.fullname, "", problem, cure)


def _missing(table: Table, model: str) -> SchemaFinding:
    return SchemaFinding(
        "better-auth-missing",
        table.fullname,
        "",
        f"Better Auth's table {model!r} is not in the database",
        "run Better Auth's own migration, `npx @better-auth/cli migrate`"
        + ("" if model == "user" else "; nothing is wrong if a secondaryStorage keeps it"),
    )


def _misdescribed(table: Table, faults: list[str], cure: str) -> SchemaFinding:
    return SchemaFinding(
        "better-auth-layout",
        table.fullname,
        "",
        f"Better Auth's table differs from the layout: {'; '.join(faults)}",
        cure or "name the columns in `Layout(fields=…)`, or run Better Auth's own migration",
    )


def _is_user(table: Table) -> bool:
    cls = better_auth_class(table)
    return cls is not None and cls.__better_auth_model__ == "user"


def _names_a_user(column: Column[Any]) -> bool:
    if any(_is_user(key.column.table) for key in column.foreign_keys):
        return True
    return column.name in USER_ID_NAMES and not column.foreign_keys


def _retyped(table: Table, column: Column[Any], kind: Kind) -> str:
    name, type_ = quoted(column.name), SQL_TYPES[kind]
    return f"ALTER TABLE {quoted(table)} ALTER COLUMN {name} TYPE {type_} USING {name}::{type_};"
