"""FRONTEND_URL → CORS around the whole application, error answers of the server included.

Starlette's own place for CORS is inside its error handling, so that a 500 reaches the browser
without CORS headers and reads as a CORS error there. Here it stands outside of everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp

    from betterguard.settings import Settings

__all__ = ["EXPOSED_HEADERS", "wrap"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ALLOWED_HEADERS = ("Authorization", "Content-Type", "X-Request-ID")
EXPOSED_HEADERS = ("WWW-Authenticate", "X-Request-ID", "Retry-After")
PREFLIGHT_SECONDS = 600


def wrap(app: FastAPI, settings: Settings, *, allow_credentials: bool) -> None:
    """Put CORS for the configured front ends around all that the application will be."""
    build = app.build_middleware_stack

    def build_with_cors() -> ASGIApp:
        return CORSMiddleware(
            build(),
            allow_origins=settings.frontend_origins,
            allow_origin_regex=settings.frontend_preview,
            allow_methods=METHODS,
            allow_headers=ALLOWED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            allow_credentials=allow_credentials,
            max_age=PREFLIGHT_SECONDS,
        )

    # Not add_middleware: whatever is added later, and Starlette's own error handling, would
    # stand outside of it.
    app.build_middleware_stack = build_with_cors  # type: ignore[method-assign] # the one hook there is
