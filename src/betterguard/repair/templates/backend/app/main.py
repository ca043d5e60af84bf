"""The application: run it with ``uvicorn app.main:app``."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

from app.auth import guard
from app.db import engine
from app.routes import router

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open what the application holds before the first request, and close it after the last."""
    async with guard.lifespan(app):
        yield
    await engine.dispose()


app = FastAPI(title="Tasks", lifespan=lifespan)
guard.install(app)  # CORS around everything, error answers, UTF-8 console
app.include_router(router)
