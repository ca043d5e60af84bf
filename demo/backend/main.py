"""The application: run it with ``uvicorn demo.backend.main:app``."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

from demo.backend.auth import guard
from demo.backend.db import answers, engine
from demo.backend.routes import router

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open what the application holds before the first request, and close it after the last."""
    async with guard.lifespan(app):
        await answers()
        yield
        await engine.dispose()


app = FastAPI(title="betterguard demo", lifespan=lifespan)
guard.install(app)  # CORS around everything, error answers, UTF-8 console
app.include_router(router)
if guard.settings.revocation_secret:
    app.include_router(guard.revocation_route())  # sign-outs, told by Better Auth's hooks
app.get("/api/ready", include_in_schema=False)(guard.ready)
