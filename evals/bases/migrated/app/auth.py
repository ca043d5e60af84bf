"""Who is calling."""

from typing import Annotated

from fastapi import Depends

from betterguard import BetterGuard, User

guard = BetterGuard.from_env()

CurrentUser = Annotated[User, Depends(guard.user)]
PathUser = Annotated[User, Depends(guard.path_user)]
get_current_user = guard.verify_token
