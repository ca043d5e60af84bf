"""Standard streams that never break: UTF-8 everywhere, quiet once nobody reads them.

``force_utf8()`` does it; ``python -m betterguard.console`` tells what the streams of a process
started that way are; ``ConsoleFormatter(plain=True)`` writes logs in ASCII.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.console.streams import force_utf8

if TYPE_CHECKING:
    from betterguard.console.logs import ConsoleFormatter

__all__ = ["ConsoleFormatter", "force_utf8"]


if not TYPE_CHECKING:  # checkers know the name above

    def __getattr__(name: str) -> object:
        """Load what formats logs when it is asked for: the command line keeps none."""
        if name != "ConsoleFormatter":
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        from betterguard.console.logs import ConsoleFormatter  # noqa: PLC0415  loads logging

        globals()[name] = ConsoleFormatter
        return ConsoleFormatter
