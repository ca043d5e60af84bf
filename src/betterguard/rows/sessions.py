"""A session is one user's, from its first statement to its last."""

from __future__ import annotations

import copy
from functools import cache
from typing import TYPE_CHECKING, Any, overload

from sqlalchemy import Engine, Table, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from betterguard.errors import ConfigurationError, Forbidden, Reason
from betterguard.rows.engine import ownership_of
from betterguard.rows.ownership import USER_OPTION, no_user

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import InstanceState, Mapper

    from betterguard.rows.ownership import Ownership, UserId

__all__ = ["engine_for", "session"]


@overload
def session(engine: Engine, user_id: UserId | None, **options: Any) -> Session: ...
@overload
def session(engine: AsyncEngine, user_id: UserId | None, **options: Any) -> AsyncSession: ...
def session(
    engine: Engine | AsyncEngine, user_id: UserId | None, **options: Any
) -> Session | AsyncSession:
    """Open a session whose statements touch only the rows of ``user_id``.

    Use it as a context manager: ``with rows.session(engine, user_id) as session``, or
    ``async with`` for an AsyncEngine. ``options`` are those of SQLAlchemy's session;
    ``session_class`` names another class, such as SQLModel's. An AsyncSession keeps the
    attributes of its objects after a commit unless ``expire_on_commit=True``, since nothing
    may be loaded by mere attribute access there.

    Raises MissingToken when ``user_id`` is None, empty, or not of the owner column's type;
    ConfigurationError for ``binds`` or ``twophase``, which lead past the engine or its user.
    """
    _refuse_options(options)
    bound = engine_for(engine, user_id)
    info = {**options.pop("info", {}), USER_OPTION: bound.get_execution_options()[USER_OPTION]}
    if isinstance(bound, AsyncEngine):
        chosen: type[AsyncSession] = options.pop("session_class", AsyncSession)
        options.setdefault("expire_on_commit", False)
        sync_class: Any = chosen.sync_session_class  # which mypy takes for unhashable
        kind = _one_users(sync_class, ownership_of(bound))
        return chosen(bound, sync_session_class=kind, info=info, **options)
    session_class = _one_users(options.pop("session_class", Session), ownership_of(bound))
    return session_class(bound, info=info, **options)


def _refuse_options(options: Mapping[str, Any]) -> None:
    faults = [
        f"a user's session takes no {name}" for name in ("binds", "twophase") if name in options
    ]
    if faults:
        raise ConfigurationError(faults)


@overload
def engine_for(engine: Engine, user_id: UserId | None) -> Engine: ...
@overload
def engine_for(engine: AsyncEngine, user_id: UserId | None) -> AsyncEngine: ...
def engine_for(engine: Engine | AsyncEngine, user_id: UserId | None) -> Engine | AsyncEngine:
    """Give the engine as one user's, with the same pool: each of its connections is that user's."""
    ownership = ownership_of(engine)
    if user_id is None:
        raise no_user()
    user = ownership.user_value(user_id)
    if isinstance(engine, AsyncEngine):
        return AsyncEngine(_as_user(engine.sync_engine, user))
    return _as_user(engine, user)


def _as_user(engine: Engine, user: UserId) -> Engine:
    # Not engine.execution_options(): each of its engines calls every listener through one of
    # its own, and one is made for each request.
    bound = copy.copy(engine)
    bound.update_execution_options(**{USER_OPTION: user})
    return bound


@cache
def _one_users(session_class: Any, ownership: Ownership) -> type[Session]:
    kind: type[Session] = type(f"User{session_class.__name__}", (session_class,), {})

    def before_attach(session: Session, state: InstanceState[Any]) -> None:
        _refuse_foreign(ownership, session, state)
        remember(session, state)

    def remember(session: Session, state: InstanceState[Any]) -> None:
        # For each row that is loaded: the states themselves, and most need nothing.
        if _is_silent(ownership, state.manager.mapper):
            state.info[USER_OPTION] = session.info[USER_OPTION]

    event.listen(kind, "before_attach", before_attach, raw=True)
    event.listen(kind, "loaded_as_persistent", remember, raw=True)
    return kind


def _refuse_foreign(ownership: Ownership, session: Session, state: InstanceState[Any]) -> None:
    """Refuse an object that says, or may hide, that it is another user's."""
    user, mapper = session.info[USER_OPTION], state.mapper
    for attribute, table in _owner_attributes(ownership, mapper):
        owner = state.dict.get(attribute)
        if owner is None and state.key is None:
            continue  # a new object: its INSERT gives it the user
        if owner != user:
            raise _foreign_object(table)
    stored = state.key is not None
    if stored and _is_silent(ownership, mapper) and state.info.get(USER_OPTION) != user:
        raise _foreign_object(mapper.class_.__name__)


def _foreign_object(what: str) -> Forbidden:
    hint = f"an object of {what} that is not the session's user's"
    return Forbidden(Reason.FOREIGN_OBJECT, hint)


@cache
def _is_silent(ownership: Ownership, mapper: Mapper[Any]) -> bool:
    """Tell whether objects of users do not say whose they are, as children of a parent do not.

    They were loaded or attached by a session of the same user, which is remembered with them.
    """
    if _owner_attributes(ownership, mapper):
        return False
    tables = (table for table in mapper.tables if isinstance(table, Table))
    return any(ownership.rule_for(table) is not None for table in tables)


@cache
def _owner_attributes(ownership: Ownership, mapper: Mapper[Any]) -> list[tuple[str, str]]:
    """Name the mapped attributes that hold an owner, each with its table."""
    found = [
        (attribute.key, _owned_table(ownership, column))
        for attribute in mapper.column_attrs
        for column in attribute.columns
    ]
    return [(attribute, table) for attribute, table in found if table is not None]


def _owned_table(ownership: Ownership, column: Any) -> str | None:
    """Name the table whose owner column this is; None for any other column."""
    table = getattr(column, "table", None)  # an expression has none, or a subquery
    rule = ownership.rule_for(table) if isinstance(table, Table) else None
    if rule is None or rule.owner is None or rule.owner.name != column.name:
        return None
    return rule.table.name
