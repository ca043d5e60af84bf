"""Where secrets and tokens come from: a variable, a file, standard input; never the command line.

What stands on a command line stays in the shell's history and shows in the list of processes.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from betterguard.errors import ConfigurationError

__all__ = ["read_source"]


def read_source(option: str, source: str) -> str:
    """Read what ``env:NAME``, ``file:PATH`` or ``-`` (one line) names; `ConfigurationError`.

    ``option`` is named in errors, the value never is.
    """
    kind, _, place = source.partition(":")
    if source == "-":
        value = sys.stdin.readline()
    elif kind == "env":
        value = os.environ.get(place, "")
        _demand(value, f"{option}: the variable {place} is not set")
    elif kind == "file":
        try:
            value = Path(place).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as err:
            why = err.strerror if isinstance(err, OSError) else "it is no text in UTF-8"
            msg = f"{option}: {place} cannot be read: {why}"
            raise ConfigurationError([msg]) from err
    else:
        msg = f"{option} must be env:NAME, file:PATH or -; values do not belong on a command line"
        raise ConfigurationError([msg])
    _demand(value.strip(), f"{option}: {source} is empty")
    return value.strip()


def _demand(value: str, fault: str) -> None:
    if not value:
        raise ConfigurationError([fault])
