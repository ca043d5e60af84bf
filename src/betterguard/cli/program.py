"""The program and its commands."""

from __future__ import annotations

from typing import Annotated

import typer

from betterguard.cli.attack import EPILOG as ATTACK_EPILOG
from betterguard.cli.attack import attack
from betterguard.cli.audit import EXAMPLES, audit
from betterguard.cli.doctor import EPILOG as DOCTOR_EPILOG
from betterguard.cli.doctor import doctor
from betterguard.cli.init import init
from betterguard.cli.token import app as token

app = typer.Typer(
    name="betterguard",
    help="Better Auth tokens in, only your own rows out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)
app.command(epilog=ATTACK_EPILOG)(attack)
app.command(epilog=EXAMPLES)(audit)
app.command(epilog=DOCTOR_EPILOG)(doctor)
app.command()(init)
app.add_typer(token)


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
