"""Claims read from a token whose signature nobody checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit import credentials
from betterguard.audit.dataflow import derived, mentions
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.symbols import FunctionRef
from betterguard.audit.visit import method, names_in, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr


_ID_TOKEN = re.compile(r"(?:^|_)id_?token$", re.IGNORECASE)
_PARTS = frozenset({"get", "json", "dict", "model_dump", "strip"})
"""Methods that give what is there already."""
_DATES = frozenset({"exp", "iat", "nbf", "jti"})


def check(code: Code) -> Iterator[Hit]:
    """Unverified decodings whose claims are used, and claims unpacked by hand."""
    for decode in code.decodes:
        if decode.verified or decode.function is None or code.is_script(decode.file):
            continue
        if _only_peeks(code, decode.function, decode.call) or _only_dates(
            decode.function, decode.call
        ):
            continue
        if _from_issuer(code, decode.function, decode.call):
            continue
        handler = _in_handler(decode.function, decode.call)
        yield Hit(
            decode.file.path,
            decode.call.pos,
            "a failed verification is followed by decoding without one"
            if handler
            else "the token's claims are used although its signature is not verified",
            None if _is_called(code, decode.function) else Severity.HIGH,
            evidence=(f"in {decode.function.name}",),
        )
    for function in code.functions("b64decode"):
        yield from _by_hand(code, function)


def _is_called(code: Code, function: FunctionRef) -> bool:
    """Whether anything in the project means the function; nobody's tool is less urgent."""
    if function.owner is not None:
        return True
    return code.mentions(function.name) and any(
        isinstance(target, FunctionRef) and target.function is function.function
        for file in code.files("jwt", "jose", "fastapi", "starlette")
        for expr in file.expressions
        if expr.kind in {"name", "call"} and expr.text.rsplit(".", 1)[-1] == function.name
        for target in (code.project.resolve(file, expr.text),)
    )


def _from_issuer(code: Code, function: FunctionRef, call: Expr) -> bool:
    """Whether it is an ID token that the project itself has got from the token endpoint.

    OpenID Connect Core 3.1.3.7 lets the connection to the issuer stand for the signature then; an
    ID token that a client sends is another matter.
    """
    params = [p.name for p in function.params if _ID_TOKEN.search(p.name)]
    if not params or id(function.function) in code.endpoints:
        return False
    read = {name for part in call.parts for name in names_in(part)}
    if not read & derived(function, set(params)):
        return False
    return not any(
        _is_from_client(code, caller, argument)
        for caller in code.functions("fastapi", "starlette")
        if function.name in caller.methods
        for used in caller.calls
        if method(used) == function.name
        for argument in used.parts
    )


def _is_from_client(code: Code, caller: FunctionRef, argument: Expr) -> bool:
    """Whether an argument is what a client sent: a route's parameter, or a part of its body."""
    if id(caller.function) not in code.endpoints:
        return False
    sent = {param.name for param in caller.params}
    for _ in range(3):
        sent.update(
            name
            for name, values in caller.assigned.items()
            for value in values
            if (value.kind in {"name", "sub"} or method(value) in _PARTS) and mentions(value, sent)
        )
    return mentions(argument, sent)


def _in_handler(function: FunctionRef, call: Expr) -> bool:
    return any(
        stmt.kind == "except" and stmt.pos <= call.pos < stmt.end for stmt in function.statements
    )


def _only_peeks(code: Code, function: FunctionRef, call: Expr) -> bool:
    """Read to choose a key or for a log, and verified before anything else happens."""
    verified = [d for d in code.decodings.of(function) if d.verified]
    if not verified or _in_handler(function, call) or _is_returned(function, call):
        return False
    names = function.holders(call.pos)
    if any(_is_branch_of(function, call, decode.call) for decode in verified):
        return False
    spans = [decode.call for decode in verified]
    returned = any(
        part.kind == "name"
        and mentions(part, names)
        and not any(span.pos <= part.pos < span.end for span in spans)
        for stmt in function.statements
        if stmt.kind == "return"
        for expr in stmt.exprs
        for part in subexpressions(expr)
    )
    rebound = all(len(function.assigned.get(name, ())) > 1 for name in names)
    return not returned or rebound


def _only_dates(function: FunctionRef, call: Expr) -> bool:
    """Whether nothing but when a token ends, or which one it is, is read from its claims."""
    names = {name for name, values in function.assigned.items() if call in values}
    if not names:
        return False
    read = [
        part.parts[0].text if part.parts else ""
        for part in function.expressions
        if (part.kind == "call" and part.text in {f"{name}.get" for name in names})
        or (part.kind == "sub" and part.base is not None and part.base.text in names)
    ]
    mentioned = sum(part.kind == "name" and part.text in names for part in function.expressions)
    subscripts = sum(
        part.kind == "sub" and part.base is not None and part.base.text in names
        for part in function.expressions
    )
    assigned = sum(len(function.assigned.get(name, ())) for name in names)
    return bool(read) and set(read) <= _DATES and mentioned <= subscripts + assigned


def _is_returned(function: FunctionRef, call: Expr) -> bool:
    return any(
        stmt.kind == "return" and any(expr is call for expr in stmt.exprs)
        for stmt in function.statements
    )


def _is_branch_of(function: FunctionRef, one: Expr, other: Expr) -> bool:
    """Whether the two calls stand in different branches of one ``if``."""
    for stmt in function.statements:
        if stmt.kind == "if" and stmt.orelse:
            first, second = stmt.body[0].pos if stmt.body else 0, stmt.orelse[0].pos
            if (
                stmt.pos <= one.pos < stmt.end
                and stmt.pos <= other.pos < stmt.end
                and (first <= one.pos < second) != (first <= other.pos < second)
            ):
                return True
    return False


def _by_hand(code: Code, function: FunctionRef) -> Iterator[Hit]:
    """``json.loads(base64.urlsafe_b64decode(token.split('.')[1]))`` and nothing that verifies."""
    names = credentials.token_names(function)
    for call in function.calls:
        if not method(call).endswith("b64decode"):
            continue
        taken = derived(function, names)
        if not any(mentions(part, taken) for part in call.parts):
            continue
        if _verifies(function):
            continue
        if code.decodings.verifies(function) and not _in_handler(function, call):
            continue
        if not _splits(function, names) or _from_issuer(code, function, call):
            continue
        yield Hit(
            function.file.path,
            call.pos,
            "the token's payload is decoded by hand and no signature is verified",
            evidence=(f"in {function.name}",),
        )
        return


def _splits(function: FunctionRef, names: set[str]) -> bool:
    return any(
        method(call) in {"split", "rsplit", "partition"}
        and call.parts
        and call.parts[0].text == "."
        and call.text.rpartition(".")[0] in names
        for call in function.calls
    )


def _verifies(function: FunctionRef) -> bool:
    return any(
        method(call) in {"compare_digest", "verify", "new"} or "hmac" in call.text
        for call in function.calls
    )


RULE = Rule(
    id="BG202",
    name="signature-not-verified",
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    cwe=347,
    message="Claims are taken from a token whose signature is not verified.",
    why=(
        "Anyone can write a token. Without the signature, `sub` is a field that the caller "
        "fills in. The usual forms: `options={'verify_signature': False}`, "
        "`get_unverified_claims`, decoding the middle segment by hand, or doing one of these "
        "after verification has failed."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of("""
import jwt
def current_user(token: str):
    return jwt.decode(token, KEY, algorithms=["EdDSA"])["sub"]
"""),
        Snippet.of("""
import jwt
def current_user(token: str):
    issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
    return jwt.decode(token, KEYS[issuer], algorithms=["EdDSA"])["sub"]
"""),
        Snippet.of("""
import jwt
def revoke(token: str) -> None:
    payload = jwt.decode(token, options={"verify_signature": False})
    remember(token, until=payload.get("exp", 0))
"""),
        Snippet.of("""
import jwt
from fastapi import FastAPI
app = FastAPI()
def claims_of(id_token: str):
    return jwt.decode(id_token, options={"verify_signature": False})
@app.get("/callback")
async def callback(code: str):
    tokens = await exchange(code)
    return claims_of(tokens["id_token"])["email"]
"""),
    ),
    invalid=(
        Snippet.of("""
import jwt
def current_user(token: str):
    payload = jwt.decode(token, options={"verify_signature": False})
    return payload["sub"]
"""),
        Snippet.of("""
import jwt
def current_user(token: str):
    try:
        payload = jwt.decode(token, KEY, algorithms=["EdDSA"])
    except jwt.PyJWTError:
        payload = jwt.decode(token, options={"verify_signature": False})
    return payload["sub"]
"""),
        Snippet.of("""
from jose import jwt
def current_user(token: str):
    return jwt.get_unverified_claims(token)["sub"]
"""),
        Snippet.of("""
import base64, json
from fastapi import Header
def current_user(authorization: str = Header()):
    token = authorization.removeprefix("Bearer ")
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=="))["sub"]
"""),
        Snippet.of("""
import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
def get_current_user(credentials: HTTPAuthorizationCredentials = Depends(HTTPBearer())) -> str:
    token = credentials.credentials
    try:
        payload = jwt.decode(token, options={"verify_signature": False})
        return payload["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from err
"""),
    ),
    fixed=(
        None,
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
