"""The audits that are asked for most, without the library that reads command lines.

That library takes longer to load than an unchanged project takes to answer for. What is asked in
any other way, or wrongly, is left to it: here nothing is refused.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from betterguard.cli.auditing import Request

__all__ = ["quick", "request"]

INTERRUPTED = 130
_TEXTS = {
    "--select": "select",
    "--ignore": "ignore",
    "--severity": "severity",
    "--fail-on": "fail_on",
    "--diff-base": "diff_base",
}
_PATHS = {"--output": "output", "-o": "output", "--baseline": "baseline"}
_FLAGS = {"--no-cache": "no_cache", "--tests": "tests"}
_EXPANDED = frozenset("*?[~$%")
"""What the library expands on Windows, where no shell does."""


def quick(words: Sequence[str]) -> int | None:
    """Run ``betterguard`` with these words and give the exit code; None: not for here."""
    if words[:1] != ["audit"] or find_spec("typer") is None:
        return None
    asked = request(words[1:])
    if asked is None:
        return None
    from betterguard.cli.auditing import run  # noqa: PLC0415  only an audit needs it
    from betterguard.errors import ConfigurationError  # noqa: PLC0415  as above

    try:
        return run(asked)
    except ConfigurationError as err:
        print(err, file=sys.stderr)  # noqa: T201  the command line's own output
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED


def request(words: Sequence[str]) -> Request | None:
    """Give what the words behind ``audit`` ask for; None where they are not plain enough."""
    from betterguard.cli.auditing import Request  # noqa: PLC0415  only an audit needs it

    if sys.platform == "win32" and any(not _EXPANDED.isdisjoint(word) for word in words):
        return None
    asked: dict[str, Any] = {}
    paths: list[Path] = []
    rest = list(reversed(words))
    while rest:
        word = rest.pop()
        if not word.startswith("-"):
            paths.append(Path(word))
        elif word in _FLAGS:
            asked[_FLAGS[word]] = True
        else:
            name, sign, value = word.partition("=")
            option = _option(name, value if sign or not rest else rest.pop())
            if option is None:
                return None
            asked.update(option)
    return Request(paths=tuple(paths), **asked)


def _option(name: str, value: str) -> dict[str, object] | None:
    from betterguard.cli.auditing import Format  # noqa: PLC0415  as above

    if not value or value.startswith("-"):
        return None
    if name in _TEXTS:
        return {_TEXTS[name]: value}
    if name in _PATHS:
        return {_PATHS[name]: Path(value)}
    if name in {"--format", "-f"} and value in set(Format):
        return {"style": Format(value)}
    if name == "--jobs" and value.isascii() and value.isdigit():
        return {"jobs": int(value)}
    return None
