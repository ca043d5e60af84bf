"""The program and its commands."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from betterguard.cli.audit import audit
from betterguard.cli.skill import skill

app = typer.Typer(
    name="betterguard",
    help="Better Auth tokens in, only your own rows out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command()(audit)
app.add_typer(skill, name="skill")


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
