"""A small application that talks to its stdout, for the tests under uvicorn to serve."""

from __future__ import annotations

import io
import logging
import os
import sys
from pathlib import Path

from fastapi import FastAPI, Request, Response

from betterguard.console import force_utf8
from tests.console.children import WINDOWS

TEXT = "caf\u00e9 \u2705 \U0001f600"

if not WINDOWS:  # Windows has a code page; elsewhere this stands for it
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(encoding="cp1252", errors="strict")
if "CURED" in os.environ:
    force_utf8()
(Path(os.environ["PIDS"]) / str(os.getpid())).touch()

log = logging.getLogger("served")
log.addHandler(logging.StreamHandler(sys.stdout))
log.setLevel(logging.INFO)
app = FastAPI()


@app.middleware("http")
async def log_the_request(request: Request, call_next):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - as FastAPI's documentation writes it
    response: Response = await call_next(request)
    log.info("%s %s %s", request.method, request.url.path, TEXT)
    return response


@app.get("/say")
def say() -> str:
    """Print what the code page cannot hold."""
    print(TEXT, flush=True)  # noqa: T201 - what is tried
    return "said"


@app.get("/plain")
async def plain() -> str:
    """Print what every code page can hold."""
    print("plain", flush=True)  # noqa: T201 - what is tried
    return "said"
