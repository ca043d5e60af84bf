"""A result into a file, or one message that says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["demand_place", "write_output"]


def demand_place(file: Path | None) -> None:
    """Raise `ConfigurationError` where no file can be, before the work that would be lost."""
    if file is not None and (file.is_dir() or not file.parent.is_dir()):
        raise ConfigurationError([f"--output: {file} is no place for a file"])


def write_output(file: Path, text: str) -> None:
    """Write it; raises `ConfigurationError`."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as err:
        msg = f"--output: {file} cannot be written: {err.strerror}"
        raise ConfigurationError([msg]) from err
