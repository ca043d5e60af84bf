"""All families, one after the other: nothing raises out of a check, and each has a deadline."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from betterguard.live.doctor import (
    api,
    better_auth,
    clock,
    console,
    database,
    keys,
    revocation,
    secret,
    settings,
    token,
    versions,
)
from betterguard.live.doctor.exchange import Unreachable
from betterguard.live.doctor.outcome import Check, Outcome, Report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    from betterguard.live.doctor.family import Family
    from betterguard.live.doctor.subject import Subject

__all__ = ["CHECKS", "FAMILIES", "diagnose"]

FAMILIES: tuple[Family, ...] = (
    settings.FAMILY,
    secret.FAMILY,
    better_auth.FAMILY,
    keys.FAMILY,
    clock.FAMILY,
    token.FAMILY,
    revocation.FAMILY,
    database.FAMILY,
    api.FAMILY,
    versions.FAMILY,
    console.FAMILY,
)

STEP_SECONDS = 60.0
"""For one outcome; each request of it has a shorter deadline of its own."""

DEADLINE = Check("doctor.deadline", f"each check done within {STEP_SECONDS:g} s")
BROKEN_OFF = Check("doctor.broken-off", "servers that go on answering")
CRASH = Check("doctor.crash", "checks that know every kind of answer")
CHECKS: tuple[Check, ...] = (
    *(check for family in FAMILIES for check in family.checks),
    *(DEADLINE, BROKEN_OFF, CRASH),
)


async def diagnose(
    subject: Subject,
    *,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Report:
    """Ask every family, or ``only`` those, without ``skip``.

    ``progress`` is told the family that begins, how many are done, and how many there are.
    """
    chosen = [
        family
        for family in FAMILIES
        if (not only or family.name in only) and family.name not in skip
    ]
    outcomes: list[Outcome] = []
    for done, family in enumerate(chosen):
        progress(family.name, done, len(chosen))
        outcomes += [outcome async for outcome in _bounded(family, subject)]
    return Report(tuple(outcomes))


async def _bounded(family: Family, subject: Subject) -> AsyncIterator[Outcome]:
    steps = aiter(family.examine(subject))
    while True:
        try:
            async with asyncio.timeout(STEP_SECONDS):
                outcome = await anext(steps)
        except StopAsyncIteration:
            return
        except TimeoutError:
            yield DEADLINE.fault(f"{family.name} did not end", "try it alone with --only")
            return
        except Unreachable as failure:
            yield BROKEN_OFF.fault(
                f"{family.name}: {failure}", "read the server's log, then try again"
            )
            return
        except Exception as err:  # noqa: BLE001  whatever it was, the others still run
            # Not its message: that may hold anything.
            yield CRASH.fault(
                f"{family.name} raised {type(err).__name__}", "please report it; it is a bug"
            )
            return
        yield outcome
