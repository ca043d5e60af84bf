"""Better Auth tokens in, only your own rows out: the names that people import.

Each name is imported when it is first asked for, so that the command line, which needs none of
them, does not wait for FastAPI.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from betterguard.console import force_utf8
    from betterguard.errors import (
        AuthError,
        BetterGuardError,
        ConfigurationError,
        ExpiredToken,
        Forbidden,
        InvalidToken,
        KeysUnavailable,
        MissingToken,
        RevocationsUnavailable,
        RevokedToken,
    )
    from betterguard.settings import Settings
    from betterguard.tokens import Claims, TokenVerifier
    from betterguard.user import User
    from betterguard.web import BetterGuard

__all__ = [
    "AuthError",
    "BetterGuard",
    "BetterGuardError",
    "Claims",
    "ConfigurationError",
    "ExpiredToken",
    "Forbidden",
    "InvalidToken",
    "KeysUnavailable",
    "MissingToken",
    "RevocationsUnavailable",
    "RevokedToken",
    "Settings",
    "TokenVerifier",
    "User",
    "force_utf8",
]
_ROOMS = ("errors", "user", "console", "settings", "tokens", "web")


if not TYPE_CHECKING:  # checkers know the names above, and no others

    def __getattr__(name: str) -> object:
        """Import a public name from the first room that has it."""
        if name in __all__:
            for room in _ROOMS:
                module = import_module(f"{__name__}.{room}")
                if hasattr(module, name):
                    value: object = getattr(module, name)
                    globals()[name] = value
                    return value
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)


def __dir__() -> list[str]:
    """Public names are listed before they are imported."""
    return sorted({*globals(), *__all__})
