"""Which errors of SQLAlchemy mean that a row is not there, for this user at least."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["missing_row_errors"]


def missing_row_errors() -> tuple[type[Exception], ...]:
    """Give the errors to answer with 404; none where SQLAlchemy is not installed."""
    if find_spec("sqlalchemy") is None:
        return ()
    from sqlalchemy.exc import NoResultFound  # noqa: PLC0415  # an extra
    from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError  # noqa: PLC0415  # an extra

    return (NoResultFound, ObjectDeletedError, StaleDataError)
