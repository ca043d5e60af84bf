"""An application as a user writes it: loaded anew for each configuration, by environment alone."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI, WebSocket
from pydantic import BaseModel

from betterguard import BetterGuard, User

BODY_LIMIT = 64 * 1024  # bytes

guard = BetterGuard.from_env()
CurrentUser = Annotated[User, Depends(guard.user)]
MaybeUser = Annotated[User | None, Depends(guard.optional_user)]
PathUser = Annotated[User, Depends(guard.path_user)]
UserId = Annotated[str, Depends(guard.verify_token)]
FreshUser = Annotated[User, Depends(guard.fresh_user)]
Admin = Annotated[User, Depends(guard.require(lambda user: user.claims.get("role") == "admin"))]

app = FastAPI(lifespan=guard.lifespan, max_body_size=BODY_LIMIT)
guard.install(app)
if guard.settings.revocation_secret:
    app.include_router(guard.revocation_route())


class Note(BaseModel):
    """A request body, so that a request can be too large."""

    text: str


@app.get("/public")
async def public() -> str:
    """Answer anybody."""
    return "everyone may read this"


@app.get("/me")
async def me(user: CurrentUser) -> dict[str, Any]:
    """Tell all that the token says."""
    return {"id": user.id, "email": user.email, "claims": dict(user.claims)}


@app.get("/id")
async def identifier(user_id: UserId) -> str:
    """Tell the id alone, as with the classic ``Depends(verify_token)``."""
    return user_id


@app.get("/fresh")
async def fresh(user: FreshUser) -> str:
    """Tell the id to someone who has not signed out."""
    return user.id


@app.get("/maybe")
async def maybe(user: MaybeUser) -> str | None:
    """Answer people and strangers, but no forger."""
    return user.id if user else None


@app.get("/admin")
async def admin(user: Admin) -> str:
    """Answer those whose token has the role."""
    return user.id


@app.get("/api/user/{user_id}/tasks")
async def tasks(user: PathUser) -> list[str]:
    """Answer the one whom the path names."""
    return [f"a task of {user.id}"]


@app.post("/notes")
async def note(body: Note, user: CurrentUser) -> str:
    """Take a body."""
    return f"{user.id} wrote {len(body.text)} characters"


@app.get("/bug")
async def bug() -> None:
    """Fail."""
    msg = "the inside that nobody may see"
    raise RuntimeError(msg)


@app.websocket("/ws")
async def tell_id(websocket: WebSocket, user: CurrentUser) -> None:
    """Tell the id over a WebSocket, choosing a subprotocol where some are offered."""
    offered = websocket.scope["subprotocols"]
    await websocket.accept(subprotocol=offered[0] if offered else None)
    await websocket.send_text(user.id)
    await websocket.close()
