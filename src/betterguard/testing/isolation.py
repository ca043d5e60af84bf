"""Paths to other users' rows, tried on an application's own tables.

For each owned table the rows that a user reaches by every path are compared with the rows that
are the user's own, read by the database's owner.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    Engine,
    Table,
    and_,
    delete,
    exists,
    func,
    literal_column,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy import column as any_column
from sqlalchemy import table as any_table
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from betterguard import rows
from betterguard.errors import UnsafeStatement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import ColumnElement, MetaData

    from betterguard.rows import Rule

__all__ = ["PATHS", "IsolationCase", "owned_tables", "try_path"]

Keys = set[tuple[Any, ...]]
"""The primary keys of the rows that were reached."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class IsolationCase:
    """An application's database with rows of two users in it.

    ``engine`` is the isolated one, ``owner_engine`` sees every row: on PostgreSQL as superuser
    or with BYPASSRLS. Each may be asynchronous. Everything that a path writes is rolled back.
    """

    engine: Engine | AsyncEngine
    owner_engine: Engine | AsyncEngine
    metadata: MetaData
    users: tuple[str, str]


def owned_tables(metadata: MetaData) -> list[str]:
    """Name the tables that belong to users, by themselves or by their parents."""
    return [rule.table.fullname for rule in rows.Ownership(metadata).rules if not rule.closed]


def try_path(case: IsolationCase, table_name: str, path: str) -> None:
    """Go one path as each of the two users; raise AssertionError with what was reached wrongly."""
    ownership = rows.Ownership(case.metadata)
    table = case.metadata.tables[table_name]
    own = {user: _own_keys(case, ownership, table, user) for user in case.users}
    if not all(own.values()):
        msg = f"{table_name} needs rows of both users for its isolation to be tried"
        raise AssertionError(msg)
    one, other = case.users
    for user, foreign in ((one, own[other]), (other, own[one])):
        reached = _in(rows.session(case.engine, user), _going(path, table, foreign))
        _compare(f"{path} on {table_name}", reached, own[user])


def _going(path: str, table: Table, foreign: Keys) -> Callable[[Session], Keys | int | None]:
    return lambda session: PATHS[path](session, table, foreign)


def _compare(where: str, reached: Keys | int | None, own: Keys) -> None:
    if reached is None:
        return
    count = reached if isinstance(reached, int) else len(reached)
    if reached not in (own, len(own)):
        msg = f"{where} reached {count} rows; the user has {len(own)}"
        raise AssertionError(msg)


def _own_keys(case: IsolationCase, ownership: rows.Ownership, table: Table, user: str) -> Keys:
    statement = select(*table.primary_key).where(_is_own(ownership, table, user))
    engine = case.owner_engine
    opened = AsyncSession(engine) if isinstance(engine, AsyncEngine) else Session(engine)
    return _in(opened, lambda session: _keys(session, statement))


def _in(opened: Session | AsyncSession, work: Callable[[Session], Value]) -> Value:
    """Do the work in a session; what it wrote is rolled back when the session closes."""
    if isinstance(opened, Session):
        with opened:
            return work(opened)
    # In a thread of its own: an event loop may run in this one, as Playwright's does.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _in_async(opened, work)).result()


async def _in_async(opened: AsyncSession, work: Callable[[Session], Value]) -> Value:
    engine: Any = opened.bind
    try:
        async with opened:
            return await opened.run_sync(work)
    finally:
        await engine.dispose()  # no connection outlives its event loop


def _is_own(ownership: rows.Ownership, table: Any, user: str) -> ColumnElement[bool]:
    rule: Rule | None = ownership.rule_for(getattr(table, "element", table))
    assert rule is not None
    if rule.owner is not None:
        own: ColumnElement[bool] = table.c[rule.owner.key] == ownership.user_value(user)
        return own
    conditions = []
    for parent in rule.parents:
        above = parent.table.alias()
        pairs = zip(parent.referred, parent.columns, strict=True)
        same = [above.c[there] == table.c[here] for there, here in pairs]
        inner: Any = select(literal_column("1")).select_from(above).where(*same)
        conditions.append(exists(inner.where(_is_own(ownership, above, user)).correlate(table)))
    return and_(*conditions)


def _keys(session: Session, statement: Any) -> Keys:
    return {tuple(row) for row in session.execute(statement)}


def _select(session: Session, table: Table, _foreign: Keys) -> Keys:
    return _keys(session, select(*table.primary_key))


def _alias(session: Session, table: Table, _foreign: Keys) -> Keys:
    other = table.alias()
    return _keys(session, select(*(other.c[one.key] for one in table.primary_key)))


def _subquery(session: Session, table: Table, _foreign: Keys) -> Keys:
    return _keys(session, select(select(*table.primary_key).subquery()))


def _cte(session: Session, table: Table, _foreign: Keys) -> Keys:
    return _keys(session, select(select(*table.primary_key).cte()))


def _union(session: Session, table: Table, _foreign: Keys) -> Keys:
    both = select(*table.primary_key).union(select(*table.primary_key))
    return _keys(session, both)


def _light(session: Session, table: Table, _foreign: Keys) -> Keys:
    names: list[Any] = [any_column(one.name) for one in table.primary_key]
    light = any_table(table.name, *names, schema=table.schema)
    return _keys(session, select(light))


def _connection(session: Session, table: Table, _foreign: Keys) -> Keys:
    found = session.connection().execute(select(*table.primary_key))
    return {tuple(row) for row in found}


def _outer_join(session: Session, table: Table, _foreign: Keys) -> Keys:
    one, other = table.alias(), table.alias()
    same = and_(*(one.c[key.key] == other.c[key.key] for key in table.primary_key))
    chosen = [other.c[key.key] for key in table.primary_key]
    return _keys(session, select(*chosen).select_from(one.outerjoin(other, same)))


def _count(session: Session, table: Table, _foreign: Keys) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def _window(session: Session, table: Table, _foreign: Keys) -> int:
    return len(session.execute(select(func.row_number().over()).select_from(table)).all())


def _update(session: Session, table: Table, _foreign: Keys) -> int | None:
    free = _free_column(session, table)
    if free is None:
        return None
    changed: Any = session.execute(update(table).values({free: free}))
    return int(changed.rowcount)


def _free_column(session: Session, table: Table) -> Any:
    rule = rows.ownership_of(session.get_bind().engine).rule_for(table)
    assert rule is not None
    keys = {*rule.given_columns, *(column.name for column in table.primary_key)}
    return next((column for column in table.c if column.name not in keys), None)


def _foreign_keys(session: Session, table: Table, foreign: Keys) -> None:
    named = tuple_(*table.primary_key).in_(list(foreign))
    found = session.execute(select(*table.primary_key).where(named)).all()
    changed: Any = session.execute(delete(table).where(named))
    if found or changed.rowcount:
        msg = f"another user's rows of {table.fullname} were reached by their keys"
        raise AssertionError(msg)


def _raw(session: Session, table: Table, _foreign: Keys) -> None:
    quoted = session.get_bind().dialect.identifier_preparer.format_table(table)
    try:
        session.execute(text(f"SELECT * FROM {quoted}"))  # noqa: S608  # a quoted name
    except UnsafeStatement:
        return
    msg = f"raw SQL on {table.fullname} ran"
    raise AssertionError(msg)


PATHS: Mapping[str, Callable[[Session, Table, Keys], Keys | int | None]] = {
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
}
"""Each path gives the keys it reached, or their number, or None when it has looked itself."""
