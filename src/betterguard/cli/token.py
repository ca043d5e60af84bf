"""``betterguard token``: explain one, or mint one for development."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from betterguard.cli.commands import group
from betterguard.cli.environment import env_file_of, environment_of
from betterguard.cli.terminal import console, keep_log_quiet, read_token, refuse
from betterguard.errors import ConfigurationError
from betterguard.live.doctor import usable_settings
from betterguard.live.explanation import explain as explanation_of
from betterguard.live.explanation import verifier_of
from betterguard.live.minting import mint as mint_token
from betterguard.live.minting import read_claims, read_duration, refuse_production
from betterguard.live.telling import as_json, as_text
from betterguard.testing.key_set_server import KeySetServer, key_set

if TYPE_CHECKING:
    from betterguard.live.minting import Minted
    from betterguard.settings import Settings

app = group("token", "Explain a token, or mint one.")

ACCEPTED, REFUSED = 0, 1
EXPLAIN_EPILOG = """\
Examples:

betterguard token explain eyJhbGciOi…

pbpaste | betterguard token explain

betterguard token explain --no-settings --json < token.txt
"""
MINT_EPILOG = """\
Examples:

betterguard token mint --user alice

betterguard token mint --user alice --expires 2h --claim role=admin

betterguard token mint --user alice --expires=-5m --secret
"""


@app.command(epilog=EXPLAIN_EPILOG)
def explain(
    token: Annotated[
        str, typer.Argument(help="The token; read from stdin when left out, or -.")
    ] = "-",  # noqa: S107  where it is read from
    env_file: Annotated[
        Path | None, typer.Option(help="The file behind the environment; .env by default.")
    ] = None,
    *,
    no_settings: Annotated[
        bool, typer.Option("--no-settings", help="Look at the structure alone.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Write the explanation as JSON.")] = False,
) -> None:
    """Tell which check a token fails, and which setting would change it.

    The checks are the guard's, in its order, with your settings; the key set is fetched from
    their address. The signature is never printed.

    Exit code 0: nothing is wrong with it; 1: it is refused; 2: wrong usage.
    """
    keep_log_quiet()
    text = read_token(token)
    if not text:
        refuse("no token was given: pass it as the argument or on stdin")
    settings = None if no_settings else _settings(env_file)
    verifier = None if settings is None else verifier_of(settings)
    explanation = asyncio.run(explanation_of(text, verifier, time.time()))
    if json:
        typer.echo(as_json(explanation))
    else:
        console().print(as_text(explanation), highlight=False, soft_wrap=True, end="")
    raise typer.Exit(REFUSED if explanation.failed or explanation.accepted is False else ACCEPTED)


@app.command(epilog=MINT_EPILOG)
def mint(  # noqa: PLR0913, PLR0917  each is an option of the command
    user: Annotated[str, typer.Option(help="The user's id: sub and id.")],
    email: Annotated[str | None, typer.Option(help="The claim email.")] = None,
    expires: Annotated[
        str, typer.Option(help="How long it is good: 15m, 90s, 2h, 1d; -5m has expired.")
    ] = "15m",
    claim: Annotated[
        list[str] | None,
        typer.Option(help="name=value, JSON or text; may be given several times."),
    ] = None,
    env_file: Annotated[
        Path | None, typer.Option(help="The file behind the environment; .env by default.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the key set on loopback; 0 is any.")
    ] = 0,
    *,
    secret: Annotated[
        bool | None,
        typer.Option(
            "--secret/--key-set",
            help="HS256 with BETTER_AUTH_SECRET, or EdDSA with a throwaway key set; by default "
            "what the settings take.",
        ),
    ] = None,
) -> None:
    """Make a token for development; refused where the environment says production.

    With the secret it is printed, and that is all. Otherwise a new key signs it, and its key
    set is served on loopback until Ctrl-C: start the back end with the variables that are
    shown. The token goes to stdout, everything else to stderr.
    """
    try:
        environment = environment_of(env_file_of(env_file))
        refuse_production(environment)
        claims = read_claims(claim or [])
        minted = mint_token(
            usable_settings(environment)[0],
            user=user,
            lifetime=read_duration(expires),
            claims={**claims, **({"email": email} if email else {})},
            with_secret=secret,
            clock=time.time,
        )
    except ConfigurationError as err:
        refuse(str(err))
    if minted.jwk is None:
        typer.echo(minted.token)
        return
    try:
        asyncio.run(_serve(minted, minted.jwk, port))
    except KeyboardInterrupt:
        typer.echo("The key set is served no longer.", err=True)
    except OSError as err:
        refuse(f"port {port} cannot be used: {err.strerror}")


async def _serve(minted: Minted, jwk: dict[str, object], port: int) -> None:
    async with KeySetServer(key_set(jwk), port=port) as server:
        lines = (
            "BETTER_AUTH_TOKENS=jwks",
            f"BETTER_AUTH_JWKS_URL={server.url}",
            f"BETTER_AUTH_ISSUER={minted.issuer}",
            f"BETTER_AUTH_AUDIENCE={minted.audience}",
        )
        typer.echo("\n".join(("Start the back end with:", *lines, "")), err=True)
        typer.echo(minted.token)
        sys.stdout.flush()
        typer.echo("Serving its key set; Ctrl-C ends it.", err=True)
        await asyncio.Event().wait()


def _settings(env_file: Path | None) -> Settings | None:
    settings, faults = usable_settings(environment_of(env_file_of(env_file)))
    if faults:
        typer.echo(str(ConfigurationError(faults)), err=True)
    return settings
