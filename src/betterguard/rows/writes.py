"""Whose the written rows are: what decides it in INSERT and UPDATE, checked before they run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import BindParameter, Insert, Update, and_, or_, select
from sqlalchemy import inspect as inspect_mapper

from betterguard.errors import Forbidden, Reason, UnsafeStatement
from betterguard.rows.froms import leaf
from betterguard.rows.naming import named
from betterguard.rows.ownership import no_user

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection
    from sqlalchemy.sql.expression import TableClause

    from betterguard.rows.ownership import Ownership, Parent, Rule, UserId

__all__ = ["check_bound_owner", "check_write"]

Row = dict[str, Any]
"""What one row of a statement gives the columns that decide whose it is, by column name."""


def check_write(
    ownership: Ownership,
    connection: Connection,
    statement: Insert | Update,
    parameters: Sequence[Mapping[str, Any]],
    user: UserId | None,
) -> None:
    """Refuse rows that name another owner or another user's parent.

    Raises Forbidden for such a row, MissingToken without a user, UnsafeStatement where a value
    is an expression, which no one can check before it runs.
    """
    found = leaf(ownership, statement.table)
    if found is None:
        return
    if user is None:
        raise no_user()
    rows = list(_rows(found.rule, statement, parameters))
    if isinstance(statement, Insert):
        _check_owner(found.rule, rows, user)
    for parent in found.rule.parents:
        _check_parent(connection, found.rule, parent, rows)


def check_bound_owner(
    ownership: Ownership,
    table: TableClause,
    rows: Iterable[Mapping[str, Any]],
    user: UserId | None,
) -> None:
    """Refuse a compiled INSERT whose owner's bind parameters hold another user.

    SQLAlchemy names the parameter of a column by its key, with ``_m1``, ``_m2`` … for the
    further rows of a VALUES list.
    """
    rule = ownership.rule_for(table)
    if rule is None or rule.owner is None:
        return
    owner = rule.owner.name.casefold()
    keys = [re.escape(one.key) for one in table.c if one.name.casefold() == owner]
    if not keys:
        return
    of_owner = re.compile(rf"(?:{'|'.join(keys)})(?:_m\d+)?")
    for row in rows:
        for name, value in row.items():
            if of_owner.fullmatch(name) and not _same_user(value, user):
                raise _foreign_owner(rule)


def _check_owner(rule: Rule, rows: Iterable[Row], user: UserId) -> None:
    if rule.owner is None:
        return
    for row in rows:
        if rule.owner.name in row and not _same_user(row[rule.owner.name], user):
            raise _foreign_owner(rule)


def _same_user(value: object, user: UserId | None) -> bool:
    if isinstance(user, UUID) and isinstance(value, str):
        return value.casefold() in {str(user), user.hex}
    return type(value) is type(user) and value == user


def _foreign_owner(rule: Rule) -> Forbidden:
    return Forbidden(Reason.FOREIGN_OWNER, f"a row of {rule.table.name} was to get another owner")


def _check_parent(connection: Connection, rule: Rule, parent: Parent, rows: Iterable[Row]) -> None:
    """Look for the named parents among the user's own: one more SELECT, filtered as any."""
    wanted = {
        tuple(row[name] for name in parent.columns)
        for row in rows
        if all(row.get(name) is not None for name in parent.columns)
    }
    if not wanted:
        return
    by_name = {column.name: column for column in parent.table.c}
    referred = [by_name[name] for name in parent.referred]
    named = [
        and_(*(column == value for column, value in zip(referred, values, strict=True)))
        for values in wanted
    ]
    own = connection.execute(select(*referred).where(or_(*named)).distinct()).all()
    if len(own) < len(wanted):
        table = rule.table.name
        raise Forbidden(Reason.FOREIGN_PARENT, f"a row of {table} was to get another user's parent")


def _rows(
    rule: Rule, statement: Insert | Update, parameters: Sequence[Mapping[str, Any]]
) -> Iterator[Row]:
    names: dict[Any, set[str]] = {}
    for given in parameters or [{}]:
        for values in _value_lists(statement):
            row: Row = {}
            for key, value in [*given.items(), *values]:
                if key not in names:
                    names[key] = _deciding_names(rule, statement, key)
                row |= {name: _plain(rule, name, value, given) for name in names[key]}
            yield row


def _deciding_names(rule: Rule, statement: Insert | Update, key: Any) -> set[str]:
    """Name the deciding columns that a key stands for: a name, a key, an ORM attribute."""
    mapper = statement._propagate_attrs.get("plugin_subject")  # noqa: SLF001  # no public way
    keys = [key]
    if (
        mapper is not None
        and isinstance(key, str)
        and key in (mapped := inspect_mapper(mapper).mapper.columns)
    ):
        keys.append(mapped[key])
    return {rule.deciding[name] for name in named(statement.table, keys) if name in rule.deciding}


def _value_lists(statement: Insert | Update) -> Iterator[list[tuple[Any, Any]]]:
    """Give the column-value pairs that the statement itself holds, row by row."""
    single = [
        *(statement._values or {}).items(),  # noqa: SLF001  # no public reading of values()
        *(getattr(statement, "_ordered_values", None) or ()),
    ]
    several: list[Any] = [
        values
        for group in statement._multi_values or ()  # noqa: SLF001  # as above
        for values in group
    ]
    if not several:
        yield single
    for values in several:
        keyed = values if hasattr(values, "items") else _by_position(statement, values)
        yield [*single, *keyed.items()]


def _by_position(statement: Insert | Update, values: Iterable[Any]) -> dict[str, Any]:
    return {column.key: value for column, value in zip(statement.table.c, values, strict=False)}


def _plain(rule: Rule, name: str, value: Any, given: Mapping[str, Any]) -> Any:
    """Give the value that a bind parameter will have; refuse an expression."""
    if isinstance(value, BindParameter) and rule.takes(name, value.type):
        return given.get(value.key, value.effective_value)
    if hasattr(value, "__clause_element__") or hasattr(value, "_compiler_dispatch"):
        msg = f"the owner or parent of a row of {rule.table.name!r} is an expression: give a value"
        raise UnsafeStatement(msg)
    return value
