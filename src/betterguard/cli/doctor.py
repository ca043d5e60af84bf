"""``betterguard doctor``: configuration against reality."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer
from dotenv import dotenv_values
from rich.console import Console
from rich.progress import Progress

from betterguard.addresses import AddressRefused, parse_address
from betterguard.cli.commands import alone
from betterguard.cli.environment import env_file_of, environment_of
from betterguard.cli.terminal import console, keep_log_quiet, read_token, refuse
from betterguard.live.doctor import (
    FAMILIES,
    Report,
    Subject,
    as_json,
    as_text,
    diagnose,
    usable_settings,
)

if TYPE_CHECKING:
    from collections.abc import Collection

SOUND, FAULTY = 0, 1
NAMES = tuple(family.name for family in FAMILIES)
EPILOG = """\
Examples:

betterguard doctor

betterguard doctor --api http://localhost:8000 --metadata app.models:Base

betterguard token mint --user alice --secret | betterguard doctor --token -

betterguard doctor --only keys,clock --json
"""


def doctor(  # noqa: PLR0913, PLR0917  each is an option of the command
    env_file: Annotated[
        Path | None, typer.Option(help="The file behind the environment; .env by default.")
    ] = None,
    api: Annotated[
        str | None, typer.Option(help="The running back end: http://localhost:8000.")
    ] = None,
    api_path: Annotated[
        str | None,
        typer.Option(help="A path there that needs a token, where /openapi.json is closed."),
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="The database's address; DATABASE_URL by default.")
    ] = None,
    metadata: Annotated[
        str | None, typer.Option(help="The tables to look for: app.models:Base (imported).")
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="A token to try and explain; - reads it from stdin.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(help=f"Only these families, by commas: {', '.join(NAMES)}.")
    ] = None,
    skip: Annotated[str | None, typer.Option(help="Not these families.")] = None,
    *,
    probe_sign_in: Annotated[
        bool,
        typer.Option("--probe-sign-in", help="Try 4 failing sign-ins on another machine, too."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Write the report as JSON.")] = False,
) -> None:
    """Compare the settings with what really runs: one line a check, each with what to do.

    Network only to the addresses of the settings and those given here; nothing is written
    anywhere. No secret, token or password is shown.

    Exit code 0: sound; 1: a fault; 2: wrong usage.
    """
    families = _families(only, "--only"), _families(skip, "--skip")
    file = env_file_of(env_file)
    environment = environment_of(file)
    settings, faults = usable_settings(environment)
    subject = Subject(
        environment=environment,
        settings=settings,
        faults=faults,
        api=_address(api) if api else "",
        api_path=_path(api_path or ""),
        database=database or _variable("DATABASE_URL", file),
        metadata=metadata or "",
        token=read_token(token or ""),
        probe_sign_in=probe_sign_in,
    )
    report = _run(subject, *families)
    if json:
        typer.echo(as_json(report))
    else:
        console().print(as_text(report), highlight=False, soft_wrap=True, end="")
    raise typer.Exit(SOUND if report.sound else FAULTY)


def _run(subject: Subject, only: Collection[str], skip: Collection[str]) -> Report:
    keep_log_quiet()  # what the library would log is what the report says
    with Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("beginning", total=None)
        return asyncio.run(
            diagnose(
                subject,
                only=only,
                skip=skip,
                progress=lambda name, done, total: bar.update(
                    task, description=name, completed=done, total=total
                ),
            )
        )


def _families(text: str | None, option: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in (text or "").split(",") if name.strip())
    unknown = sorted(names - set(NAMES))
    if unknown:
        refuse(f"{option}: there is no family {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return names


def _address(text: str) -> str:
    try:
        return str(parse_address(text))
    except AddressRefused as refused:
        refuse(f"--api: the address {refused}")


def _path(text: str) -> str:
    if text and not text.startswith("/"):
        refuse("--api-path: a path begins with a slash")
    return text


def _variable(name: str, file: Path) -> str:
    given = os.environ.get(name)
    if given is None and file.is_file():
        given = dotenv_values(file, encoding="utf-8-sig").get(name)
    return given or ""


app = alone(doctor, EPILOG)
