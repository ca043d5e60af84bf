"""Authentication that a missing secret or a switch turns off."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit import credentials
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.gates import AUTH_NAMES
from betterguard.audit.refusals import UNAUTHORIZED
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules._secrets import is_secret
from betterguard.audit.visit import names_in, statements, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Stmt
    from betterguard.audit.symbols import FunctionRef

_SWITCH = re.compile(
    r"(?:disable|skip|bypass|no|mock|fake)_?auth|auth_?(?:disabled|bypass|off)|dev_?mode"
    r"|debug(?:_mode)?$|is_dev(?:elopment)?$|testing$|test_mode|demo_mode",
    re.IGNORECASE,
)
_STAGE = re.compile(r"(?:^|[._])(?:env|environment|stage|app_env)$", re.IGNORECASE)
_STAGES = frozenset({"development", "dev", "local", "test", "testing", "debug"})


def check(code: Code) -> Iterator[Hit]:
    """Branches of authenticating functions that let the caller in because of configuration."""
    for function in code.functions("jwt", "jose", "Bearer", "fastapi", "starlette"):
        if not AUTH_NAMES.search(function.name) or not _authenticates(code, function):
            continue
        for stmt in function.statements:
            if (
                stmt.kind == "if"
                and stmt.exprs
                and (reason := _reason(stmt.exprs[0]))
                and _lets_in(code, function, stmt)
            ):
                yield Hit(
                    function.file.path,
                    stmt.pos,
                    f"{function.name} lets everyone in {reason}",
                    evidence=("this branch returns an identity without a token",),
                )


def _authenticates(code: Code, function: FunctionRef) -> bool:
    return bool(credentials.token_names(function)) or code.refusals.of(function) == UNAUTHORIZED


def _reason(condition: Expr) -> str:
    parts = list(subexpressions(condition))
    for part in parts:
        if part.kind == "not" and part.parts and is_secret(part.parts[0].text):
            return f"when {part.parts[0].text} is not set"
        if part.kind == "cmp" and part.text in {"==", "in"}:
            staged = any(p.kind == "name" and _STAGE.search(p.text) for p in part.parts) or any(
                p.kind == "call" and p.parts and _STAGE.search(p.parts[0].text) for p in part.parts
            )
            if staged and any(p.text in _STAGES for p in subexpressions(part) if p.kind == "str"):
                return "in a development environment"
    negated = {name for part in parts if part.kind == "not" for name in names_in(part)}
    for name in names_in(condition):
        if _SWITCH.search(name.rsplit(".", 1)[-1]) and name not in negated:
            return f"when {name} is on"
    return ""


def _lets_in(code: Code, function: FunctionRef, stmt: Stmt) -> bool:
    body = list(statements(stmt.body))
    if any(inner.kind == "raise" for inner in stmt.body):
        return False
    if any(d.verified and stmt.pos <= d.call.pos < stmt.end for d in code.decodings.of(function)):
        return False
    return any(
        inner.kind == "return"
        and inner.exprs
        and inner.exprs[0].text not in {"None", "False"}
        and inner.exprs[0].kind in {"str", "dict", "call", "name", "const"}
        and (inner.exprs[0].kind != "const" or inner.exprs[0].text == "True")
        for inner in body
    )


RULE = Rule(
    id="BG207",
    name="fails-open",
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    cwe=636,
    message="Authentication lets everyone in when a setting is missing or a switch is on.",
    why=(
        "A variable that was not set in one deployment, or a debug flag that was left on, then "
        "means no authentication at all, and nothing looks broken. Refuse to start instead."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(
        Snippet.of("""
import jwt
from fastapi import Header, HTTPException
def get_current_user(authorization: str = Header()):
    if not SECRET_KEY:
        raise HTTPException(500)
    return jwt.decode(authorization[7:], SECRET_KEY, algorithms=["HS256"])["sub"]
"""),
    ),
    invalid=(
        Snippet.of("""
import jwt
from fastapi import Header
def get_current_user(authorization: str = Header(None)):
    if not settings.better_auth_secret:
        return "anonymous"
    return jwt.decode(authorization[7:], settings.better_auth_secret, algorithms=["HS256"])["sub"]
"""),
        Snippet.of("""
import jwt
from fastapi import Header
def get_current_user(authorization: str = Header(None)):
    if settings.disable_auth:
        return {"sub": "dev"}
    return jwt.decode(authorization[7:], KEY, algorithms=["HS256"])
"""),
    ),
    fixed=(
        Snippet.of("""
import jwt
from fastapi import Header
def get_current_user(authorization: str = Header(None)):
    return jwt.decode(authorization[7:], settings.better_auth_secret, algorithms=["HS256"])["sub"]
"""),
        Snippet.of("""
import jwt
from fastapi import Header
def get_current_user(authorization: str = Header(None)):
    return jwt.decode(authorization[7:], KEY, algorithms=["HS256"])
"""),
    ),
)
