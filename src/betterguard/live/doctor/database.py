"""Does the database keep users apart and moments right?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.live.doctor import database_checks as checks
from betterguard.live.doctor.family import Family

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from betterguard.live.doctor.outcome import Outcome
    from betterguard.live.doctor.subject import Subject

__all__ = ["FAMILY"]

LIBRARY = "pip install 'betterguard[sqlalchemy]'"


async def examine(subject: Subject) -> AsyncIterator[Outcome]:
    """Inspect the database where there is an address, and the library to reach it."""
    if not subject.database:
        yield checks.REACHABLE.skipped("no address was given (--database, or DATABASE_URL)")
        return
    try:
        from betterguard.live.doctor.inspections import inspect  # noqa: PLC0415  optional
    except ModuleNotFoundError as err:
        yield checks.REACHABLE.skipped(f"{err.name} is missing: {LIBRARY}")
        return
    async for outcome in inspect(subject.database, subject.metadata):
        yield outcome


FAMILY = Family(
    "database",
    (
        checks.ADDRESS,
        checks.REACHABLE,
        checks.MODELS,
        checks.DECLARED,
        checks.ROWS,
        checks.SCHEMA,
        *checks.FINDINGS.values(),
    ),
    examine,
)
