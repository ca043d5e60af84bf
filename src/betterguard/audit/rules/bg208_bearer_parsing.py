"""A Bearer token cut out of its header by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit import credentials
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.visit import method, receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import FunctionRef


def check(code: Code) -> Iterator[Hit]:
    """``replace``, ``split(…)[1]`` and ``[7:]`` on the Authorization header."""
    for function in code.functions("Bearer", "fastapi", "starlette"):
        names = credentials.header_names(function)
        if names:
            yield from _cuts(function, names)


def _cuts(function: FunctionRef, names: set[str]) -> Iterator[Hit]:
    for expr in function.expressions:
        how = _cut(expr, names)
        if how:
            yield Hit(function.file.path, expr.pos, f"{how} on the Authorization header")


def _cut(expr: Expr, names: set[str]) -> str:
    if expr.kind == "call" and method(expr) == "replace" and expr.parts:
        owner = receiver(expr)
        if (
            owner is not None
            and owner.text in names
            and expr.parts[0].text.lower().startswith("bearer")
        ):
            return 'replace("Bearer ", "")'
    if expr.kind == "sub" and expr.base is not None and expr.parts:
        base = expr.base
        if base.kind == "call" and method(base) == "split" and expr.parts[0].text in {"1", "-1"}:
            owner = receiver(base)
            if owner is not None and owner.text in names:
                return "split()[1]"
        if base.kind == "name" and base.text in names and _is_tail(expr.parts[0]):
            return "a slice"
    return ""


def _is_tail(index: Expr) -> bool:
    """``[7:]``, not ``[:30]``."""
    return index.text == "slice" and len(index.parts) == 1 and index.parts[0].pos == index.pos


RULE = Rule(
    id="BG208",
    name="bearer-parsing",
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    cwe=20,
    message="The Bearer token is cut out of the Authorization header by hand.",
    why=(
        "`replace` removes the word wherever it stands and accepts headers without it; "
        "`split()[1]` and `[7:]` break on other spacing and let two credentials or another "
        "scheme through; a scheme's name is case-insensitive (RFC 9110). `HTTPBearer` or "
        "`BetterGuard.user` do it."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of("""
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
def token(credentials: HTTPAuthorizationCredentials = Depends(HTTPBearer())):
    name = user.email.split("@")[0]
    return credentials.credentials
"""),
    ),
    invalid=(
        Snippet.of("""
from fastapi import Header
def token(authorization: str = Header()):
    return authorization.replace("Bearer ", "")
"""),
        Snippet.of("""
from fastapi import Request
def token(request: Request):
    auth_header = request.headers.get("Authorization")
    return auth_header.split(" ")[1]
"""),
        Snippet.of("""
from fastapi import Header
def token(authorization: str = Header()):
    return authorization[7:]
"""),
        Snippet.of("""
import jwt
from fastapi import Header, HTTPException
def get_current_user(authorization: str = Header()) -> str:
    try:
        return jwt.decode(authorization.split(" ")[1], KEY, algorithms=["EdDSA"])["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from err
"""),
    ),
    fixed=(
        Snippet.of("""
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
def token(credentials: HTTPAuthorizationCredentials = Depends(HTTPBearer())):
    return credentials.credentials
"""),
        None,
        Snippet.of("""
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
def token(credentials: HTTPAuthorizationCredentials = Depends(HTTPBearer())):
    return credentials.credentials
"""),
        Snippet.of("""
from betterguard import BetterGuard

guard = BetterGuard.from_env()


get_current_user = guard.verify_token
"""),
    ),
)
