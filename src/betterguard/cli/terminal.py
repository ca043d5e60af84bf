"""What commands share: output for people, refusals, and a token from wherever it comes."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["USAGE", "console", "keep_log_quiet", "read_token", "refuse"]

USAGE = 2
"""The exit code of a command that was called wrongly."""
STDIN = "-"
MOST_CHARACTERS = 1_000_000
"""Of standard input, which may never end: far more than a token that anything takes."""


def console() -> Console:
    """Output for people; where it is not a terminal, lines are as long as they are."""
    from rich.console import Console  # noqa: PLC0415  slow to import

    return Console(width=None if sys.stdout.isatty() else 160)


def keep_log_quiet() -> None:
    """Keep the library's warnings off stderr, where Python writes what no handler takes."""
    logging.getLogger("betterguard").addHandler(logging.NullHandler())


def refuse(message: str) -> NoReturn:
    """Say what is wrong with the call, and end."""
    typer.echo(message, err=True)
    raise typer.Exit(USAGE)


def read_token(given: str) -> str:
    """Give a token as it was passed, or from stdin for ``-``; without ``Bearer`` before it."""
    if given == STDIN:
        if sys.stdin.isatty():
            typer.echo("Paste the token, then Ctrl-D:", err=True)
        given = sys.stdin.read(MOST_CHARACTERS)
    text = given.strip()
    scheme, _, rest = text.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else text
