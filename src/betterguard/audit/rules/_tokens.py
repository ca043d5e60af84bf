"""What several token rules ask: which functions handle tokens, which names hold them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from betterguard.audit.visit import argument, method, names_in, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Param
    from betterguard.audit.project import FunctionRef
    from betterguard.audit.security import Decode

TOKEN_NAME = re.compile(
    r"(?:^|[._])(?:access_?token|id_?token|jwt_?token|auth_?token|bearer_?token|session_?token|raw_?token"
    r"|refresh_?token|encoded_?jwt|token_?str|token|jwt|credentials\.credentials"
    r"|auth_?header(?:_value)?|authorization(?:_header)?|header_value)$",
    re.IGNORECASE,
)
IDENTITY_NAMES = re.compile(r"user|payload|claims|identity|principal|sub$", re.IGNORECASE)
_NAMES: WeakKeyDictionary[FunctionRef, set[str]] = WeakKeyDictionary()
"""What was worked out, for as long as the project is in memory: several rules ask."""
_HOLD_CLAIMS = frozenset(
    {"payload", "claims", "decoded", "token_payload", "decoded_token", "token_data"}
)
_TAKE_CLAIMS = frozenset({"payload", "claims", "token_payload", "jwt_payload", "decoded_token"})
_MAKES_CLAIMS = re.compile(r"token|jwt|claim|decode|verif|auth|validat", re.IGNORECASE)
_CLAIMS_CLASS = re.compile(r"token|jwt|claim|auth", re.IGNORECASE)
_STRIPPERS = frozenset({"replace", "split", "strip", "removeprefix", "partition", "lstrip"})


def token_functions(code: Code) -> Iterator[FunctionRef]:
    """Functions that take or read a token."""
    for function in code.functions("jwt", "jose", "Bearer", "fastapi", "starlette"):
        if token_names(function):
            yield function


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
            if part.text.endswith("query_params.get") and "token" in key:
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
            return method(value) in _STRIPPERS and _carries(value.base, names)
        return method(value) in _STRIPPERS and value.text.rpartition(".")[0] in names
    if value.kind == "sub" and value.base is not None:
        return _carries(value.base, names)
    if value.kind in {"if", "bool"}:
        return any(_carries(part, names) for part in value.parts)
    return False


def only_strips(value: Expr) -> bool:
    """Whether a value is text cut out of other text: still a token, no identity."""
    if value.kind == "sub" and value.base is not None:
        return value.base.kind == "name" or only_strips(value.base)
    return value.kind == "call" and method(value) in _STRIPPERS


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


def algorithms(decode: Decode) -> Expr | None:
    """Give the ``algorithms`` argument of a decoding."""
    return argument(decode.call, 2, "algorithms")


def algorithm_names(code: Code, decode: Decode) -> set[str]:
    """Give the algorithms that a decoding allows, through constants and settings."""
    given = algorithms(decode)
    if given is None:
        return set()
    found: set[str] = set()
    for part in subexpressions(given):
        if part.kind == "str":
            found.add(part.text)
        elif part.kind == "name":
            found |= _constant_texts(code, decode, part)
    return found


def _constant_texts(code: Code, decode: Decode, name: Expr) -> set[str]:
    text = name.text
    if (
        text.startswith("self.")
        and decode.function is not None
        and decode.function.owner is not None
    ):
        init = decode.function.owner.methods.get("__init__")
        values = init.assigned.get(text, ()) if init is not None else ()
        found = {p.text for value in values for p in subexpressions(value) if p.kind == "str"}
        if found:
            return found
    value = code.security.value(decode.file, name, decode.function)
    return (
        {p.text for p in subexpressions(value) if p.kind == "str"} if value is not None else set()
    )


def payload_names(code: Code, function: FunctionRef) -> set[str]:
    """Local names that hold a token's claims."""
    found = {
        name
        for name, values in function.assigned.items()
        for value in values
        if value.kind == "call"
        and value.base is None
        and (
            code.security.decode(function.file, value, function) is not None
            or (name in _HOLD_CLAIMS and _gives_claims(value))
        )
    }
    found.update(
        param.name
        for param in function.params
        if param.name in _TAKE_CLAIMS and _takes_claims(code, function, param)
    )
    return found


def _gives_claims(call: Expr) -> bool:
    """Whether a call gives claims by its name, by a token that it takes, or out of the request."""
    return bool(_MAKES_CLAIMS.search(call.text)) or any(
        TOKEN_NAME.search(name) or name == "request.state"
        for part in call.parts
        for name in names_in(part)
    )


def _takes_claims(code: Code, function: FunctionRef, param: Param) -> bool:
    """Whether a parameter gets claims, not the body of a request or another kind of message."""
    injected = tuple(code.calls.param_dependencies(function.file, param))
    if injected:
        return any(code.security.gate(dependency) for dependency in injected)
    if param.annotation is not None:
        klass = code.project.annotated(function.file, param.annotation)
        if klass is not None and not _CLAIMS_CLASS.search(klass.name):
            return False
    return id(function.function) not in code.endpoints
