"""``betterguard skill``: the agent skill, into a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from betterguard.cli.commands import group
from betterguard.cli.terminal import refuse
from betterguard.errors import ConfigurationError
from betterguard.skill import install_skill, skill_folder

__all__ = ["app"]

app = group("skill", "The agent skill that drives this command line.")


@app.command(epilog="Example: [cyan]betterguard skill path[/]")
def path() -> None:
    """Print the folder of the skill inside of the installed package."""
    typer.echo(str(skill_folder()))


@app.command(epilog="Example: [cyan]betterguard skill install --claude ../my-project[/]")
def install(
    project: Annotated[Path, typer.Argument(help="The project's folder.")] = Path(),
    *,
    claude: Annotated[
        bool, typer.Option("--claude", help="Into .claude/skills as well as .agents/skills.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a copy that is older or was changed.")
    ] = False,
) -> None:
    """Copy the skill into a project, where coding agents find it.

    Exit code 0: it is there; 2: the folder is missing, or a copy that is older or was changed
    would be lost.
    """
    try:
        outcomes = install_skill(project, claude=claude, force=force)
    except ConfigurationError as err:
        refuse(str(err))
    for target, outcome in outcomes.items():
        typer.echo(f"{target}: {outcome}")
