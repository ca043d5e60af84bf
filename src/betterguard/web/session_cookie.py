"""The session-cache cookie as a credential, refused where another site made the browser send it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.errors import Forbidden, Reason
from betterguard.web.bearer import read_session_cache

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from betterguard.settings import Settings
    from betterguard.tokens import TokenVerifier

__all__ = ["SessionCookie"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class SessionCookie:
    """Reads the cookie of a connection; ``verifier`` is for what it holds."""

    def __init__(self, settings: Settings, verifier: TokenVerifier) -> None:
        self.verifier = verifier
        self._prefix = settings.cookie_prefix
        self._origins = settings.frontend_origins
        self._preview = re.compile(settings.frontend_preview or r"(?!)")

    def read(self, connection: HTTPConnection) -> str | None:
        """Give the token in the cookie; None without one.

        Raises `Forbidden` for a write or a WebSocket that comes from no front end, and
        `MalformedCredential` for several cookies of the name.
        """
        token = read_session_cache(connection, self._prefix)
        if token is not None:
            self._check_origin(connection)
        return token

    def _check_origin(self, connection: HTTPConnection) -> None:
        """Refuse a cookie that another site made the browser send (CSRF, WebSocket hijacking)."""
        scope = connection.scope
        if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
            return
        origin = connection.headers.get("origin", "")
        if origin not in self._origins and not self._preview.fullmatch(origin):
            raise Forbidden(Reason.ORIGIN_REFUSED)
