"""The program: its commands by name, each imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

__all__ = ["COMMANDS", "app"]

COMMANDS = ("attack", "audit", "doctor", "init", "skill", "token")
"""Each is a module beside this one, with an ``app``."""


class Commands(TyperGroup):
    """No command waits for what another one needs."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002  typer's signature
        """Give the names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002  as above
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        return typer.main.get_command(import_module(f"betterguard.cli.{cmd_name}").app)


app = typer.Typer(
    name="betterguard",
    cls=Commands,
    help="Better Auth tokens in, only your own rows out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)


def _show_version(*, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415  slow to import

        typer.echo(f"betterguard {version('betterguard')}")
        raise typer.Exit


@app.callback()
def program(
    *,
    shown: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda value: _show_version(wanted=value),
            is_eager=True,
            help="Show the version and exit.",
        ),
    ] = False,
) -> None:
    """Better Auth tokens in, only your own rows out."""
