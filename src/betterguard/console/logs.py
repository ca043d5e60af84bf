"""Logs that a console can show: in ASCII for those who want it, and never on stdout for MCP."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ConsoleFormatter", "move_logs_to_stderr"]


class ConsoleFormatter(logging.Formatter):
    r"""A ``logging.Formatter`` that can keep to ASCII.

    With ``plain=True`` each character that an ASCII stream cannot show is replaced by its
    escape: an emoji by ``\U0001f600``. All other arguments are those of ``logging.Formatter``.
    In a ``dictConfig`` it is named as ``"()": "betterguard.console.ConsoleFormatter"``.
    """

    def __init__(self, *arguments: Any, plain: bool = False, **options: Any) -> None:  # noqa: ANN401 - passed on as they are
        super().__init__(*arguments, **options)
        self.plain = plain

    def format(self, record: logging.LogRecord) -> str:
        """Format as ever, then replace what is not ASCII where that was asked for."""
        text = super().format(record)
        if self.plain:
            return text.encode("ascii", "backslashreplace").decode("ascii")
        return text


def move_logs_to_stderr() -> None:
    """Let every log handler that writes to stdout write to stderr."""
    for handler in handlers():
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            handler.setStream(sys.stderr)


def handlers() -> Iterator[logging.Handler]:
    """Give the handlers of the root logger and of every other logger there is."""
    yield from logging.root.handlers
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):  # else a placeholder, which has none
            yield from logger.handlers
