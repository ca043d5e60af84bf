"""The dates that Better Auth keeps in SQLite, where no type holds a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Text
from sqlalchemy.types import TypeDecorator

from betterguard.schema.timestamps import certain_moment

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = ["EpochMilliseconds", "IsoText"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


class IsoText(TypeDecorator[datetime]):
    """A moment as JavaScript's ``toISOString`` writes it: ``2026-03-01T12:30:45.123Z``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        """Write the moment in UTC, cut to milliseconds."""
        del dialect
        if value is None:
            return None
        moment = certain_moment(value, "a date of Better Auth").replace(tzinfo=None)
        return f"{moment.isoformat(timespec='milliseconds')}Z"

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Read the moment as aware UTC."""
        del dialect
        return None if value is None else datetime.fromisoformat(value).astimezone(UTC)


class EpochMilliseconds(TypeDecorator[datetime]):
    """A moment as JavaScript's ``getTime`` counts it: milliseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> int | None:
        """Count the milliseconds, cutting the rest."""
        del dialect
        if value is None:
            return None
        return (certain_moment(value, "a date of Better Auth") - EPOCH) // MILLISECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Read the moment as aware UTC."""
        del dialect
        return None if value is None else EPOCH + value * MILLISECOND
