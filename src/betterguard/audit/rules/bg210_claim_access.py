"""A claim that Better Auth does not send, or one whose absence becomes a 500."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _tokens as tokens
from betterguard.audit.visit import method, receiver, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import FunctionRef

_WRONG = frozenset({"user_id", "userId", "userid", "uid"})
_RIGHT = frozenset({"sub", "id"})
_CATCHERS = frozenset({"KeyError", "LookupError", "Exception", "BaseException"})


def check(code: Code) -> Iterator[Hit]:
    """Find readings of claims in functions that decode a token."""
    for function in code.functions("jwt", "jose"):
        names = _payloads(code, function)
        if names:
            yield from _wrong_claim(code, function, names)
            yield from _unguarded(function, names)
            yield from _nested(function, names)


def _payloads(code: Code, function: FunctionRef) -> set[str]:
    found: set[str] = set()
    for name, values in function.assigned.items():
        for value in values:
            if value.kind == "call" and value.base is None and _is_claims(code, function, value):
                found.add(name)
    return found


def _is_claims(code: Code, function: FunctionRef, call: Expr) -> bool:
    if code.decodings.read(function.file, call, function) is not None:
        return True
    return any(
        code.decodings.verifies(ref)
        and any(
            stmt.kind == "return"
            and stmt.exprs
            and stmt.exprs[0].text in {"payload", "claims", "decoded"}
            for stmt in ref.statements
        )
        for ref in code.calls.entry_points(code.calls.target(function, call))
    )


def _reading(expr: Expr, names: set[str]) -> tuple[str, bool]:
    """Give the claim that an expression reads, if any, and whether by subscript."""
    if expr.kind == "call" and method(expr) == "get" and expr.parts:
        owner = receiver(expr)
        if owner is not None and owner.text in names and expr.parts[0].kind == "str":
            return expr.parts[0].text, False
    if (
        expr.kind == "sub"
        and expr.base is not None
        and expr.base.text in names
        and expr.parts
        and expr.parts[0].kind == "str"
    ):
        return expr.parts[0].text, True
    return "", False


def _own_claims(code: Code, function: FunctionRef) -> set[str]:
    """Claims that the project itself puts into the tokens that a function reads."""
    issued = tokens.issued_claims(code)
    return {
        claim
        for decode in code.decodings.of(function)
        if tokens.is_own_kind(code, decode)
        for claim in issued[tokens.key_name(decode.call)]
    }


def _wrong_claim(code: Code, function: FunctionRef, names: set[str]) -> Iterator[Hit]:
    read = [(expr, *_reading(expr, names)) for expr in function.expressions]
    claims = {claim for _, claim, _ in read if claim}
    if claims & _RIGHT:
        return
    for expr, claim, _ in read:
        if claim in _WRONG and claim not in _own_claims(code, function):
            yield Hit(
                function.file.path,
                expr.pos,
                f"identity comes from the claim {claim!r} alone, which Better Auth never sends",
                evidence=("its JWTs carry `sub` and `id`",),
            )
            return


def _unguarded(function: FunctionRef, names: set[str]) -> Iterator[Hit]:
    tested = {
        part.parts[0].text
        for part in function.expressions
        if part.kind == "cmp" and part.text in {"in", "not in"} and part.parts[-1].text in names
    }
    for expr in function.expressions:
        claim, subscript = _reading(expr, names)
        if subscript and claim not in tested and not _caught(function, expr):
            yield Hit(
                function.file.path,
                expr.pos,
                f"a token without the claim {claim!r} becomes a 500 instead of a 401",
            )
            return


def _caught(function: FunctionRef, expr: Expr) -> bool:
    for stmt in function.statements:
        if stmt.kind == "try" and stmt.body and stmt.body[0].pos <= expr.pos < stmt.body[-1].end:
            for handler in stmt.orelse:
                if handler.kind != "except":
                    continue
                names = {
                    p.text.rsplit(".", 1)[-1] for e in handler.exprs for p in subexpressions(e)
                }
                if not handler.exprs or names & _CATCHERS:
                    return True
    return False


def _nested(function: FunctionRef, names: set[str]) -> Iterator[Hit]:
    for expr in function.expressions:
        if expr.kind == "call" and expr.text == ".get" and expr.base is not None:
            claim, subscript = _reading(expr.base, names)
            if claim and not subscript and len(expr.base.parts) > 1:
                yield Hit(
                    function.file.path,
                    expr.pos,
                    f"the claim {claim!r} may be null or a string: AttributeError, a 500",
                )
                return


RULE = Rule(
    id="BG210",
    name="claim-access",
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    cwe=754,
    message="A claim is read in a way that fails for real or for crafted tokens.",
    why=(
        "Better Auth's JWT plugin puts the user's id into `sub` and `id`; there is no "
        "`user_id`, and `userId` belongs to e-mail verification tokens. A subscript on a "
        "missing claim, or an attribute of a claim with another type, turns a bad token into a "
        "500."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of("""
import jwt
from fastapi import HTTPException
def current_user(token: str):
    payload = jwt.decode(token, KEY, algorithms=["EdDSA"])
    user_id = payload.get("sub")
    if not isinstance(user_id, str):
        raise HTTPException(401)
    return user_id
"""),
        Snippet.of("""
import jwt
from fastapi import HTTPException
def current_user(token: str):
    try:
        payload = jwt.decode(token, KEY, algorithms=["EdDSA"])
        return payload["sub"]
    except (jwt.PyJWTError, KeyError) as err:
        raise HTTPException(401) from err
"""),
        Snippet.of("""
import jwt
def state_for(user_id):
    state = {"user_id": user_id}
    return jwt.encode(state, settings.STATE_KEY, algorithm="HS256")
def callback(state: str):
    found = jwt.decode(state, settings.STATE_KEY, algorithms=["HS256"])
    return found.get("user_id")
"""),
    ),
    invalid=(
        Snippet.of("""
import jwt
def current_user(token: str):
    payload = jwt.decode(token, KEY, algorithms=["EdDSA"])
    return payload.get("user_id")
"""),
        Snippet.of("""
import jwt
def current_user(token: str):
    payload = jwt.decode(token, KEY, algorithms=["EdDSA"])
    return payload["sub"]
"""),
        Snippet.of("""
import jwt
def current_user(token: str):
    payload = jwt.decode(token, KEY, algorithms=["EdDSA"])
    return payload.get("user", {}).get("id") or payload.get("sub")
"""),
        Snippet.of("""
import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
def get_current_user(credentials: HTTPAuthorizationCredentials = Depends(HTTPBearer())) -> str:
    token = credentials.credentials
    try:
        payload = jwt.decode(token, KEY, algorithms=["EdDSA"])
        return payload.get("user_id")
    except jwt.PyJWTError as err:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from err
"""),
    ),
    fixed=(
        None,
        None,
        None,
        Snippet.of("""
from betterguard import BetterGuard

guard = BetterGuard.from_env()


get_current_user = guard.verify_token
"""),
    ),
)
