"""Do the clocks agree? A token is refused when its server is ahead of us."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from betterguard.limits import DEFAULT_LEEWAY, MAX_LEEWAY
from betterguard.live.doctor.exchange import Unreachable, ask
from betterguard.live.doctor.family import Family
from betterguard.live.doctor.outcome import Check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from betterguard.live.doctor.outcome import Outcome
    from betterguard.live.doctor.subject import Subject

__all__ = ["FAMILY"]

DIFFERENCE = Check("clock.difference", "clocks that differ by less than the leeway")
# A Date header has whole seconds.
GRAIN = 1.0
SYNCHRONISE = "synchronise both clocks (NTP)"


async def examine(subject: Subject) -> AsyncIterator[Outcome]:
    """Compare this machine's clock with the Date header of each server."""
    asked = False
    for name, url in _servers(subject):
        try:
            before = subject.clock()
            answer = await ask("GET", url)
        except Unreachable:
            continue  # told by the family that the server belongs to
        asked = True
        middle = (before + subject.clock()) / 2
        yield _compared(name, answer.header("date"), answer.header("age"), middle, subject)
    if not asked:
        yield DIFFERENCE.skipped("no server answers whose clock could be read")


def _servers(subject: Subject) -> Iterator[tuple[str, str]]:
    if subject.auth_url:
        yield "Better Auth", f"{subject.auth_url}/ok"
    elif subject.key_set_url:
        yield "the key set's server", subject.key_set_url
    if subject.api:
        yield "the API", subject.api


def _compared(name: str, date: str, age: str, now: float, subject: Subject) -> Outcome:
    try:
        there = parsedate_to_datetime(date).timestamp() + (int(age) if age.isdigit() else 0)
    except ValueError:
        return DIFFERENCE.skipped(f"{name} sends no Date header that can be read")
    ahead = there - now
    leeway = subject.settings.leeway if subject.settings else DEFAULT_LEEWAY
    if abs(ahead) <= leeway + GRAIN:
        return DIFFERENCE.ok(f"{name} differs by {abs(ahead):.0f} s")
    found = f"{name} is {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}"
    expected = f"at most {leeway:g} s (BETTER_AUTH_LEEWAY)"
    if abs(ahead) <= MAX_LEEWAY:
        return DIFFERENCE.warning(found, SYNCHRONISE, expected=expected)
    return DIFFERENCE.fault(found, SYNCHRONISE, expected=expected)


FAMILY = Family("clock", (DIFFERENCE,), examine)
