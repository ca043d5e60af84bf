"""Tokens, claims or whole headers in a log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _console as console
from betterguard.audit.rules import _tokens as tokens
from betterguard.audit.rules._secrets import is_secret
from betterguard.audit.visit import keywords, method, positional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.project import FunctionRef

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
_HEADERS = re.compile(r"(?:^|\.)request\.headers$|^(?:request_)?headers$")
_SECRET_NAMES = re.compile(
    r"(?:^|[._])(?:\w+_)?(?:api_?key|password|passwd|private_?key)$", re.IGNORECASE
)
_OTHER_TOKENS = re.compile(
    r"device|push|fcm|csrf|page_|next_|cursor|_tokens$|max_token", re.IGNORECASE
)
_NOT_SECRET = re.compile(
    r"count|usage|limit|type|length|max_|num_|total|prompt|completion|_id$|exp", re.IGNORECASE
)


def check(code: Code) -> Iterator[Hit]:
    """``print`` and logging calls with a token, its claims or all headers in their arguments."""
    for function in code.functions("jwt", "jose", "Bearer", "headers"):
        if code.is_script(function.file):
            continue
        held = tokens.token_names(function)
        claims = _claims(code, function)
        for call in console.outputs(function):
            what = _secret(call, held, claims)
            if what:
                yield Hit(function.file.path, call.pos, f"{what} written to the log")


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
        case _:
            found = (_exposed(part, held, claims) for part in _shown(expr))
            return next((what for what in found if what), "")


def _is_plain_get(call: Expr) -> bool:
    return method(call) == "get" and call.base is None


def _of_get(call: Expr) -> str:
    key = call.parts[0].text.lower() if call.parts else ""
    if call.text.endswith("headers.get") and key == "authorization":
        return "the Authorization header is"
    return ""


def _of_part(expr: Expr, held: set[str], claims: set[str]) -> str:
    """Judge a slice of a token as the token, and one claim out of the payload as harmless."""
    base = expr.base
    is_slice = bool(expr.parts) and expr.parts[0].text == "slice"
    if base is None or (base.kind == "name" and base.text in claims and not is_slice):
        return ""
    return _exposed(base, held, set())


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
    return ""


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
    return payload
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
    payload = jwt.decode(token, KEY, algorithms=["EdDSA"])
    print("claims", payload)
    return payload
"""),
        Snippet.of("""
from fastapi import Request
def hello(request: Request):
    logger.debug("headers: %s", dict(request.headers))
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
    payload = jwt.decode(token, KEY, algorithms=["EdDSA"])
    print("claims", "***")
    return payload
"""),
        Snippet.of("""
from fastapi import Request
def hello(request: Request):
    logger.debug("headers: %s", "***")
"""),
    ),
)
