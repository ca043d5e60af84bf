"""The program and its commands."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from betterguard.cli.attack import EXAMPLES, attack
from betterguard.cli.audit import audit

app = typer.Typer(
    name="betterguard",
    help="Better Auth tokens in, only your own rows out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command(epilog=EXAMPLES)(attack)
app.command()(audit)


def _show_version(*, wanted: bool) -> None:
    if wanted:
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
