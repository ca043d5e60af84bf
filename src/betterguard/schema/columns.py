"""Every row tells when it was made and last changed: created_at and updated_at as a mixin."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import DateTime, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.functions import FunctionElement

from betterguard.schema.timestamps import UtcDateTime, utcnow

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler

__all__ = ["Timestamps", "naive_server_utcnow"]

# Behind the columns of the class itself, which people read first.
LAST = 1000


class Timestamps:
    """``created_at`` and ``updated_at``, aware UTC, on a SQLAlchemy declarative class.

    The application sets both, so that they are known without another query; the server sets
    them for rows that come past the application. ``updated_at`` moves with every UPDATE that
    SQLAlchemy sends, bulk updates included; for those of others see ``updated_at_trigger``.
    For SQLModel there is ``betterguard.schema.sqlmodel.Timestamps``.
    """

    created_at: Mapped[datetime] = mapped_column(
        UtcDateTime(), default=utcnow, server_default=func.now(), sort_order=LAST
    )
    updated_at: Mapped[datetime] = mapped_column(
        UtcDateTime(), default=utcnow, onupdate=utcnow, server_default=func.now(), sort_order=LAST
    )


class naive_server_utcnow(FunctionElement[datetime]):  # noqa: N801 - written as a function
    """The server's present moment in UTC without a zone: the default of a TIMESTAMP column.

    ``func.now()`` there would be the wall clock of the session's time zone.
    """

    type = DateTime()
    inherit_cache = True


@compiles(naive_server_utcnow)
def _current_timestamp(
    element: naive_server_utcnow, compiler: SQLCompiler, **_options: object
) -> str:
    del element, compiler
    return "CURRENT_TIMESTAMP"  # in UTC on SQLite


@compiles(naive_server_utcnow, "postgresql")
def _now_at_utc(element: naive_server_utcnow, compiler: SQLCompiler, **_options: object) -> str:
    del element, compiler
    return "timezone('utc', now())"
