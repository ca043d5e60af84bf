"""What commands share: output for people, refusals, and a token from wherever it comes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console

__all__ = ["USAGE", "console", "env_file_of", "read_token", "refuse"]

USAGE = 2
"""The exit code of a command that was called wrongly."""
STDIN = "-"
DEFAULT_ENV_FILE = Path(".env")


def console() -> Console:
    """Output for people; where it is not a terminal, lines are as long as they are."""
    return Console(width=None if sys.stdout.isatty() else 160)


def refuse(message: str) -> NoReturn:
    """Say what is wrong with the call, and end."""
    typer.echo(message, err=True)
    raise typer.Exit(USAGE)


def read_token(given: str) -> str:
    """Give a token as it was passed, or from stdin for ``-``; without ``Bearer`` before it."""
    if given == STDIN:
        if sys.stdin.isatty():
            typer.echo("Paste the token, then Ctrl-D:", err=True)
        given = sys.stdin.read()
    text = given.strip()
    scheme, _, rest = text.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else text


def env_file_of(given: Path | None) -> Path:
    """Give the file behind the environment; one that was named must be there."""
    if given is not None and not given.is_file():
        refuse(f"--env-file: there is no file {given}")
    return given or DEFAULT_ENV_FILE
