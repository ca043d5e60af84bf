"""What several token rules ask: which functions handle tokens, which names hold them."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from betterguard.audit.credentials import TOKEN_NAME, token_names
from betterguard.audit.visit import argument, method, names_in, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from betterguard.audit.code import Code
    from betterguard.audit.decoding import Decode
    from betterguard.audit.facts import Expr, Param
    from betterguard.audit.symbols import FunctionRef

IDENTITY_NAMES = re.compile(r"user|payload|claims|identity|principal|sub$", re.IGNORECASE)
_ISSUED: WeakKeyDictionary[Code, Mapping[str, set[str]]] = WeakKeyDictionary()
"""What was worked out, for as long as the project is in memory: several rules ask."""
_HOLD_CLAIMS = frozenset(
    {"payload", "claims", "decoded", "token_payload", "decoded_token", "token_data"}
)
_TAKE_CLAIMS = frozenset({"payload", "claims", "token_payload", "jwt_payload", "decoded_token"})
_MAKES_CLAIMS = re.compile(r"token|jwt|claim|decode|verif|auth|validat", re.IGNORECASE)
_CLAIMS_CLASS = re.compile(r"token|jwt|claim|auth", re.IGNORECASE)
_PURPOSE = re.compile(r"state|invit|reset|verif|magic|unsubscribe|link|confirm", re.IGNORECASE)
_SIGN_INS = frozenset({"access", "access_token", "bearer", "Bearer", "JWT", "jwt"})
_KINDS = frozenset({"type", "typ", "purpose", "kind", "token_type", "use", "action"})


def token_functions(code: Code) -> Iterator[FunctionRef]:
    """Functions that take or read a token."""
    for function in code.functions("jwt", "jose", "Bearer", "fastapi", "starlette"):
        if token_names(function):
            yield function


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
    value = code.project.binding(decode.file, name, decode.function)
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
            code.decodings.read(function.file, value, function) is not None
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
        return any(code.gates.of_dependency(dependency) for dependency in injected)
    if param.annotation is not None:
        klass = code.project.annotated(function.file, param.annotation)
        if klass is not None and not _CLAIMS_CLASS.search(klass.name):
            return False
    return id(function.function) not in code.endpoints


def issued_claims(code: Code) -> Mapping[str, set[str]]:
    """For each key that the project signs tokens with, the claims that it puts into them."""
    known = _ISSUED.get(code)
    if known is None:
        known = _ISSUED[code] = _find_issued(code)
    return known


def _find_issued(code: Code) -> Mapping[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for function in code.functions("jwt", "jose"):
        for call in function.calls if "encode" in function.methods else ():
            if call.base is not None or not call.parts:
                continue
            if re.search(r"(?:^|\.)jwt\.encode$", code.project.qualify(function.file, call.text)):
                found[key_name(call)].update(_claims_of(code, function, call.parts[0]))
    return found


def key_name(call: Expr) -> str:
    """Give the last part of the name of the key that a token is signed or verified with."""
    key = argument(call, 1, "key")
    return key.text.rsplit(".", 1)[-1] if key is not None and key.kind == "name" else ""


def is_own_kind(code: Code, decode: Decode) -> bool:
    """Whether a decoding reads a token that the project made for one purpose, not a sign-in.

    The state of an OAuth flow, an invitation, a session of a widget: signed here with the same
    key, and known by what it is called or by a claim that is compared with a literal.
    """
    if key_name(decode.call) not in issued_claims(code):
        return False
    if decode.call.parts and _PURPOSE.search(decode.call.parts[0].text):
        return True
    return decode.function is not None and any(
        part.kind == "cmp"
        and any(side.kind == "str" and side.text not in _SIGN_INS for side in part.parts)
        and any(inner.text in _KINDS for side in part.parts for inner in _keys(side))
        for part in decode.function.expressions
    )


def _keys(side: Expr) -> Iterator[Expr]:
    """``"type"`` of ``payload.get("type")`` and of ``payload["type"]``."""
    if side.kind in {"call", "sub"}:
        yield from side.parts[:1]


def _claims_of(code: Code, function: FunctionRef, payload: Expr) -> Iterator[str]:
    """Names in the dictionaries that a payload is made of, those of callers included."""
    names = {payload.text} if payload.kind == "name" else set()
    given = [payload, *(value for name in names for value in function.assigned.get(name, ()))]
    params = {param.name for param in function.params}
    if params & {name.split(".", 1)[0] for value in given for name in names_in(value)}:
        given.extend(
            part
            for file in code.files("jwt", "jose", "fastapi", "starlette")
            if function.name in file.methods
            for call in file.calls
            if method(call) == function.name
            for part in call.parts
        )
    for value in given:
        for part in subexpressions(value):
            if part.kind == "dict":
                yield from part.names
