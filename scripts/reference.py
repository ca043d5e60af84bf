"""Write docs/reference/cli.md anew: the ``--help`` of every command, as a terminal shows it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from betterguard.cli.program import app

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PAGE", "commands", "reference"]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "cli.md"
WIDTH = "100"
HEAD = """\
# Command line

`pip install 'betterguard[cli]'`. Made from the commands' own `--help`.

Exit codes are the same everywhere: 0 when all is well, 1 when something was found that fails, 2 for
wrong usage or an internal error. `NO_COLOR` switches colours off.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(reference(), encoding="utf-8")
    print(f"written to {PAGE}")


def reference() -> str:
    """Give the page as it should be now."""
    return HEAD + "".join(section(command) for command in commands())


def commands() -> Iterator[tuple[str, ...]]:
    """Give every command and group as the words that call it, groups before their commands."""
    yield from _below((), typer.main.get_command(app))


def _below(words: tuple[str, ...], command: object) -> Iterator[tuple[str, ...]]:
    yield words
    if isinstance(command, TyperGroup):
        context = typer.Context(command)
        for name in command.list_commands(context):
            yield from _below((*words, name), command.get_command(context, name))


def section(words: tuple[str, ...]) -> str:
    """Give one command's part of the page."""
    title = " ".join(("betterguard", *words))
    return f"\n## {title}\n\n```text\n{shown_help(words)}\n```\n"


def shown_help(words: tuple[str, ...]) -> str:
    """Run a command with ``--help`` and give what it prints, without blanks at line ends."""
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": WIDTH, "TERM": "dumb"}
    done = subprocess.run(
        [Path(sys.executable).with_name("betterguard"), *words, "--help"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


if __name__ == "__main__":
    main()
