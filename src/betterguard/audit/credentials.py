"""Local names that hold a credential, however it is cut out of a request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from betterguard.audit.visit import method, names_in, subexpressions

if TYPE_CHECKING:
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import FunctionRef

TOKEN_NAME = re.compile(
    r"(?:^|[._])(?:access_?token|id_?token|jwt_?token|auth_?token|bearer_?token|session_?token|raw_?token"
    r"|refresh_?token|encoded_?jwt|token_?str|token|jwt|credentials\.credentials"
    r"|auth_?header(?:_value)?|authorization(?:_header)?|header_value)$",
    re.IGNORECASE,
)
_IN_QUERY = re.compile(r"token|ticket|jwt")
_NAMES: WeakKeyDictionary[FunctionRef, set[str]] = WeakKeyDictionary()
"""What was worked out, for as long as the project is in memory: several rules ask."""
STRIPPERS = frozenset({"replace", "split", "strip", "removeprefix", "partition", "lstrip"})


def token_names(function: FunctionRef) -> set[str]:
    """Local names that hold the token or the header that it comes in."""
    known = _NAMES.get(function)
    if known is None:
        known = _NAMES[function] = _find_token_names(function)
    return known


def _find_token_names(function: FunctionRef) -> set[str]:
    seeds = {p.name for p in function.params if TOKEN_NAME.search(p.name)}
    for param in function.params:
        if param.annotation is not None and "HTTPAuthorizationCredentials" in set(
            names_in(param.annotation)
        ):
            seeds.add(f"{param.name}.credentials")
    if "get" in function.methods or "headers" in function.file.facts.words:
        for name, values in function.assigned.items():
            if any(_reads_credential(value) for value in values):
                seeds.add(name)
    found = set(seeds)
    for _ in range(3 if seeds else 0):
        for name, values in function.assigned.items():
            if name not in found and any(_carries(value, found) for value in values):
                found.add(name)
    return found


def _reads_credential(value: Expr) -> bool:
    for part in subexpressions(value):
        if part.kind == "call" and method(part) == "get" and part.parts:
            key = part.parts[0].text.lower()
            if part.text.endswith("headers.get") and key == "authorization":
                return True
            if part.text.endswith("cookies.get"):
                return True
            if part.text.endswith("query_params.get") and _IN_QUERY.search(key):
                return True
        if (
            part.kind == "sub"
            and part.base is not None
            and part.base.text.endswith("headers")
            and any(index.text.lower() == "authorization" for index in part.parts)
        ):
            return True
    return False


def _carries(value: Expr, names: set[str]) -> bool:
    """Whether a value is the token still: stripped, split, sliced, or the same."""
    if value.kind == "name":
        return value.text in names
    if value.kind == "call":
        if value.base is not None:
            return method(value) in STRIPPERS and _carries(value.base, names)
        return method(value) in STRIPPERS and value.text.rpartition(".")[0] in names
    if value.kind == "sub" and value.base is not None:
        return _carries(value.base, names)
    if value.kind in {"if", "bool"}:
        return any(_carries(part, names) for part in value.parts)
    return False


def only_strips(value: Expr) -> bool:
    """Whether a value is text cut out of other text: still a token, no identity."""
    if value.kind == "sub" and value.base is not None:
        return value.base.kind == "name" or only_strips(value.base)
    return value.kind == "call" and method(value) in STRIPPERS


def header_names(function: FunctionRef) -> set[str]:
    """Local names that hold the Authorization header, scheme included."""
    found = {
        p.name
        for p in function.params
        if re.search(r"authorization|auth_?header", p.name, re.IGNORECASE)
    }
    for name, values in function.assigned.items():
        if any(_reads_header(value) for value in values):
            found.add(name)
    return found


def _reads_header(value: Expr) -> bool:
    if value.kind == "bool":
        return any(_reads_header(part) for part in value.parts)
    if value.kind == "call" and method(value) == "get" and value.parts:
        return value.text.endswith("headers.get") and value.parts[0].text.lower() == "authorization"
    return value.kind == "sub" and any(p.text.lower() == "authorization" for p in value.parts)
