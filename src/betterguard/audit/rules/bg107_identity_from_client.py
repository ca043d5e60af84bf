"""Authentication that takes the caller's word for who they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.dataflow import derived, mentions
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.gates import AUTH_NAMES
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _tokens as tokens
from betterguard.audit.visit import argument, method, names_in, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Param
    from betterguard.audit.symbols import FunctionRef

_HEADER = re.compile(
    r"^x[-_](?:user|account|auth|authenticated|forwarded|demo|test)[-_](?:user|id|userid|email)",
    re.IGNORECASE,
)
_SELF_CHOSEN = ("request.path_params", "request.query_params")
_USER_KEY = re.compile(r"^(?:user_?id|uid|x-user-id|userId|owner_?id|email)$")


def check(code: Code) -> Iterator[Hit]:
    """Dependencies that say who is calling from the path, a query parameter or a plain header."""
    for function in _authenticators(code):
        for place, source in _claims(function):
            name = _shown(function)
            yield Hit(
                function.file.path,
                place.pos,
                f"{name} takes the caller's identity from {source}, which anyone can set",
                evidence=(f"{name} decides who is calling",),
            )
            break
    for route in code.app.routes:
        yield from _fallback(code, route.function)
    for function in _others(code):
        yield from _believed(code, function)


def _believed(code: Code, function: FunctionRef) -> Iterator[Hit]:
    """Find a function that answers 401 to whoever names no user, and believes everybody else."""
    sent = {param.name: found for param in function.params if (found := _sent_as(param))}
    for name, values in function.assigned.items():
        for value in values:
            source = _source(value)
            if source.startswith(("header", "cookie")):
                sent[name] = value, source
    # Whoever is looked up by such an id is no better known.
    known = derived(function, sent) if sent else set()
    if known and code.gates.asks_for_presence(function, known):
        place, source = next(iter(sent.values()))
        yield Hit(
            function.file.path,
            place.pos,
            f"{function.name} takes the caller's identity from {source}, which anyone can set",
            confidence=Confidence.MEDIUM,
            evidence=(f"{function.name} only asks whether it is there",),
        )


def _shown(function: FunctionRef) -> str:
    """Give a function's name; of an object that is called, its class's."""
    if function.owner is not None and function.name == "__call__":
        return function.owner.name
    return function.name


def _fallback(code: Code, function: FunctionRef) -> Iterator[Hit]:
    """Find a route whose own code takes the id out of a token, or else out of the request."""
    words = function.file.facts.words
    if words.isdisjoint({"Bearer", "jwt", "jose", "headers"}) or "get" not in function.methods:
        return
    for name, values in function.assigned.items():
        sources = [(value, _source(value)) for value in values]
        chosen = [(value, source) for value, source in sources if source]
        if chosen and len(chosen) < len(values):
            claims = tokens.payload_names(code, function)
            if any(mentions(value, claims) for value, source in sources if not source):
                value, source = chosen[0]
                yield Hit(
                    function.file.path,
                    value.pos,
                    f"{function.name} takes {name} from {source}, which anyone can set, where the "
                    "token gives none",
                    evidence=(f"{function.name} decides who is calling",),
                )


def _authenticators(code: Code) -> Iterator[FunctionRef]:
    for function in _dependencies(code):
        if _is_named_so(function) and not _compares(function):
            yield function


def _is_named_so(function: FunctionRef) -> bool:
    named = function.owner.name if function.owner is not None else ""
    return bool(AUTH_NAMES.search(f"{named}.{function.name}"))


def _others(code: Code) -> Iterator[FunctionRef]:
    """Routes, and the dependencies that are not named as what authenticates."""
    for function in _dependencies(code):
        if not _is_named_so(function):
            yield function
    for route in code.app.routes:
        yield route.function


def _dependencies(code: Code) -> Iterator[FunctionRef]:
    """Every function that runs for a dependency of a route, once."""
    seen: set[int] = set()
    for route in code.app.routes:
        for dependency in (*route.dependencies, *code.calls.dependencies(route.function)):
            for start in code.calls.entry_points(dependency.target):
                for function in code.calls.reach(start):
                    if id(function.function) not in seen:
                        seen.add(id(function.function))
                        yield function


def _compares(function: FunctionRef) -> bool:
    """Whether it compares the path with the caller, and so reads it for a good reason."""
    params = {param.name for param in function.params}
    return any(
        expr.kind == "cmp"
        and expr.text in {"==", "!="}
        and any("user" in name.lower() for name in names_in(expr))
        and not any(part.kind in {"str", "num", "const"} for part in expr.parts)
        and (len(set(names_in(expr)) & params) > 0 or len(list(names_in(expr))) > 1)
        for stmt in function.statements
        if stmt.kind == "if"
        for expr in (part for cond in stmt.exprs for part in subexpressions(cond))
    )


def _claims(function: FunctionRef) -> Iterator[tuple[Expr, str]]:
    returned = _returned(function)
    for param in function.params:
        found = _sent_as(param)
        if found is not None and param.name in returned:
            yield found
    for name, values in function.assigned.items():
        for value in values:
            source = _source(value)
            if source and (name in returned or "user" in name):
                yield value, source
    for stmt in function.statements:
        if stmt.kind == "return" and stmt.exprs and (source := _source(stmt.exprs[0])):
            yield stmt.exprs[0], source


def _sent_as(param: Param) -> tuple[Expr, str] | None:
    """Give where a parameter takes a user's id from a plain header or cookie, and its name."""
    for given in (param.default, param.annotation):
        for part in subexpressions(given) if given is not None else ():
            if part.kind == "call" and method(part) in {"Header", "Cookie"}:
                alias = argument(part, 9, "alias")
                name = param.name.replace("_", "-") if alias is None else alias.text
                if method(part) == "Header" and _HEADER.match(name):
                    return part, f"header {name}"
                if method(part) == "Cookie" and _USER_KEY.match(name.replace("-", "_")):
                    return part, f"cookie {name}"
    return None


def _returned(function: FunctionRef) -> set[str]:
    found: set[str] = set()
    for stmt in function.statements:
        if stmt.kind == "return":
            for expr in stmt.exprs:
                found.update(name.split(".", 1)[0] for name in names_in(expr))
    for _ in range(3):
        for name in list(found):
            for value in function.assigned.get(name, ()):
                found.update(part.split(".", 1)[0] for part in names_in(value))
    return found


def _source(value: Expr) -> str:
    for part in subexpressions(value):
        if part.kind == "call" and method(part) == "get" and part.parts:
            found = _read_from(part.text.rpartition(".")[0], part.parts[0].text)
        elif part.kind == "sub" and part.base is not None and part.parts:
            found = _read_from(part.base.text, part.parts[0].text)
            found = found or ("the URL's path" if _is_path_piece(part) else "")
        else:
            found = ""
        if found:
            return found
    return ""


def _read_from(owner: str, key: str) -> str:
    """Tell where a user's id is read from, if from where anyone can write one."""
    if owner in _SELF_CHOSEN and _USER_KEY.match(key):
        return f"{owner}[{key!r}]"
    if owner.endswith("headers") and _HEADER.match(key):
        return f"header {key}"
    if owner.endswith("cookies") and _USER_KEY.match(key):
        return f"cookie {key}"
    return ""


def _is_path_piece(part: Expr) -> bool:
    """Whether it is a segment of the path: ``path_parts[-2]`` where the name says so."""
    base = part.base
    return (
        base is not None
        and base.kind == "name"
        and re.search(r"(?:path|url)_?(?:parts|segments)$", base.text) is not None
    )


_ROUTE = """
@app.get("/tasks")
def tasks(user=Depends(get_current_user)): return user
"""

RULE = Rule(
    id="BG107",
    name="identity-from-client",
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    cwe=290,
    message="Authentication falls back to an identity that the client supplies.",
    why=(
        "A user id in the path, in a query parameter, in a cookie or in an `X-User-Id` header is a "
        "wish, not a proof. A dependency that uses it when the token is missing or invalid lets anyone "
        "act as anyone. Answer 401 instead."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of(
            """
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
app = FastAPI()
def get_current_user(authorization: str = Header(None)):
    try:
        return jwt.decode(authorization.removeprefix("Bearer "), KEY, algorithms=["EdDSA"])["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401) from err
"""
            + _ROUTE
        ),
        Snippet.of(
            """
from hmac import compare_digest
from fastapi import Depends, FastAPI, Header, HTTPException
app = FastAPI()
def caller(x_user_id: str = Header(), x_gateway_key: str = Header()):
    if not compare_digest(x_gateway_key.encode(), GATEWAY_KEY):
        raise HTTPException(401)
    return x_user_id
@app.get("/tasks")
def tasks(user=Depends(caller)): return user
"""
        ),
    ),
    invalid=(
        Snippet.of(
            """
from fastapi import Depends, FastAPI, Request
app = FastAPI()
def get_current_user(request: Request):
    user_id = request.headers.get("X-User-Id")
    return user_id
"""
            + _ROUTE
        ),
        Snippet.of(
            """
from fastapi import Depends, FastAPI, Request
app = FastAPI()
def get_current_user(request: Request):
    claims = verify(request)
    if claims is None:
        return request.query_params.get("user_id")
    return claims["sub"]
"""
            + _ROUTE
        ),
        Snippet.of(
            """
from fastapi import FastAPI, Request
from tokens import verify_token
app = FastAPI()
@app.get("/data")
def data(request: Request):
    user_id = None
    header = request.headers.get("Authorization")
    if header:
        payload = verify_token(header.removeprefix("Bearer "))
        user_id = payload.get("sub")
    if not user_id:
        user_id = request.query_params.get("user_id")
    return rows(user_id)
"""
        ),
        Snippet.of(
            """
from fastapi import FastAPI, HTTPException, Request
app = FastAPI()
@app.get("/tasks")
def tasks(request: Request):
    user = find_user(request.headers.get("X-User-Id"))
    if user is None:
        raise HTTPException(401)
    return user.tasks
"""
        ),
        Snippet.of(
            """
from fastapi import Depends, FastAPI, Request
from fastapi.security import HTTPBearer
app = FastAPI()
class JWTBearer(HTTPBearer):
    async def __call__(self, request: Request):
        user_id = request.headers.get("X-User-ID")
        if user_id:
            return user_id
        return verified(await super().__call__(request))
scheme = JWTBearer()
@app.get("/tasks")
def tasks(user: str = Depends(scheme)): return rows(user)
"""
        ),
    ),
    fixed=(
        Snippet.of(
            """
from betterguard import BetterGuard
from fastapi import Depends, FastAPI
app = FastAPI()

guard = BetterGuard.from_env()


get_current_user = guard.verify_token
"""
            + _ROUTE
        ),
        Snippet.of(
            """
from fastapi import Depends, FastAPI, HTTPException, Request
app = FastAPI()
def get_current_user(request: Request):
    claims = verify(request)
    if claims is None:
        raise HTTPException(status_code=401, detail="Not authenticated", """
            """headers={"WWW-Authenticate": "Bearer"})
    return claims["sub"]
""" + _ROUTE
        ),
        None,
        None,
        None,
    ),
)
