"""The algorithms that a verifier allows: missing, none, the token's own choice, or mixed kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.dataflow import mentions
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _tokens as tokens
from betterguard.audit.visit import argument, method, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.decoding import Decode
    from betterguard.audit.facts import Expr


def check(code: Code) -> Iterator[Hit]:
    """Find verified decodings with an unsafe list of algorithms."""
    for decode in code.decodes:
        if not decode.verified or "decode" not in method(decode.call):
            continue
        fault = _fault(code, decode)
        if fault is not None:
            message, severity = fault
            yield Hit(decode.file.path, decode.call.pos, message, severity)


def _fault(code: Code, decode: Decode) -> tuple[str, Severity] | None:
    given = tokens.algorithms(decode)
    if given is None:
        if decode.library.startswith("jose.") and len(decode.call.parts) > 1:
            return "no algorithms are named: the token's header chooses", Severity.MEDIUM
        return None
    if _from_header(decode, given):
        return "the algorithm is taken from the token's own header", Severity.CRITICAL
    names = tokens.algorithm_names(code, decode)
    if any(name.lower() == "none" for name in names):
        return "the algorithm none is allowed: unsigned tokens pass", Severity.CRITICAL
    if (
        any(name.startswith("HS") for name in names)
        and any(name[:2] in {"RS", "ES", "PS", "Ed"} for name in names)
        and not _key_by_algorithm(decode)
    ):
        return (
            "HMAC and public-key algorithms are allowed with one key: the public key can sign",
            Severity.HIGH,
        )
    return None


def _from_header(decode: Decode, given: Expr) -> bool:
    function = decode.function
    if function is None:
        return False
    headers = {
        name
        for name, values in function.assigned.items()
        for value in values
        for part in subexpressions(value)
        if part.kind == "call" and method(part) == "get_unverified_header"
    }
    if not headers:
        return any(
            part.kind == "call" and method(part) == "get_unverified_header"
            for part in subexpressions(given)
        )
    taken = {
        name
        for name, values in function.assigned.items()
        if any(_reads_algorithm(value, headers) for value in values)
    }
    direct = _reads_algorithm(given, headers) or mentions(given, taken)
    return direct and not _allow_listed(decode, taken | headers)


def _reads_algorithm(value: Expr, headers: set[str]) -> bool:
    for part in subexpressions(value):
        if (
            part.kind == "call"
            and method(part) == "get"
            and part.parts
            and part.parts[0].text == "alg"
            and part.text.rpartition(".")[0] in headers
        ):
            return True
        if (
            part.kind == "sub"
            and part.base is not None
            and part.base.text in headers
            and part.parts
            and part.parts[0].text == "alg"
        ):
            return True
    return False


def _allow_listed(decode: Decode, names: set[str]) -> bool:
    """``if alg not in ALLOWED: raise`` or ``if alg == 'RS256'`` before the decoding."""
    assert decode.function is not None
    return any(
        stmt.kind == "if"
        and any(
            part.kind == "cmp"
            and part.text in {"in", "not in", "==", "!="}
            and mentions(part, names)
            for part in subexpressions(stmt.exprs[0])
        )
        for stmt in decode.function.statements
        if stmt.exprs
    )


def _key_by_algorithm(decode: Decode) -> bool:
    """Whether the key is one that PyJWT bound to its own algorithm."""
    key = argument(decode.call, 1, "key")
    return key is not None and key.text.endswith(".key")


RULE = Rule(
    id="BG204",
    name="algorithm-confusion",
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    cwe=327,
    message="The list of allowed algorithms lets a token choose how it is verified.",
    why=(
        "The header is written by whoever made the token. If it may choose the algorithm, "
        "`none` or HS256 keyed with the published public key pass. Name the algorithms of the "
        "key, and only those."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of("""
import jwt
def current_user(token: str):
    return jwt.decode(token, KEY, algorithms=["EdDSA"])
"""),
        Snippet.of("""
import jwt
def current_user(token: str):
    alg = jwt.get_unverified_header(token)["alg"]
    if alg not in {"EdDSA", "ES256"}:
        raise ValueError(alg)
    return jwt.decode(token, KEY, algorithms=[alg])
"""),
    ),
    invalid=(
        Snippet.of("""
import jwt
def current_user(token: str):
    header = jwt.get_unverified_header(token)
    return jwt.decode(token, KEY, algorithms=[header["alg"]])
"""),
        Snippet.of("""
import jwt
def current_user(token: str):
    return jwt.decode(token, KEY, algorithms=["HS256", "none"])
"""),
        Snippet.of("""
import jwt
def current_user(token: str):
    return jwt.decode(token, KEY, algorithms=["HS256", "RS256"])
"""),
        Snippet.of("""
import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
def get_current_user(credentials: HTTPAuthorizationCredentials = Depends(HTTPBearer())) -> str:
    token = credentials.credentials
    try:
        return jwt.decode(token, KEY, algorithms=["HS256", "RS256"])["sub"]
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
