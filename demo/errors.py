"""What can go wrong when the demo starts or runs, each told with what to do about it."""

from __future__ import annotations

__all__ = ["DemoError", "ServiceFailed"]


class DemoError(Exception):
    """The demo cannot start or go on; the message says why and what to do."""


class ServiceFailed(DemoError):
    """One of the demo's services did not start, or ended; ``log_tail`` is the end of its log."""

    def __init__(self, name: str, what: str, log_tail: str) -> None:
        self.name = name
        self.log_tail = log_tail
        super().__init__(f"{name} {what}. The end of its log says why; mend it and start again.")
