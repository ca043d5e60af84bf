"""``betterguard attack``: prove that authentication and isolation of one's own API hold.

What it needs is imported when it runs: the other commands do not wait for FastAPI.
"""

from __future__ import annotations

import traceback
from enum import StrEnum
from io import StringIO
from pathlib import Path  # noqa: TC003  typer reads annotations
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from betterguard.audit import Severity
from betterguard.cli.commands import alone
from betterguard.cli.output import demand_place, write_output
from betterguard.cli.terminal import console, refuse
from betterguard.errors import ConfigurationError

if TYPE_CHECKING:
    from betterguard.live.attack import Result

OPEN = 1
DEFAULT_SOURCE = "env:BETTER_AUTH_SECRET"
WIDE = 160
FAMILIES = ("credential", "crossing", "surface")
EPILOG = """[bold]Examples[/]

[cyan]TOKEN_A=… TOKEN_B=… betterguard attack http://127.0.0.1:8000[/]  a running API

[cyan]betterguard attack main:app --mint keys[/]  an application in this process

[cyan]betterguard attack http://127.0.0.1:8000 --mint secret -f html -o attack.html[/]  as a page

[cyan]betterguard attack main:app --mint keys --only crossing -f junit -o attack.xml[/]  in CI

[cyan]betterguard attack https://staging.example.com --i-own-this staging.example.com --rate 5[/]
"""


class Format(StrEnum):
    """How the result is written."""

    text = "text"
    json = "json"
    junit = "junit"
    html = "html"


class Mint(StrEnum):
    """What tokens are made with."""

    secret = "secret"  # noqa: S105  a choice, not a secret
    keys = "keys"


def attack(  # noqa: PLR0913, PLR0917  each is an option of the command
    target: Annotated[
        str, typer.Argument(help="Your API: http://127.0.0.1:8000, or module:app to run it here.")
    ],
    token_a: Annotated[
        str, typer.Option(help="Alice's token: env:NAME, file:PATH, or - for a line of stdin.")
    ] = "env:TOKEN_A",  # noqa: S107  the name of a variable
    token_b: Annotated[str, typer.Option(help="Bob's token, from the like.")] = "env:TOKEN_B",  # noqa: S107  as above
    expired_token: Annotated[
        str | None, typer.Option(help="A genuine token whose time is over, from the like.")
    ] = None,
    mint: Annotated[
        Mint | None,
        typer.Option(
            help="Make both tokens: with the shared secret, or, for module:app, with keys made "
            "for the occasion."
        ),
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(
            help="The shared secret, from the like: for --mint secret (env:BETTER_AUTH_SECRET by "
            "default), or to sign wrong tokens with beside your own."
        ),
    ] = None,
    issuer: Annotated[
        str | None,
        typer.Option(help="Issuer and audience of minted tokens; BETTER_AUTH_URL by default."),
    ] = None,
    jwks: Annotated[
        str | None, typer.Option(help="The published key set: a file or an address.")
    ] = None,
    user_id_a: Annotated[str | None, typer.Option(help="Alice's id, if not by her token.")] = None,
    user_id_b: Annotated[str | None, typer.Option(help="Bob's id, if not by his token.")] = None,
    openapi: Annotated[
        str | None, typer.Option(help="The document: a file, or a path of the API.")
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(help="Only operations like this: 'GET /api/*'.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="No operation like this.")] = None,
    public: Annotated[
        list[str] | None, typer.Option(help="Operations that are meant for anybody.")
    ] = None,
    websocket: Annotated[
        list[str] | None, typer.Option(help="A WebSocket's path; those of module:app are found.")
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(help="'Name: value' for every request; a value may be env:NAME."),
    ] = None,
    only: Annotated[
        str | None, typer.Option(help=f"Only these attacks, by commas: {', '.join(FAMILIES)}.")
    ] = None,
    variants: Annotated[
        int | None, typer.Option(min=1, help="At most so many variants of a credential attack.")
    ] = None,
    max_requests: Annotated[int, typer.Option(min=1, help="At most so many requests.")] = 10_000,
    rate: Annotated[
        float | None, typer.Option(min=0.01, help="At most so many requests a second.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for each request.")] = 10.0,
    seed: Annotated[int | None, typer.Option(help="For the same values again.")] = None,
    style: Annotated[
        Format, typer.Option("--format", "-f", help="How to write the result.")
    ] = Format.text,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the result to a file.")
    ] = None,
    fail_on: Annotated[
        str, typer.Option(help="Exit with 1 when something is open from this severity on.")
    ] = "low",
    own_host: Annotated[
        str | None,
        typer.Option("--i-own-this", help="The host, typed again: you may attack it."),
    ] = None,
    *,
    throwaway_users: Annotated[
        bool,
        typer.Option(
            "--throwaway-users", help="Everything of the two users' may be changed and deleted."
        ),
    ] = False,
) -> None:
    """Attack your own API as two of its users: does anything get through?

    Alice makes objects through the API; Bob tries to reach them, and credentials that must not
    count are tried on every operation. What was made is removed.

    Exit code 0: nothing is open; 1: something is; 2: wrong usage or an internal error.
    """
    from betterguard.cli import attacking  # noqa: PLC0415  see above
    from betterguard.live.attack import Family, Limits, Options, parse_target  # noqa: PLC0415

    try:
        demand_place(output)
        threshold = _severity(fail_on)
        options = Options(
            openapi=openapi,
            document=attacking.read_document(openapi),
            include=tuple(include or ()),
            exclude=tuple(exclude or ()),
            public=tuple(public or ()),
            websockets=tuple(websocket or ()),
            headers=tuple(attacking.read_header(one) for one in header or ()),
            families=frozenset(map(Family, _families(only))),
            limits=Limits(max_requests, rate, timeout),
            variants=variants,
            throwaway=throwaway_users,
            seed=seed,
        )
        aim, ids = parse_target(target, own_host), (user_id_a, user_id_b)
        if mint is None:
            sources = attacking.Sources(token_a, token_b, expired_token, secret, jwks)
            result = attacking.with_tokens(aim, options, sources, ids)
        else:
            given = (secret or DEFAULT_SOURCE) if mint is Mint.secret else None
            result = attacking.with_minted(aim, options, given, issuer, ids)
        _write(result, style, output)
    except ConfigurationError as err:
        refuse("\n".join(err.faults))
    except Exception:  # noqa: BLE001  whatever went wrong, the exit code must say so
        refuse(f"internal error\n{traceback.format_exc()}")
    if any(cell.attack.severity >= threshold for cell in result.open):
        raise typer.Exit(OPEN)


def _severity(name: str) -> Severity:
    try:
        return Severity.named(name)
    except ValueError as err:
        msg = f"--fail-on: {err}"
        raise ConfigurationError([msg]) from err


def _families(text: str | None) -> list[str]:
    names = [name.strip() for name in (text or ",".join(FAMILIES)).split(",") if name.strip()]
    unknown = sorted(set(names) - set(FAMILIES))
    if unknown:
        msg = f"--only: there is no family {', '.join(unknown)}; there are {', '.join(FAMILIES)}"
        raise ConfigurationError([msg])
    return names


def _write(result: Result, style: Format, output: Path | None) -> None:
    from betterguard.live.attack import reports  # noqa: PLC0415  see above

    writers = {
        Format.json: reports.as_json,
        Format.junit: reports.as_junit,
        Format.html: reports.as_html,
    }
    if style is Format.text and output is not None:
        stream = StringIO()
        Console(file=stream, width=WIDE).print(
            reports.as_text(result), highlight=False, soft_wrap=True
        )
        write_output(output, stream.getvalue())
    elif style is Format.text:
        console().print(reports.as_text(result), highlight=False, soft_wrap=True)
    elif output is None:
        typer.echo(writers[style](result))
    else:
        write_output(output, writers[style](result) + "\n")


app = alone(attack, EPILOG)
