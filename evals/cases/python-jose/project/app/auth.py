"""Who is calling."""

import os

from fastapi import Header, HTTPException
from jose import JWTError, jwt

SECRET = os.environ.get("BETTER_AUTH_SECRET", "")
ALGORITHM = "HS256"


async def get_current_user(authorization: str = Header(...)) -> str:
    token = authorization.replace("Bearer ", "")
    try:
        payload = jwt.decode(token, SECRET, algorithms=[ALGORITHM], options={"verify_aud": False})
    except JWTError:
        raise HTTPException(status_code=401, detail="Invalid token")
    return payload.get("sub") or payload.get("id")
