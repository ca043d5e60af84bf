"""Refusals that only ask whether a credential is there: whoever writes one into the header passes.

``if not authorization: raise HTTPException(401)`` and nothing else. As soon as the credential is
handed to anything that may look into it, it counts as verified there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.credentials import STRIPPERS, token_names
from betterguard.audit.symbols import FunctionRef
from betterguard.audit.visit import method, names_in, receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from betterguard.audit.calls import Calls
    from betterguard.audit.facts import Expr, Stmt

__all__ = ["asks_for_presence", "hands_on", "held_names"]

_SCHEME = re.compile(r"^(?:bearer|basic|token|jwt|sess\w*)?[ _:]*$", re.IGNORECASE)
_CUTS = STRIPPERS | {"count"}
_LOOKS_AT = _CUTS | {"lower", "upper", "casefold", "startswith", "endswith", "len", "bool", "str"}
_TELLS = frozenset({"print", "debug", "info", "warning", "error", "exception", "critical"})
_CONNECTIONS = frozenset({"Request", "WebSocket", "HTTPConnection"})


def asks_for_presence(
    function: FunctionRef, refuses: Callable[[Stmt], bool], held: set[str]
) -> bool:
    """Whether each refusal of a function follows from the absence or shape of what is held.

    ``held`` are the names of a credential, or of something else that the client sends.
    """
    return bool(held) and not _refuses_otherwise(function.body, refuses, held, present=False)


def held_names(function: FunctionRef) -> set[str]:
    """Give the names of a credential, ``credentials`` for ``credentials.credentials`` too."""
    names = token_names(function)
    return names | {name.split(".", 1)[0] for name in names}


def _refuses_otherwise(
    body: Sequence[Stmt], refuses: Callable[[Stmt], bool], held: set[str], *, present: bool
) -> bool:
    """Whether a block refuses for another reason; ``present`` tells what it stands under."""
    for stmt in body:
        if refuses(stmt):
            if not present:
                return True
            continue
        here = after = present
        if stmt.kind == "if":
            here = after = _asks_for_shape(stmt.exprs[0], held)
        elif stmt.kind == "except":
            here = after = False
        if _refuses_otherwise(stmt.body, refuses, held, present=here):
            return True
        if _refuses_otherwise(stmt.orelse, refuses, held, present=after):
            return True
    return False


def _asks_for_shape(test: Expr, held: set[str]) -> bool:
    names = {name.split(".", 1)[0] for name in names_in(test)}
    return bool(names & (held | {"scheme"})) and _is_shape(test, held)


def _is_shape(value: Expr, held: set[str]) -> bool:
    """Whether a value can be worked out from how a credential looks, without what is valid."""
    if value.kind in {"const", "num"}:
        return True
    if value.kind == "str":
        return bool(_SCHEME.match(value.text))
    if value.kind == "name":
        return value.text.split(".", 1)[0] in held | {"scheme"}
    if value.kind == "sub" and value.base is not None:
        return _is_shape(value.base, held)
    if value.kind == "call":
        looked_at = receiver(value)
        given = value.parts if looked_at is None else (looked_at, *value.parts)
        return method(value) in _LOOKS_AT and all(
            _is_shape(part, held) or (part.kind == "str" and method(value) in _CUTS)
            for part in given
        )
    return value.kind in {"not", "bool", "cmp"} and all(
        _is_shape(part, held) for part in value.parts
    )


def hands_on(calls: Calls, function: FunctionRef) -> bool:
    """Whether a function gives a credential, or the whole request, to what may look into it."""
    held = held_names(function) | {
        param.name
        for param in function.params
        if param.annotation is not None and _CONNECTIONS & set(names_in(param.annotation))
    }
    return any(
        not _is_idle(call, target) and _takes(call.parts, held)
        for call, target in calls.callees(function)
    )


def _takes(given: Iterable[Expr], held: set[str]) -> bool:
    return any(name.split(".", 1)[0] in held for part in given for name in names_in(part))


def _is_idle(call: Expr, target: object) -> bool:
    """Whether a call looks at text, tells it, or is judged on its own as it knows a token."""
    if isinstance(target, FunctionRef) and token_names(target):
        return True
    return method(call) in _LOOKS_AT or method(call) in _TELLS
