"""Standard streams that never break: UTF-8 everywhere, quiet once nobody reads them.

``force_utf8()`` does it; ``python -m betterguard.console`` tells what the streams of a process
started that way are; ``ConsoleFormatter(plain=True)`` writes logs in ASCII.
"""

from __future__ import annotations

from betterguard.console.logs import ConsoleFormatter
from betterguard.console.streams import force_utf8

__all__ = ["ConsoleFormatter", "force_utf8"]
