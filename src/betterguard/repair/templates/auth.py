"""Who is calling: the guard, and the types that routes ask for."""

from __future__ import annotations

from typing import Annotated

from betterguard import BetterGuard, User
from fastapi import Depends

__all__ = ["CurrentUser", "PathUser", "guard", "verify_token"]

guard = BetterGuard.from_env()  # reads BETTER_AUTH_URL, FRONTEND_URL and the rest; see .env.example

CurrentUser = Annotated[User, Depends(guard.user)]
"""The person whom the bearer token names; 401 without a valid token."""

PathUser = Annotated[User, Depends(guard.path_user)]
"""The same person, whose id must be the path's ``{user_id}``; 403 when it is another's."""

verify_token = guard.verify_token
"""The caller's id alone: ``current_user_id: str = Depends(verify_token)``."""
