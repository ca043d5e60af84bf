"""Who is calling."""

from typing import Annotated

from fastapi import Depends

from betterguard import BetterGuard, User

guard = BetterGuard.from_env()

CurrentUser = Annotated[User, Depends(guard.user)]
PathUser = Annotated[User, Depends(guard.path_user)]
verify_token = guard.verify_token
