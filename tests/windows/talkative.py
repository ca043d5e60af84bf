"""The demo's back end as people run it, with a line on stdout for every request."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import betterguard.web.guard

if "CURED" not in os.environ:  # what guard.install would otherwise do
    betterguard.web.guard.__dict__["force_utf8"] = lambda: None

from demo.backend.main import app as backend

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

(Path(os.environ["PIDS"]) / str(os.getpid())).touch()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Say who asks for what, then answer."""
    if scope["type"] == "http":
        print(f"\u2705 {scope['method']} {scope['path']} \U0001f600", flush=True)  # noqa: T201 - what is tried
    await backend(scope, receive, send)
