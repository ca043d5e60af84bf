"""A set-up as people write it, and what the doctor names in it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from betterguard.environment import Environment
from betterguard.live.doctor import Report, Status, Subject, diagnose, usable_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FRONT_END", "SECRET", "diagnosed", "named", "subject_of"]

SECRET = "a-secret-of-the-tests-4u7Rk2vXq9LmZc8w"
FRONT_END = "http://localhost:3000"


def subject_of(
    variables: Mapping[str, str], *, clock: Callable[[], float] = time.time, **options: Any
) -> Subject:
    """Give what the command line makes of these variables, and of nothing else."""
    given = {name: variables.get(name.upper(), "") for name in Environment.model_fields}
    environment = Environment(_env_file=None, **given)  # type: ignore[arg-type]  # all texts
    settings, faults = usable_settings(environment)
    return Subject(
        environment=environment, settings=settings, faults=faults, clock=clock, **options
    )


def diagnosed(subject: Subject, *only: str) -> Report:
    """Ask these families."""
    return asyncio.run(diagnose(subject, only=only))


def named(report: Report, status: Status = Status.FAULT) -> set[str]:
    """Give the ids of the checks that came out so."""
    return {outcome.check for outcome in report.outcomes if outcome.status is status}
