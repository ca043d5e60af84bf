"""The program's commands and their options, as they are defined."""

from __future__ import annotations

from typing import Any

import typer

from betterguard.cli.program import app

__all__ = ["command", "options"]


def command(*words: str) -> Any:
    """Give the command that these words call."""
    found: Any = typer.main.get_command(app)
    for word in words:
        found = found.get_command(typer.Context(found), word)
    return found


def options(*words: str) -> set[str]:
    """Give the long options of a command, without its help."""
    names = {name for param in command(*words).params for name in param.opts}
    return {name for name in names if name.startswith("--")} - {"--help"}
