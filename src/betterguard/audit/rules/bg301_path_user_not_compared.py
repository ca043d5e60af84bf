"""A user id in the path that nobody compares with the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.dataflow import derived
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.ownership import comparisons
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _audience as audience
from betterguard.audit.rules import _ownership as owners

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.application import Route
    from betterguard.audit.code import Code


def check(code: Code) -> Iterator[Hit]:
    """Find authenticated routes with ``{user_id}`` that reach data without a comparison."""
    for route in code.app.routes:
        for name in owners.path_owners(route):
            gate, source = code.security.protection(route)
            if gate != "required" or audience.is_privileged(code, route):
                continue
            if not code.ownership.path_is_compared(route, name):
                severity, reason = _judge(code, route, name)
                yield Hit(
                    route.file.path,
                    route.pos,
                    f"{{{name}}} in {route.path} is not compared with the caller: {reason}",
                    severity,
                    evidence=(f"authenticated by {source}",),
                )


def _judge(code: Code, route: Route, name: str) -> tuple[Severity, str]:
    function = route.function
    names = derived(function, {name})
    if any(True for _ in comparisons(function, names)):
        return Severity.MEDIUM, "a mismatch has no consequence"
    if code.ownership.is_used(function, name):
        return Severity.HIGH, "any user can name any other"
    return Severity.LOW, "it is ignored, the data is the caller's own"


_HEAD = """
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
app = FastAPI()
def get_current_user(authorization: str = Header()) -> str:
    try:
        return jwt.decode(authorization, KEY, algorithms=["EdDSA"])["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401) from err
"""

RULE = Rule(
    id="BG301",
    name="path-user-not-compared",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=639,
    message="A user id in the path is not compared with the caller.",
    why=(
        "The token proves who is calling; the path says whose data is wanted. If nothing "
        "compares the two, every signed-in user can read and change everybody's rows by editing "
        "the address. Comparisons inline, in helpers of other files and in dependencies are "
        "recognised; `Depends(guard.path_user)` is one."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of(
            _HEAD
            + """
@app.get("/api/{user_id}/tasks")
def tasks(user_id: str, me: str = Depends(get_current_user)):
    if user_id != me:
        raise HTTPException(403)
    return load(user_id)
"""
        ),
        Snippet.of(
            _HEAD
            + """
from access import ensure
@app.get("/api/{user_id}/tasks")
def tasks(user_id: str, me: str = Depends(get_current_user)):
    ensure(me, user_id)
    return load(user_id)
""",
            access="from fastapi import HTTPException\n"
            "def ensure(caller, wanted):\n"
            "    if str(caller) != str(wanted):\n        raise HTTPException(403)\n",
        ),
        Snippet.of(
            _HEAD
            + """
def same_user(user_id: str, me: str = Depends(get_current_user)) -> str:
    if user_id != me:
        raise HTTPException(403)
    return me
@app.get("/api/{user_id}/tasks")
def tasks(user_id: str, me: str = Depends(same_user)):
    return load(user_id)
"""
        ),
        Snippet.of(
            """
from fastapi import Depends, FastAPI
from betterguard import BetterGuard
guard = BetterGuard.from_env()
app = FastAPI(lifespan=guard.lifespan)
@app.get("/api/{user_id}/tasks")
async def tasks(user_id: str, me=Depends(guard.path_user)):
    return load(user_id)
"""
        ),
    ),
    invalid=(
        Snippet.of(
            _HEAD
            + """
@app.get("/api/{user_id}/tasks")
def tasks(user_id: str, me: str = Depends(get_current_user)):
    return load(user_id)
"""
        ),
        Snippet.of(
            _HEAD
            + """
@app.get("/api/{user_id}/tasks")
def tasks(user_id: str, me: str = Depends(get_current_user)):
    if user_id != me:
        logger.warning("mismatch")
    return load(user_id)
"""
        ),
    ),
    fixed=(
        Snippet.of("""
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
app = FastAPI()
def get_current_user(authorization: str = Header()) -> str:
    try:
        return jwt.decode(authorization, KEY, algorithms=["EdDSA"])["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401) from err

@app.get("/api/{user_id}/tasks")
def tasks(user_id: str, me: str = Depends(get_current_user)):
    if user_id != me:
        raise HTTPException(status_code=403, detail="Forbidden")
    return load(user_id)
"""),
        Snippet.of("""
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
app = FastAPI()
def get_current_user(authorization: str = Header()) -> str:
    try:
        return jwt.decode(authorization, KEY, algorithms=["EdDSA"])["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401) from err

@app.get("/api/{user_id}/tasks")
def tasks(user_id: str, me: str = Depends(get_current_user)):
    if user_id != me:
        raise HTTPException(status_code=403, detail="Forbidden")
    if user_id != me:
        logger.warning("mismatch")
    return load(user_id)
"""),
    ),
)
