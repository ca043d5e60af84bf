"""A key set fetched with a blocking client, on the event loop or once a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.visit import method, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import FunctionRef

_FETCHES = frozenset({"requests.get", "httpx.get", "urllib.request.urlopen", "requests.request"})


def check(code: Code) -> Iterator[Hit]:
    """Blocking fetches of keys in async functions; clients made anew for each request."""
    for function in code.functions("jwt", "jose"):
        for call in function.calls:
            fault = _fault(code, function, call)
            if fault:
                yield Hit(function.file.path, call.pos, fault)
                break


def _fault(code: Code, function: FunctionRef, call: Expr) -> str:
    name = code.project.qualify(function.file, call.text)
    if name == "jwt.PyJWKClient" and function.name != "__init__" and not _is_cached(function):
        made = {n for n, values in function.assigned.items() if call in values}
        if not any("." in n for n in made) and not _is_global(function, made):
            return "a PyJWKClient is made anew here: one request to the key set for each token"
    if not function.function.is_async:
        return ""
    if method(call) == "get_signing_key_from_jwt":
        return "the key set is fetched with a blocking client on the event loop"
    if name in _FETCHES and any("jwks" in n.lower() for part in call.parts for n in names_in(part)):
        return "the key set is fetched with a blocking client on the event loop"
    return ""


def _is_cached(function: FunctionRef) -> bool:
    return any("cache" in decorator.text for decorator in function.function.decorators)


def _is_global(function: FunctionRef, names: set[str]) -> bool:
    """Kept at the module's top level: made once, lazily."""
    returned = {
        name
        for stmt in function.statements
        if stmt.kind == "return"
        for expr in stmt.exprs
        for name in names_in(expr)
    }
    return any(name in function.file.values for name in names) or bool(names & returned)


RULE = Rule(
    id="BG214",
    name="blocking-key-set",
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    cwe=400,
    message="The key set is fetched by a blocking client in async code, or anew for each token.",
    why=(
        "While the key set's server is slow, every request of the process waits; PyJWKClient's "
        "timeout counts for each read, and unknown key ids make it fetch once a token. "
        "`RemoteKeySet` fetches off the loop, once for all, and serves the last good set."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of("""
import jwt
client = jwt.PyJWKClient(URL)
def current_user(token: str):
    return jwt.decode(token, client.get_signing_key_from_jwt(token).key, algorithms=["EdDSA"])
"""),
    ),
    invalid=(
        Snippet.of("""
import jwt
client = jwt.PyJWKClient(URL)
async def current_user(token: str):
    return jwt.decode(token, client.get_signing_key_from_jwt(token).key, algorithms=["EdDSA"])
"""),
        Snippet.of("""
import jwt
def current_user(token: str):
    client = jwt.PyJWKClient(URL)
    return jwt.decode(token, client.get_signing_key_from_jwt(token).key, algorithms=["EdDSA"])
"""),
        Snippet.of("""
import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
async def get_current_user(credentials: HTTPAuthorizationCredentials = Depends(HTTPBearer())) -> str:
    token = credentials.credentials
    try:
        key = jwt.PyJWKClient(JWKS_URL).get_signing_key_from_jwt(token)
        return jwt.decode(token, key, algorithms=["EdDSA"])["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from err
"""),
    ),
    fixed=(
        Snippet.of("""
import jwt
from betterguard import AuthError, BetterGuard
from fastapi import HTTPException
client = jwt.PyJWKClient(URL)

guard = BetterGuard.from_env()


async def current_user(token: str):
    try:
        claims = await guard.verify(token)
    except AuthError as err:
        raise HTTPException(
            status_code=err.status, detail=err.detail, headers={"WWW-Authenticate": "Bearer"}
        ) from err
    return {**claims.payload, "sub": claims.user_id, "id": claims.user_id, "user_id": claims.user_id}
"""),
        None,
        Snippet.of("""
from betterguard import BetterGuard

guard = BetterGuard.from_env()


get_current_user = guard.verify_token
"""),
    ),
)
