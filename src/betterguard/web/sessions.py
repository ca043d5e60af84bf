"""A request's database session: its caller's rows and no others."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, overload

from fastapi import Depends, HTTPException, status
from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from betterguard import rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    from betterguard.web.guard import BetterGuard

__all__ = ["user_session"]


@overload
def user_session(
    engine: Engine, guard: BetterGuard[Any], **options: Any
) -> Callable[..., Iterator[Session]]: ...
@overload
def user_session(
    engine: AsyncEngine, guard: BetterGuard[Any], **options: Any
) -> Callable[..., AsyncIterator[AsyncSession]]: ...
def user_session(
    engine: Engine | AsyncEngine, guard: BetterGuard[Any], **options: Any
) -> Callable[..., Iterator[Session]] | Callable[..., AsyncIterator[AsyncSession]]:
    """Give the dependency that opens a session for the caller, who must be known (401).

    ``UserSession = Annotated[AsyncSession, Depends(user_session(engine, guard))]``

    ``engine`` is isolated; ``options`` go to ``rows.session``. What the route does not commit
    is rolled back. A row that the route asked for and that is not there, for this user, is
    answered with 404, in routes that ask for this session and in no others: elsewhere the same
    error is a bug, and stays a 500.

    Raises ConfigurationError at once for an engine that is not isolated.
    """
    rows.ownership_of(engine)
    caller = Depends(guard.verify_token)

    if isinstance(engine, AsyncEngine):

        async def open_async(user_id: str = caller) -> AsyncIterator[AsyncSession]:
            with _missing_rows_are_404():
                async with rows.session(engine, user_id, **options) as session:
                    yield session

        return open_async

    def open_sync(user_id: str = caller) -> Iterator[Session]:
        with _missing_rows_are_404(), rows.session(engine, user_id, **options) as session:
            yield session

    return open_sync


@contextlib.contextmanager
def _missing_rows_are_404() -> Iterator[None]:
    """Answer a missing row as FastAPI answers a missing path; another user's is missing, too."""
    try:
        yield
    except (NoResultFound, ObjectDeletedError, StaleDataError) as error:
        raise HTTPException(status.HTTP_404_NOT_FOUND) from error
