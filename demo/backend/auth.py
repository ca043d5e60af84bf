"""Who is calling: the guard, and the types that routes ask for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from betterguard import BetterGuard, User

__all__ = ["CurrentUser", "PathUser", "guard"]

guard = BetterGuard.from_env()

CurrentUser = Annotated[User, Depends(guard.user)]
"""The person whom the bearer token names; 401 without a valid token."""

PathUser = Annotated[User, Depends(guard.path_user)]
"""The same person, whose id must be the path's ``{user_id}``; 403 when it is another's."""
