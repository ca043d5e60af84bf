"""Who is calling this route? FastAPI on top of tokens."""

from __future__ import annotations

from betterguard.web.guard import BetterGuard

__all__ = ["BetterGuard"]
