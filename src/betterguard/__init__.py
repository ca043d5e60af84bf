"""Better Auth tokens in, only your own rows out: the names that people import."""

from __future__ import annotations

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
    "Settings",
    "TokenVerifier",
    "User",
    "force_utf8",
]
