"""401 and 403, one for the other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit import credentials
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.refusals import FORBIDDEN
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.visit import keyword, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Stmt

_INVALID = re.compile(
    r"invalid (?:or expired )?token|token (?:has )?expired|expired token|missing (?:\w+ )?token"
    r"|not authenticated|could not validate credentials|missing authorization",
    re.IGNORECASE,
)


def check(code: Code) -> Iterator[Hit]:
    """403 answered to a missing or invalid token."""
    for function in code.functions("403"):
        if not credentials.token_names(function):
            continue
        for stmt in function.statements:
            if (
                stmt.kind == "raise"
                and code.refusals.refusal(function, stmt) == FORBIDDEN
                and _is_about_token(stmt)
            ):
                yield Hit(
                    function.file.path,
                    stmt.pos,
                    "a missing or invalid token is answered with 403 instead of 401",
                )


def _is_about_token(stmt: Stmt) -> bool:
    detail: Expr | None = keyword(stmt.exprs[0], "detail") if stmt.exprs[0].kind == "call" else None
    return detail is not None and any(
        part.kind in {"str", "fstr"} and _INVALID.search(part.text)
        for part in subexpressions(detail)
    )


_HEAD = """
import jwt
from fastapi import HTTPException
def current_user(token: str):
    try:
        return jwt.decode(token, KEY, algorithms=["EdDSA"])
    except jwt.PyJWTError as err:
        raise HTTPException(status_code={code}, detail="Invalid token") from err
"""

RULE = Rule(
    id="BG602",
    name="401-403-confused",
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    cwe=755,
    message="A missing or invalid token is answered with 403.",
    why=(
        "401 says 'sign in (again)', which the front end can act on by fetching a new token; "
        "403 says 'you may not', and a retry is pointless. Clients that refresh on 401 never "
        "recover from 403."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(Snippet.of(_HEAD.format(code=401)),),
    invalid=(Snippet.of(_HEAD.format(code=403)),),
    fixed=(
        Snippet.of("""
import jwt
from fastapi import HTTPException
def current_user(token: str):
    try:
        return jwt.decode(token, KEY, algorithms=["EdDSA"])
    except jwt.PyJWTError as err:
        raise HTTPException(
            status_code=401, detail="Invalid token", headers={"WWW-Authenticate": "Bearer"}
        ) from err
"""),
    ),
)
