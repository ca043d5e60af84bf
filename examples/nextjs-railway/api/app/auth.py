"""Who is calling."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from betterguard import BetterGuard, User

__all__ = ["PathUser", "guard"]

guard = BetterGuard.from_env()

PathUser = Annotated[User, Depends(guard.path_user)]
"""The caller, whose id must be the path's ``{user_id}``: 401, or 403 when it is another's."""
