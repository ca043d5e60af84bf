"""A key set on loopback, for tests that are not asynchronous themselves."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from tests.servers.asgi import running_app

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["published"]


@contextlib.contextmanager
def published(*jwks: Mapping[str, Any]) -> Iterator[str]:
    """Publish keys; give the key set's address."""
    app = FastAPI()

    @app.get("/jwks")
    async def key_set() -> JSONResponse:
        return JSONResponse({"keys": jwks})

    with running_app(app) as url:
        yield f"{url}/jwks"
