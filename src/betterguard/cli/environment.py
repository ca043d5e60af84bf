"""The environment of a command: the variables, and the file behind them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from betterguard.cli.terminal import refuse
from betterguard.errors import ConfigurationError
from betterguard.live.doctor import read_environment

if TYPE_CHECKING:
    from betterguard.environment import Environment

__all__ = ["env_file_of", "environment_of"]

DEFAULT_ENV_FILE = Path(".env")


def env_file_of(given: Path | None) -> Path:
    """Give the file behind the environment; one that was named must be there."""
    if given is not None and not given.is_file():
        refuse(f"--env-file: there is no file {given}")
    return given or DEFAULT_ENV_FILE


def environment_of(file: Path) -> Environment:
    """Read it; a file that is no text ends the command."""
    try:
        return read_environment(file)
    except ConfigurationError as unreadable:
        refuse(str(unreadable))
