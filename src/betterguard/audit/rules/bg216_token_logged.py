"""Tokens, claims or whole headers in a log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Rule, Snippet
from betterguard.audit.rules import _console as console
from betterguard.audit.rules import _tokens as tokens
from betterguard.audit.rules.bg206_secret_in_code import is_secret
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
_SECRET_NAMES = re.compile(r"(?:^|[._])(?:\w+_)?(?:api_?key|password|passwd|private_?key)$", re.IGNORECASE)
_OTHER_TOKENS = re.compile(
    r"device|push|fcm|csrf|page_|next_|cursor|_tokens$|max_token", re.IGNORECASE
)
_NOT_SECRET = re.compile(
    r"count|usage|limit|type|length|max_|num_|total|prompt|completion|_id$|exp", re.IGNORECASE
)


def check(code: Code) -> Iterator[Hit]:
    """``print`` and logging calls with a token, its claims, or all headers among their arguments."""
    for function in code.functions("jwt", "jose", "Bearer", "headers"):
        if code.is_script(function.file):
            continue
        held = tokens.token_names(code, function)
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
    if expr.kind == "name":
        return _named(expr.text, held, claims)
    if expr.kind == "call":
        if method(expr) in _HARMLESS or (method(expr) == "get" and expr.base is None):
            owner = expr.text.rpartition(".")[0]
            key = expr.parts[0].text.lower() if expr.parts else ""
            if method(expr) == "get" and owner.endswith("headers") and key == "authorization":
                return "the Authorization header is"
            return ""
    if expr.kind == "sub":
        # A slice of a token still is a piece of it; one claim out of the payload is not.
        is_slice = bool(expr.parts) and expr.parts[0].text == "slice"
        base = expr.base
        if base is not None and base.kind == "name" and base.text in claims and not is_slice:
            return ""
        return _exposed(base, held, set()) if base is not None else ""
    if expr.kind in {"cmp", "not", "str", "lambda"}:
        return ""
    parts = (
        expr.parts[:1] + expr.parts[2:] if expr.kind == "if" and len(expr.parts) > 1 else expr.parts
    )
    inner = (*parts, *((expr.base,) if expr.base is not None else ()))
    for part in inner:
        if what := _exposed(part, held, claims):
            return what
    return ""


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
        "A token in a log works for whoever reads the log, until it expires, which may be a week. "
        "Its first characters tell the header only, but the habit ends with whole tokens; the "
        "claims are personal data. Log the user's id, and the reason of a refusal."
    ),
    check=check,
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
)
