"""What is attacked: an address on loopback or confirmed as one's own, or an application in here."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2

from betterguard.addresses import AddressRefused, is_loopback, parse_address
from betterguard.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["AppTarget", "Target", "UrlTarget", "parse_target"]

IN_PROCESS = "http://testserver"
LIFESPAN_SECONDS = 60.0
KEPT_ALIVE = 2.0
"""Seconds that a connection may idle; servers close theirs after five or so."""


@dataclass(frozen=True, slots=True)
class UrlTarget:
    """An API behind an address."""

    base: str

    @property
    def name(self) -> str:
        """The address."""
        return self.base

    @contextlib.asynccontextmanager
    async def open(
        self,
        note: Callable[[str], None] = lambda _: None,  # noqa: ARG002  as for an application
    ) -> AsyncIterator[httpx2.AsyncClient]:
        """Give a client; redirects are answers, and no proxy or .netrc takes part."""
        limits = httpx2.Limits(keepalive_expiry=KEPT_ALIVE)
        async with httpx2.AsyncClient(base_url=self.base, trust_env=False, limits=limits) as client:
            yield client


@dataclass(frozen=True, slots=True)
class AppTarget:
    """An ASGI application, by ``module:attribute`` or as an object; it runs in this process."""

    name: str
    app: Any = None

    @contextlib.asynccontextmanager
    async def open(
        self, note: Callable[[str], None] = lambda _: None
    ) -> AsyncIterator[httpx2.AsyncClient]:
        """Import the application, run its lifespan, and give a client that calls it directly.

        ``note`` is told what went wrong in the end, when all has been tried.
        """
        app = self.app if self.app is not None else loaded(self.name)
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with (
            _lifespan(app, note),
            httpx2.AsyncClient(base_url=IN_PROCESS, transport=transport) as client,
        ):
            yield client


Target = UrlTarget | AppTarget


def parse_target(text: str, own_host: str | None = None) -> Target:
    """Read TARGET; `ConfigurationError` for an address elsewhere that nobody said is their own.

    ``own_host`` is the host that the user typed to confirm it.
    """
    if "://" not in text:
        module, colon, attribute = text.partition(":")
        if (
            colon
            and module
            and all(part.isidentifier() for part in f"{module}.{attribute}".split("."))
        ):
            return AppTarget(text)
        msg = f"{text!r} is neither an address (http://127.0.0.1:8000) nor module:app"
        raise ConfigurationError([msg])
    try:
        address = parse_address(text)
    except AddressRefused as err:
        msg = f"the target {err}"
        raise ConfigurationError([msg]) from err
    host = urlsplit(address.origin).hostname
    if not is_loopback(address.origin) and own_host != host:
        msg = (
            f"{host} is not this machine: attack only what is yours, and say so with "
            f"--i-own-this {host}"
        )
        raise ConfigurationError([msg])
    return UrlTarget(str(address))


def loaded(name: str) -> Any:
    """Import an application by ``module:attribute``, from the current folder too."""
    if os.getcwd() not in sys.path:  # noqa: PTH109  sys.path holds texts
        sys.path.insert(0, os.getcwd())  # noqa: PTH109  as above
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as err:
        # Without its message, which may quote settings.
        msg = (
            f"{name} cannot be imported ({type(err).__name__}): "
            f'`python -c "import {module}"` tells why'
        )
        raise ConfigurationError([msg]) from err
    if not _is_application(found):
        msg = f"{name} is no ASGI application: name the application, not what makes it"
        raise ConfigurationError([msg])
    return found


def _is_application(found: Any) -> bool:
    """Tell whether something can be called with a scope and two channels."""
    try:
        inspect.signature(found).bind({}, None, None)
    except TypeError:
        return False
    except ValueError:  # something compiled, which does not say
        return True
    return True


@contextlib.asynccontextmanager
async def _lifespan(app: Any, note: Callable[[str], None]) -> AsyncIterator[None]:
    """Start and stop an application by ASGI's lifespan protocol; one without it is just run."""
    to_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    from_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    running = asyncio.create_task(app(scope, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    supported = False
    try:
        supported = await _answered(running, from_app, "startup")
        yield
    finally:
        if supported:
            await to_app.put({"type": "lifespan.shutdown"})
            try:
                await _answered(running, from_app, "shutdown")
            except ConfigurationError as err:
                note(err.faults[0])  # all has been tried: the result stands
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _answered(
    running: asyncio.Task[None], from_app: asyncio.Queue[dict[str, str]], phase: str
) -> bool:
    """Wait for the end of a phase; False when the application knows no lifespan."""
    answer = asyncio.create_task(from_app.get())
    await asyncio.wait(
        {answer, running}, timeout=LIFESPAN_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    if not answer.done():
        answer.cancel()
        if running.done():
            return False
        msg = f"the application did not end its {phase} within {LIFESPAN_SECONDS:g} s"
        raise ConfigurationError([msg])
    if answer.result()["type"] == f"lifespan.{phase}.failed":
        # Without its message, a traceback that may quote settings.
        msg = f"the application failed in its {phase}: start it with its own server to see why"
        raise ConfigurationError([msg])
    return True
