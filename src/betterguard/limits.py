"""The bounds of a token's claims: settings are held to them at the start, tokens after."""

from __future__ import annotations

__all__ = ["DEFAULT_LEEWAY", "DEFAULT_MAX_LIFETIME", "IDENTITY_CLAIMS", "MAX_LEEWAY"]

# Seconds.
DEFAULT_LEEWAY = 5.0
MAX_LEEWAY = 60.0
DEFAULT_MAX_LIFETIME = 24 * 60 * 60.0
# Never `userId`: an e-mail-verification token of the same secret has that one.
IDENTITY_CLAIMS = ("sub", "user_id", "id")
