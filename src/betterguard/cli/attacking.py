"""An attack with what the command line gives: tokens from where they are kept, or made here."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from betterguard.addresses import is_loopback
from betterguard.cli.sources import read_source
from betterguard.cli.terminal import keep_log_quiet
from betterguard.errors import ConfigurationError
from betterguard.live.attack import AppTarget, Keys, attack, person
from betterguard.live.attack.issuing import issued, served_keys
from betterguard.live.doctor import read_environment
from betterguard.live.minting import DEFAULT_URL, refuse_production
from betterguard.testing.tokens import SharedSecretKey, SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from betterguard.live.attack import Options, Person, Result, Target

__all__ = ["Sources", "read_document", "read_header", "with_minted", "with_tokens"]

ENV_FILE = Path(".env")
Ids = tuple[str | None, str | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Sources:
    """Where tokens and published keys are, as `read_source` reads it."""

    token_a: str
    token_b: str
    expired: str | None
    secret: str | None
    jwks: str | None


def with_tokens(target: Target, options: Options, sources: Sources, ids: Ids) -> Result:
    """Attack with two users' own tokens."""
    alice = person("Alice", read_source("--token-a", sources.token_a), ids[0])
    bob = person("Bob", read_source("--token-b", sources.token_b), ids[1])
    old = None if sources.expired is None else read_source("--expired-token", sources.expired)
    secret = None if sources.secret is None else read_source("--secret", sources.secret)
    signing = None if secret is None else SharedSecretKey(secret)
    return _run(target, alice, bob, options, Keys(_key_set(sources.jwks), signing, old))


def with_minted(
    target: Target, options: Options, secret: str | None, issuer: str | None, ids: Ids
) -> Result:
    """Attack with tokens made here: by the secret at a source, or by a new key for None.

    Raises `ConfigurationError` for targets elsewhere, and where the environment says production.
    """
    refuse_production(read_environment(ENV_FILE))
    if not isinstance(target, AppTarget) and not is_loopback(target.base):
        msg = "--mint is for applications on this machine: give two users' tokens instead"
        raise ConfigurationError([msg])
    url = issuer or os.environ.get("BETTER_AUTH_URL") or DEFAULT_URL
    if secret is not None:
        made = issued(SharedSecretKey(read_source("--secret", secret)), url, ids)
        return _run(target, made.alice, made.bob, options, made.keys)
    if not isinstance(target, AppTarget):
        msg = "--mint keys is for module:app: a running API cannot learn keys that are made now"
        raise ConfigurationError([msg])
    key = SigningKey.generate()
    made = issued(key, url, ids)
    with served_keys(key, url):
        return _run(target, made.alice, made.bob, options, made.keys)


def _run(target: Target, alice: Person, bob: Person, options: Options, keys: Keys) -> Result:
    chosen = dataclasses.replace(options, keys=keys)
    keep_log_quiet()  # hundreds of refusals are what an attack is for
    with _progress() as told:
        return asyncio.run(attack(target, alice, bob, chosen, told))


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


def read_document(place: str | None) -> object:
    """Read the document from a file; None where the place is a path of the API."""
    if place is None or not Path(place).is_file():
        return None
    try:
        return json.loads(Path(place).read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as err:
        msg = f"--openapi: {place} is not JSON"
        raise ConfigurationError([msg]) from err


def read_header(text: str) -> tuple[str, str]:
    """Read ``Name: value``, where the value may be ``env:NAME``."""
    name, colon, value = (part.strip() for part in text.partition(":"))
    if not colon or not name.isascii() or not name:
        msg = "--header must be 'Name: value'"
        raise ConfigurationError([msg])
    return name, read_source("--header", value) if value.startswith("env:") else value


def _key_set(place: str | None) -> dict[str, Any]:
    """Read the published keys from a file or an address; none where no place is given."""
    if place is None:
        return {"keys": []}
    try:
        if "://" in place:
            answer = httpx2.get(place, timeout=10, trust_env=False)
            found = answer.raise_for_status().json()
        else:
            found = json.loads(Path(place).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError, httpx2.HTTPError) as err:
        msg = f"--jwks: no key set at {place}: {type(err).__name__}"
        raise ConfigurationError([msg]) from err
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        msg = f'--jwks: {place} holds no key set, an object with "keys"'
        raise ConfigurationError([msg])
    return found
