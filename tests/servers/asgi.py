"""An ASGI application behind a real uvicorn on loopback, over HTTP and WebSocket."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Literal

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

__all__ = ["HTTPParser", "running_app"]

HTTPParser = Literal["auto", "h11", "httptools"]

# Only ever reached when something is broken.
START_SECONDS = 120.0
STOP_SECONDS = 120.0


@contextlib.contextmanager
def running_app(app: ASGIApp, *, http: HTTPParser = "auto") -> Iterator[str]:
    """Serve the application in a thread and give its address; end it afterwards.

    The lifespan runs for real: RuntimeError when the application refuses to start or does
    not stop.
    """
    # Bound here and handed over, so that no port is looked up first and lost again.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(app, http=http, lifespan="on", log_config=None, access_log=False)
        )
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(STOP_SECONDS)
    if thread.is_alive():
        msg = f"the application was still running {STOP_SECONDS:.0f} s after it was told to stop"
        raise RuntimeError(msg)


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            msg = "the application did not start; uvicorn's log, captured beside this, says why"
            raise RuntimeError(msg)
        time.sleep(0.005)
