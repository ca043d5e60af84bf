"""Can the standard streams take whatever is printed?"""

from __future__ import annotations

import locale
import os
import sys
from typing import TYPE_CHECKING

from betterguard.console.report import HARDEST, setting, streams
from betterguard.live.doctor.family import Family
from betterguard.live.doctor.outcome import Check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from betterguard.live.doctor.outcome import Outcome
    from betterguard.live.doctor.subject import Subject

__all__ = ["FAMILY"]

STREAMS = Check("console.streams", "streams that take every character once force_utf8() has run")
ENCODING = Check("console.encoding", "UTF-8 from the start")


async def examine(subject: Subject) -> AsyncIterator[Outcome]:  # noqa: ARG001 - a family's shape
    """Look at this process: it was started as the application would be from here."""
    faulty = [state for state in streams() if state.faults]
    for state in faulty:
        yield STREAMS.fault(
            f"{state.name} ({state.kind}, {state.encoding}, {state.errors}): "
            f"{'; '.join(state.faults)}",
            "take PYTHONIOENCODING out of the environment, or set it to utf-8",
        )
    if not faulty:
        yield STREAMS.ok("stdin, stdout and stderr are safe")
    yield _encoding()


def _encoding() -> Outcome:
    if sys.flags.utf8_mode or os.environ.get("PYTHONIOENCODING") or _holds_everything():
        return ENCODING.ok(setting())
    return ENCODING.warning(
        setting(),
        "call guard.install(app) or force_utf8() before the first print, or set PYTHONUTF8=1",
    )


def _holds_everything() -> bool:
    try:
        HARDEST[:1].encode(locale.getencoding())
    except UnicodeEncodeError:
        return False
    return True


FAMILY = Family("console", (STREAMS, ENCODING), examine)
