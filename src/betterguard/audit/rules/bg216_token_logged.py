"""Tokens, claims or whole headers in a log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit import credentials
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _console as console
from betterguard.audit.rules import _tokens as tokens
from betterguard.audit.rules._secrets import is_secret
from betterguard.audit.visit import keywords, method, positional, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import FunctionRef

_HARMLESS = frozenset(
    [
        "bool",
        "len",
        "type",
        "isinstance",
        "hash",
        "sha256",
        "keys",
        "hasattr",
        "any",
        "all",
        "sum",
        "min",
        "max",
        "hexdigest",
        "id",
        "mask",
        "redact",
        "sanitize",
        "mask_token",
        "get_unverified_header",
        "count",
        "startswith",
    ]
)
_TELLS_LITTLE = re.compile(
    r"^_?(?:is|has)_|_(?:ago|age|seconds|length|size|type|kind|count|expiry|fingerprint|digest)$"
)
_HEADERS = re.compile(r"(?:^|\.)request\.headers$|^(?:request_)?headers$")
_SESSION_COOKIE = re.compile(r"token|session|jwt|auth", re.IGNORECASE)
_MAKES_TOKEN = re.compile(
    r"(?:create|make|generate|issue|encode|sign|new)_\w*(?:token|jwt)|(?:^|\.)jwt\.encode$",
    re.IGNORECASE,
)
_SECRET_NAMES = re.compile(
    r"(?:^|[._])(?:\w+_)?(?:api_?key|password|passwd|private_?key)$", re.IGNORECASE
)
_OTHER_TOKENS = re.compile(
    r"device|push|fcm|csrf|page_|next_|cursor|_tokens$|max_token", re.IGNORECASE
)
_NOT_SECRET = re.compile(
    r"count|usage|limit|type|length|max_|num_|total|prompt|completion|_id$|exp|scheme|prefix",
    re.IGNORECASE,
)


def check(code: Code) -> Iterator[Hit]:
    """``print`` and logging calls with a token, its claims or all headers in their arguments."""
    for function in code.functions("jwt", "jose", "Bearer", "headers", "starlette", "fastapi"):
        written = list(console.outputs(function))
        if not written or code.is_script(function.file):
            continue
        held = credentials.token_names(function) | _made(function)
        claims = _claims(code, function)
        for call in written:
            what = _secret(call, held, claims)
            if what:
                yield Hit(function.file.path, call.pos, f"{what} written to the log")


def _made(function: FunctionRef) -> set[str]:
    """Local names that hold a token which the function has made."""
    return {
        name
        for name, values in function.assigned.items()
        if credentials.TOKEN_NAME.search(name)
        and any(value.kind == "call" and _MAKES_TOKEN.search(value.text) for value in values)
    }


def _claims(code: Code, function: FunctionRef) -> set[str]:
    found = tokens.payload_names(code, function)
    for call in function.calls:
        if code.project.qualify(function.file, call.text).endswith("jwt.encode") and call.parts:
            found.add(call.parts[0].text)
    return {name for name in found if name}


def _secret(call: Expr, held: set[str], claims: set[str]) -> str:
    for part in (
        *positional(call),
        *(v for k, v in keywords(call) if k not in {"exc_info", "file"}),
    ):
        what = _exposed(part, held, claims)
        if what:
            return what
    return ""


def _exposed(expr: Expr, held: set[str], claims: set[str]) -> str:
    match expr.kind:
        case "name":
            return _named(expr.text, held, claims)
        case "cmp" | "not" | "str" | "lambda":
            return ""
        case "sub":
            return _of_part(expr, held, claims)
        case "call" if method(expr) in _HARMLESS or _is_plain_get(expr):
            return _of_get(expr)
        case "call" if expr.base is None and _TELLS_LITTLE.search(method(expr)):
            return ""
        case _:
            found = (_exposed(part, held, claims) for part in _shown(expr))
            return next((what for what in found if what), "")


def _is_plain_get(call: Expr) -> bool:
    return method(call) == "get" and call.base is None


def _of_get(call: Expr) -> str:
    if call.text.endswith("headers.get") and call.parts:
        return _of_header(call.parts[0].text)
    if call.text.endswith("cookies.get") and call.parts:
        return "a token is" if _SESSION_COOKIE.search(call.parts[0].text) else ""
    return ""


def _of_header(name: str) -> str:
    shown = {"authorization": "the Authorization header is", "cookie": "all cookies are"}
    return shown.get(name.lower(), "")


def _of_part(expr: Expr, held: set[str], claims: set[str]) -> str:
    """Judge a slice of a token as the token, and one claim out of the payload as harmless."""
    base = expr.base
    is_slice = bool(expr.parts) and expr.parts[0].text == "slice"
    if base is None or (base.kind == "name" and base.text in claims and not is_slice):
        return ""
    if is_slice and _is_ending(expr.parts[0]):
        return ""
    if base.kind == "name" and _HEADERS.search(base.text) and expr.parts:
        return _of_header(expr.parts[0].text)
    return _exposed(base, held, set())


def _is_ending(part: Expr) -> bool:
    """``[-4:]``: the last characters, by which a key is known again."""
    bounds = part.parts
    return len(bounds) == 1 and bounds[0].pos == part.pos and _is_few(bounds[0])


def _is_few(bound: Expr) -> bool:
    digits = [inner.text for inner in subexpressions(bound) if inner.kind == "num"]
    negative = bound.kind != "num" or bound.text.startswith("-")
    return negative and len(digits) == 1 and len(digits[0].lstrip("-")) == 1


def _shown(expr: Expr) -> tuple[Expr, ...]:
    """Give what ends in the text: of ``a if b else c`` not the condition."""
    parts = expr.parts
    if expr.kind == "if":
        parts = parts[:1] + parts[2:]
    return (*parts, *((expr.base,) if expr.base is not None else ()))


def _named(name: str, held: set[str], claims: set[str]) -> str:
    if _OTHER_TOKENS.search(name):
        return ""
    if is_secret(name) or _SECRET_NAMES.search(name):
        return "a secret is"
    if name in held and not _NOT_SECRET.search(name.rsplit(".", 1)[-1]):
        return "a token is"
    if name in claims:
        return "a token's claims are"
    if _HEADERS.search(name) and name.startswith("request"):
        return "all request headers are"
    return "all cookies are" if name == "request.cookies" else ""


RULE = Rule(
    id="BG216",
    name="token-logged",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=532,
    message="A token, its claims or the request's headers are written to the log.",
    why=(
        "A token in a log works for whoever reads the log, until it expires, which may be a "
        "week. Its first characters tell the header only, but the habit ends with whole tokens; "
        "the claims are personal data. Log the user's id, and the reason of a refusal."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(
        Snippet.of("""
import jwt
def current_user(token: str):
    payload = jwt.decode(token, KEY, algorithms=["EdDSA"])
    logger.info(f"user {payload['sub']} with a token of {len(token)} characters")
    logger.info("token present: %s", bool(token))
    logger.debug(f"a token ending in {token[-4:]}")
    logger.debug("expired", ago=seconds_since_expiry(token), fresh=is_fresh(token))
    return payload
"""),
        Snippet.of("""
from fastapi import Request
def key(request: Request):
    authorization = request.headers.get("Authorization")
    scheme, _, credentials = authorization.partition(" ")
    if scheme != "Bearer":
        logger.error(f"unsupported scheme {scheme}")
    return credentials
"""),
        Snippet.of("""
from fastapi import Depends, FastAPI, Request
app = FastAPI()
async def parsed(request: Request):
    payload = await request.json()
    logger.info("parsed %s of %s", payload, request.headers["content-type"])
    return payload
@app.post("/hooks")
async def taken(payload=Depends(parsed)):
    logger.info("taken", extra={"payload": payload})
"""),
    ),
    invalid=(
        Snippet.of("""
import jwt
def current_user(token: str):
    logger.info(f"verifying {token[:15]}...")
    return jwt.decode(token, KEY, algorithms=["EdDSA"])
"""),
        Snippet.of("""
import jwt
def current_user(token: str):
    logger.info(f"verifying {token[:-4]}")
    return jwt.decode(token, KEY, algorithms=["EdDSA"])
"""),
        Snippet.of("""
import jwt
def current_user(token: str):
    payload = jwt.decode(token, KEY, algorithms=["EdDSA"])
    print("claims", payload)
    return payload
"""),
        Snippet.of("""
from fastapi import Request
def hello(request: Request):
    logger.debug("headers: %s", dict(request.headers))
"""),
        Snippet.of("""
from fastapi import FastAPI
app = FastAPI()
@app.post("/login")
def login(user_id: str):
    access_token = create_access_token(data={"sub": user_id})
    print(f"setting access_token={access_token}")
"""),
        Snippet.of("""
from fastapi import Request
def who(request: Request):
    logger.debug("cookies: %s", request.cookies)
"""),
        Snippet.of("""
from fastapi import Request
def data(request: Request):
    token_data = getattr(request.state, "token_data", None)
    logger.info(f"Token data: {token_data}")
"""),
    ),
    fixed=(
        Snippet.of("""
import jwt
def current_user(token: str):
    logger.info("verifying ***...")
    return jwt.decode(token, KEY, algorithms=["EdDSA"])
"""),
        Snippet.of("""
import jwt
def current_user(token: str):
    logger.info("verifying ***")
    return jwt.decode(token, KEY, algorithms=["EdDSA"])
"""),
        Snippet.of("""
import jwt
def current_user(token: str):
    payload = jwt.decode(token, KEY, algorithms=["EdDSA"])
    print("claims", "***")
    return payload
"""),
        Snippet.of("""
from fastapi import Request
def hello(request: Request):
    logger.debug("headers: %s", "***")
"""),
        Snippet.of("""
from fastapi import FastAPI
app = FastAPI()
@app.post("/login")
def login(user_id: str):
    access_token = create_access_token(data={"sub": user_id})
    print("setting access_token=***")
"""),
        Snippet.of("""
from fastapi import Request
def who(request: Request):
    logger.debug("cookies: %s", "***")
"""),
        Snippet.of("""
from fastapi import Request
def data(request: Request):
    token_data = getattr(request.state, "token_data", None)
    logger.info("Token data: ***")
"""),
    ),
)
