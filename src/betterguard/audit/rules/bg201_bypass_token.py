"""A token that needs no signature: a literal, a prefix, a word in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit import credentials
from betterguard.audit.dataflow import mentions
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _tokens as tokens
from betterguard.audit.visit import method, receiver, statements, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Stmt
    from betterguard.audit.symbols import FunctionRef

_SCHEME = re.compile(
    r"^(?:bearer|basic|token|jwt|ey\w*|\W*|bearer\W*|https?://.*|sk_.*|pk_.*)$", re.IGNORECASE
)


def check(code: Code) -> Iterator[Hit]:
    """Branches on the token's text that let the caller in."""
    for function in tokens.token_functions(code):
        names = credentials.token_names(function)
        for stmt in function.statements:
            if stmt.kind != "if" or not stmt.exprs:
                continue
            literal = _literal_test(stmt.exprs[0], names)
            if literal and _lets_in(code, function, stmt):
                yield Hit(
                    function.file.path,
                    stmt.pos,
                    f"a token with {literal!r} is accepted without a signature",
                    evidence=(f"{function.name} returns an identity in this branch",),
                )


def _literal_test(condition: Expr, names: set[str]) -> str:
    for part in subexpressions(condition):
        if part.kind == "not":
            return ""
        if part.kind == "call" and method(part) in {"startswith", "endswith"} and part.parts:
            owner = receiver(part)
            if owner is not None and mentions(owner, names) and _is_backdoor(part.parts[0]):
                return part.parts[0].text or part.parts[0].parts[0].text
        if part.kind == "cmp" and part.text in {"==", "in"}:
            texts = [p for p in part.parts if p.kind == "str" and _is_backdoor(p)]
            others = [p for p in part.parts if p.kind != "str"]
            if texts and any(mentions(other, names) for other in others):
                return texts[0].text
    return ""


def _is_backdoor(expr: Expr) -> bool:
    texts = [expr] if expr.kind == "str" else list(expr.parts)
    return bool(texts) and all(
        text.kind == "str" and len(text.text) > 1 and not _SCHEME.match(text.text.strip())
        for text in texts
    )


def _lets_in(code: Code, function: FunctionRef, stmt: Stmt) -> bool:
    """Whether the branch gives an identity back, and neither verifies nor refuses on the way."""
    if any(code.refusals.refusal(function, inner) for inner in stmt.body):
        return False
    if any(
        decode.verified and stmt.pos <= decode.call.pos < stmt.end
        for decode in code.decodings.of(function)
    ):
        return False
    return any(_gives_identity(inner) for inner in statements(stmt.body))


def _gives_identity(stmt: Stmt) -> bool:
    if not stmt.exprs:
        return False
    value = stmt.exprs[0]
    if stmt.kind == "return":
        return value.text not in {"None", "False"} and not credentials.only_strips(value)
    return stmt.kind == "assign" and bool(tokens.IDENTITY_NAMES.search(value.text))


RULE = Rule(
    id="BG201",
    name="bypass-token",
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    cwe=288,
    message="Tokens of a certain look are accepted without a signature.",
    why=(
        "`if token.startswith('demo.')` is a password that stands in the source code and works "
        "in production. Tests can sign real tokens with a key of their own "
        "(`betterguard.testing`); the verifier needs no exception for them."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(
        Snippet.of("""
import jwt
from fastapi import Header, HTTPException
def current_user(authorization: str = Header()):
    if not authorization.startswith("Bearer "):
        raise HTTPException(401)
    token = authorization[7:]
    if token.count(".") != 2:
        raise HTTPException(401)
    return jwt.decode(token, KEY, algorithms=["EdDSA"])["sub"]
"""),
    ),
    invalid=(
        Snippet.of("""
import base64, json, jwt
def verify_token(token: str):
    if token.startswith("demo."):
        payload = json.loads(base64.b64decode(token.split(".")[1]))
        return payload["sub"]
    return jwt.decode(token, KEY, algorithms=["EdDSA"])["sub"]
"""),
        Snippet.of("""
import jwt
def verify_token(token: str):
    if ".bypass-" in token:
        return {"sub": "1"}
    return jwt.decode(token, KEY, algorithms=["EdDSA"])
"""),
    ),
    fixed=(
        Snippet.of("""
import jwt
def verify_token(token: str):
    return jwt.decode(token, KEY, algorithms=["EdDSA"])["sub"]
"""),
        Snippet.of("""
import jwt
def verify_token(token: str):
    return jwt.decode(token, KEY, algorithms=["EdDSA"])
"""),
    ),
)
