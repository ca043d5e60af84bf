"""The paths to other users' rows, each on whatever owned table it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    and_,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy import column as any_column
from sqlalchemy import table as any_table
from sqlalchemy.exc import DBAPIError

from betterguard import rows
from betterguard.errors import Forbidden, UnsafeStatement
from betterguard.rows.rawsql import USER_SETTING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Table
    from sqlalchemy.orm import Session

__all__ = ["PATHS", "Foreign", "Keys", "key_columns"]

Keys = set[tuple[Any, ...]]
"""The primary keys of the rows that were reached."""


@dataclass(frozen=True)
class Foreign:
    """What is the other user's: the keys of all rows, and what makes one row theirs.

    ``deciding`` are the owner or the parents of one of the rows, by the column's key in Python.
    """

    user: str
    keys: Keys
    deciding: Mapping[str, Any]


def key_columns(table: Any) -> list[Any]:
    """Give the columns that tell rows apart: all, where a table has no primary key."""
    return [*table.primary_key] or [*table.c]


def _keys(session: Session, statement: Any) -> Keys:
    return {tuple(row) for row in session.execute(statement)}


def _select(session: Session, table: Table, _foreign: Foreign) -> Keys:
    return _keys(session, select(*key_columns(table)))


def _alias(session: Session, table: Table, _foreign: Foreign) -> Keys:
    other = table.alias()
    return _keys(session, select(*key_columns(other)))


def _subquery(session: Session, table: Table, _foreign: Foreign) -> Keys:
    return _keys(session, select(select(*key_columns(table)).subquery()))


def _cte(session: Session, table: Table, _foreign: Foreign) -> Keys:
    return _keys(session, select(select(*key_columns(table)).cte()))


def _union(session: Session, table: Table, _foreign: Foreign) -> Keys:
    both = select(*key_columns(table)).union(select(*key_columns(table)))
    return _keys(session, both)


def _light(session: Session, table: Table, _foreign: Foreign) -> Keys:
    names: list[Any] = [any_column(one.name) for one in key_columns(table)]
    light = any_table(table.name, *names, schema=table.schema)
    return _keys(session, select(light))


def _connection(session: Session, table: Table, _foreign: Foreign) -> Keys:
    found = session.connection().execute(select(*key_columns(table)))
    return {tuple(row) for row in found}


def _outer_join(session: Session, table: Table, _foreign: Foreign) -> Keys:
    one, other = table.alias(), table.alias()
    same = and_(
        *(here == there for here, there in zip(key_columns(one), key_columns(other), strict=True))
    )
    return _keys(session, select(*key_columns(other)).select_from(one.outerjoin(other, same)))


def _count(session: Session, table: Table, _foreign: Foreign) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def _window(session: Session, table: Table, _foreign: Foreign) -> int:
    return len(session.execute(select(func.row_number().over()).select_from(table)).all())


def _update(session: Session, table: Table, _foreign: Foreign) -> int | None:
    free = _free_column(session, table)
    if free is None:
        return None
    changed: Any = session.execute(update(table).values({free: free}))
    return int(changed.rowcount)


def _free_column(session: Session, table: Table) -> Any:
    rule = rows.ownership_of(session.get_bind().engine).rule_for(table)
    assert rule is not None
    keys = {*rule.given_columns, *(column.name for column in key_columns(table))}
    free = (column for column in table.c if column.name not in keys)
    return next((column for column in free if not (column.computed or column.identity)), None)


def _foreign_keys(session: Session, table: Table, foreign: Foreign) -> None:
    named = tuple_(*key_columns(table)).in_(list(foreign.keys))
    found = session.execute(select(*key_columns(table)).where(named)).all()
    changed: Any = session.execute(delete(table).where(named))
    if found or changed.rowcount:
        msg = f"another user's rows of {table.fullname} were reached by their keys"
        raise AssertionError(msg)


def _raw(session: Session, table: Table, _foreign: Foreign) -> None:
    quoted = session.get_bind().dialect.identifier_preparer.format_table(table)
    try:
        session.execute(text(f"SELECT * FROM {quoted}"))  # noqa: S608  # a quoted name
    except UnsafeStatement:
        return
    msg = f"raw SQL on {table.fullname} ran"
    raise AssertionError(msg)


def _exists(session: Session, table: Table, foreign: Foreign) -> None:
    named = tuple_(*key_columns(table)).in_(list(foreign.keys))
    if session.scalar(select(exists().where(named))):
        msg = f"that another user's rows of {table.fullname} exist was told"
        raise AssertionError(msg)


def _scalar(session: Session, table: Table, _foreign: Foreign) -> int:
    counted = select(func.count()).select_from(table).scalar_subquery()
    return session.scalar(select(counted)) or 0


def _forge(session: Session, table: Table, foreign: Foreign) -> None:
    forged = insert(table).values(dict(foreign.deciding))
    _refused(session, forged, f"a row of {table.fullname} for another user")


def _take_over(session: Session, table: Table, foreign: Foreign) -> None:
    moved = update(table).values(dict(foreign.deciding))
    _refused(session, moved, f"giving rows of {table.fullname} to another user")


def _set_user(session: Session, _table: Table, foreign: Foreign) -> None:
    if session.get_bind().dialect.name == "postgresql":
        setting = select(func.set_config(USER_SETTING, foreign.user, literal_column("true")))
        _refused(session, setting, "setting another user")


def _refused(session: Session, statement: Any, what: str) -> None:
    """Run what must be refused before the database sees it."""
    try:
        session.execute(statement)
    except (Forbidden, UnsafeStatement):
        return
    except DBAPIError as error:
        msg = f"{what} was left to the database"
        raise AssertionError(msg) from error
    msg = f"{what} was not refused"
    raise AssertionError(msg)


def _driver(session: Session, table: Table, _foreign: Foreign) -> Keys | None:
    """Ask the database past SQLAlchemy: what the policies let through, where there are any."""
    dialect = session.get_bind().dialect
    if dialect.name != "postgresql":
        return None
    quoted = dialect.identifier_preparer
    names = ", ".join(quoted.quote(column.name) for column in key_columns(table))
    cursor: Any = session.connection().connection.cursor()
    cursor.execute(f"SELECT {names} FROM {quoted.format_table(table)}")  # noqa: S608  # quoted names
    return {tuple(row) for row in cursor.fetchall()}


PATHS: Mapping[str, Callable[[Session, Table, Foreign], Keys | int | None]] = {
    "select": _select,
    "alias": _alias,
    "subquery": _subquery,
    "cte": _cte,
    "union": _union,
    "light-table": _light,
    "connection": _connection,
    "outer-join": _outer_join,
    "count": _count,
    "window": _window,
    "update": _update,
    "foreign-keys": _foreign_keys,
    "raw-sql": _raw,
    "exists": _exists,
    "scalar-subquery": _scalar,
    "forge": _forge,
    "take-over": _take_over,
    "set-user": _set_user,
    "driver": _driver,
}
"""Each path gives the keys it reached, or their number, or None when it has looked itself."""
