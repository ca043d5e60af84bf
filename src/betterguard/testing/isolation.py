"""Paths to other users' rows, tried on an application's own tables.

For each owned table the rows that a user reaches by every path are compared with the rows that
are the user's own, read by the database's owner; what would give a row to the other user must be
refused.
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
    exists,
    literal_column,
    select,
)
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from betterguard import rows
from betterguard.rows.ownership import named_column
from betterguard.testing.paths import PATHS, Foreign, key_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, MetaData

    from betterguard.rows import Rule
    from betterguard.testing.paths import Keys

__all__ = ["IsolationCase", "owned_tables", "try_path"]

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
    own = {user: _of(case, ownership, table, user) for user in case.users}
    one, other = case.users
    for user, foreign in ((one, own[other]), (other, own[one])):
        reached = _in(rows.session(case.engine, user), _going(path, table, foreign))
        _compare(f"{path} on {table_name}", reached, own[user].keys)


def _going(path: str, table: Table, foreign: Foreign) -> Callable[[Session], Keys | int | None]:
    return lambda session: PATHS[path](session, table, foreign)


def _compare(where: str, reached: Keys | int | None, own: Keys) -> None:
    if reached is None:
        return
    count = reached if isinstance(reached, int) else len(reached)
    if reached not in (own, len(own)):
        msg = f"{where} reached {count} rows; the user has {len(own)}"
        raise AssertionError(msg)


def _of(case: IsolationCase, ownership: rows.Ownership, table: Table, user: str) -> Foreign:
    """Read what is one user's, as the owner of the database."""
    rule = ownership.rule_for(table)
    assert rule is not None
    deciding = [_column(table, name) for name in rule.given_columns]
    key = key_columns(table)
    statement = select(*key, *deciding).where(_is_own(ownership, table, user))
    engine = case.owner_engine
    opened = AsyncSession(engine) if isinstance(engine, AsyncEngine) else Session(engine)
    found = _in(opened, lambda session: [tuple(row) for row in session.execute(statement)])
    if not found:
        msg = f"{table.fullname} needs rows of both users for its isolation to be tried"
        raise AssertionError(msg)
    names = (column.key for column in deciding)
    keys = {row[: len(key)] for row in found}
    return Foreign(user, keys, dict(zip(names, found[0][len(key) :], strict=True)))


def _column(table: Any, name: str) -> Any:
    column = named_column(table, name)
    assert column is not None
    return column


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
        own: ColumnElement[bool] = _column(table, rule.owner.name) == ownership.user_value(user)
        return own
    conditions = []
    for parent in rule.parents:
        above = parent.table.alias()
        pairs = zip(parent.referred, parent.columns, strict=True)
        same = [_column(above, there) == _column(table, here) for there, here in pairs]
        inner: Any = select(literal_column("1")).select_from(above).where(*same)
        conditions.append(exists(inner.where(_is_own(ownership, above, user)).correlate(table)))
    return and_(*conditions)
