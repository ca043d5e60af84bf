"""``betterguard attack``: prove that authentication and isolation of one's own API hold."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from urllib.parse import urlsplit

import httpx2
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from betterguard.addresses import is_loopback
from betterguard.audit import Severity
from betterguard.cli.sources import read_source
from betterguard.errors import ConfigurationError
from betterguard.live.attack import (
    AppTarget,
    Family,
    Keys,
    Limits,
    Options,
    Person,
    Result,
    Target,
    parse_target,
    person,
)
from betterguard.live.attack import attack as run_attack
from betterguard.live.attack.minting import served_keys, with_keys, with_secret
from betterguard.live.attack.reports import as_html, as_json, as_junit, as_text
from betterguard.testing.tokens import SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HELD, OPEN, USAGE = 0, 1, 2
WIDE = 160

EXAMPLES = """Examples:

TOKEN_A=… TOKEN_B=… betterguard attack http://127.0.0.1:8000

betterguard attack main:app --mint keys

betterguard attack http://127.0.0.1:8000 --mint secret --format html --output attack.html

betterguard attack https://staging.example.com --i-own-this staging.example.com --rate 5
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
            help="Make both tokens: with the shared secret, or with keys made for the occasion "
            "(for module:app)."
        ),
    ] = None,
    secret: Annotated[
        str, typer.Option(help="Where the shared secret is, for --mint secret.")
    ] = "env:BETTER_AUTH_SECRET",  # noqa: S107  as above
    issuer: Annotated[
        str | None,
        typer.Option(help="Issuer and audience of minted tokens; BETTER_AUTH_URL by default."),
    ] = None,
    jwks: Annotated[
        str | None, typer.Option(help="The published key set: a file, or an address on loopback.")
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
    family: Annotated[
        list[Family] | None, typer.Option(help="Only attacks of this family.")
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
    count are tried on every operation. What was made is removed. Exit code 0: nothing is open;
    1: something is; 2: wrong usage or an internal error.
    """
    try:
        threshold = _severity(fail_on)
        aim = parse_target(target, own_host)
        options = Options(
            openapi=None if openapi is None else _path_of(openapi),
            document=None if openapi is None else _document(openapi),
            include=tuple(include or ()),
            exclude=tuple(exclude or ()),
            public=tuple(public or ()),
            websockets=tuple(websocket or ()),
            headers=tuple(_header(one) for one in header or ()),
            families=frozenset(family or Family),
            limits=Limits(max_requests, rate, timeout),
            variants=variants,
            throwaway=throwaway_users,
            seed=seed,
        )
        ids = user_id_a, user_id_b
        if mint is not None:
            result = _minted(aim, options, mint, secret, issuer, ids)
        else:
            alice = person("Alice", read_source("--token-a", token_a), user_id_a)
            bob = person("Bob", read_source("--token-b", token_b), user_id_b)
            old = None if expired_token is None else read_source("--expired-token", expired_token)
            result = _run(aim, alice, bob, options, Keys(_key_set(jwks), expired=old))
    except ConfigurationError as err:
        _refuse("\n".join(err.faults))
    except typer.Exit:
        raise
    except Exception:  # noqa: BLE001  whatever went wrong, the exit code must say so
        _refuse(f"internal error\n{traceback.format_exc()}")
    _write(result, style, output)
    if any(cell.attack.severity >= threshold for cell in result.open):
        raise typer.Exit(OPEN)


def _severity(name: str) -> Severity:
    try:
        return Severity.named(name)
    except ValueError as err:
        msg = f"--fail-on: {err}"
        raise ConfigurationError([msg]) from err


def _minted(  # noqa: PLR0913, PLR0917  as the command's options
    target: Target,
    options: Options,
    mint: Mint,
    secret: str,
    issuer: str | None,
    ids: tuple[str | None, str | None],
) -> Result:
    """Attack with tokens made here; only what runs on this machine."""
    url = issuer or os.environ.get("BETTER_AUTH_URL") or "http://localhost:3000"
    if not isinstance(target, AppTarget) and not is_loopback(target.base):
        msg = "--mint is for applications on this machine; give two users' tokens instead"
        raise ConfigurationError([msg])
    if mint is Mint.secret:
        made = with_secret(read_source("--secret", secret), url, ids)
        return _run(target, made.alice, made.bob, options, made.keys)
    if not isinstance(target, AppTarget):
        msg = "--mint keys is for module:app: a running API cannot learn keys that are made now"
        raise ConfigurationError([msg])
    key = SigningKey.generate()
    made = with_keys(key, url, ids)
    with served_keys(key, url):
        return _run(target, made.alice, made.bob, options, made.keys)


def _run(target: Target, alice: Person, bob: Person, options: Options, keys: Keys) -> Result:
    chosen = dataclasses.replace(options, keys=keys)
    with _progress() as told:
        return asyncio.run(run_attack(target, alice, bob, chosen, told))


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, int], None]]:
    """Show the step and the number of requests, where somebody watches."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}, {task.completed} requests"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda step, count: bar.update(task, description=step, completed=count)


def _document(place: str) -> object:
    """Read the document from a file; None where the place is a path of the API."""
    file = Path(place)
    if not file.is_file():
        return None
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError as err:
        msg = f"--openapi: {place} is not JSON"
        raise ConfigurationError([msg]) from err


def _path_of(place: str) -> str:
    path = urlsplit(place).path
    return path if path.startswith("/") else f"/{path}"


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        msg = "--header must be 'Name: value'"
        raise ConfigurationError([msg])
    value = value.strip()
    return name.strip(), read_source("--header", value) if value.startswith("env:") else value


def _key_set(place: str | None) -> dict[str, Any]:
    """Read the published keys from a file or an address; none where no place is given."""
    if place is None:
        return {"keys": []}
    try:
        if "://" in place:
            found = httpx2.get(place, timeout=10, trust_env=False).raise_for_status().json()
        else:
            found = json.loads(Path(place).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, httpx2.HTTPError) as err:
        msg = f"--jwks: no key set at {place}: {type(err).__name__}"
        raise ConfigurationError([msg]) from err
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        msg = f'--jwks: {place} holds no key set, an object with "keys"'
        raise ConfigurationError([msg])
    return found


def _write(result: Result, style: Format, output: Path | None) -> None:
    writers = {Format.json: as_json, Format.junit: as_junit, Format.html: as_html}
    if style in writers:
        written = writers[style](result)
        if output is None:
            typer.echo(written)
        else:
            output.write_text(written + "\n", encoding="utf-8")
    elif output is None:
        Console(width=None if sys.stdout.isatty() else WIDE).print(as_text(result))
    else:
        with output.open("w", encoding="utf-8") as stream:
            Console(file=stream, width=WIDE).print(as_text(result))


def _refuse(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(USAGE)
