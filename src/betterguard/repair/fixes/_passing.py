"""Whether a function hands on the token itself: a part of the header, not what it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit import credentials
from betterguard.audit.dataflow import holds
from betterguard.audit.symbols import FunctionRef
from betterguard.audit.visit import method, receiver, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Param

_TEXT = re.compile(
    r"(?:de|en)code|(?:case)?fold|lower|upper|replace|r?partition|r?split|remove\w+|[lr]?strip"
)
"""Methods that give a text, or its parts."""
_WHOLE = frozenset({"str", "bytes", "SecretStr", "get_authorization_scheme_param"})
"""Calls that give what they were given, or its parts."""
_CREDENTIALS = "HTTPAuthorizationCredentials"
_NAMED = re.compile(r"(?:^|_)(?:token|jwt|bearer)$", re.IGNORECASE)
_MAX_DEPTH = 4
"""Helpers that call helpers; deeper ones count as unknown."""


def hands_on_token(code: Code, function: FunctionRef) -> bool:
    """Whether something that a function gives back is cut out of the request, still encoded."""
    return any(_Raw(code, function).reaches(value) for value in returned(function))


def is_named_token(name: str) -> bool:
    """Whether a name, or the attribute that it ends in, says that it holds a token."""
    return bool(_NAMED.search(name.rsplit(".", 1)[-1]))


def returned(function: FunctionRef) -> Iterator[Expr]:
    """Give the values that a function gives back, ``None`` left out."""
    for stmt in function.statements:
        if stmt.kind == "return" and stmt.exprs and stmt.exprs[0].text != "None":
            yield stmt.exprs[0]


class _Raw:
    """The names of one function that hold a token, or the header that it stands in."""

    def __init__(
        self, code: Code, function: FunctionRef, given: frozenset[str] = frozenset(), depth: int = 0
    ) -> None:
        self.code, self.function, self.depth = code, function, depth
        self.targets = {call.pos: target for call, target in code.calls.callees(function)}
        self.names = set(given or _received(code, function))
        size = -1
        while size != len(self.names):
            size = len(self.names)
            for name, values in function.assigned.items():
                if any(self.reaches(value) for value in values):
                    self.names.add(name)

    def reaches(self, expr: Expr) -> bool:
        """Whether an expression gives a token or a part of the header, and nothing out of it."""
        if expr.kind in {"name", "attr"}:
            return holds(self.names, expr.text)
        if expr.kind == "call":
            return self._call(expr)
        if expr.kind == "sub":
            return expr.base is not None and self.reaches(expr.base)
        if expr.kind == "if":
            return any(self.reaches(part) for part in (expr.parts[0], expr.parts[-1]))
        return expr.kind in {"bool", "tuple", "list", "dict", "star", "walrus"} and any(
            self.reaches(part) for part in expr.parts
        )

    def _call(self, call: Expr) -> bool:
        if self.code.decodings.read(self.function.file, call, self.function) is not None:
            return False
        owner = receiver(call)
        if owner is not None and _TEXT.fullmatch(method(call)):
            return self.reaches(owner)
        given = [index for index, part in enumerate(call.parts) if self.reaches(part)]
        if not given:
            return False
        target = self.targets.get(call.pos)
        if isinstance(target, FunctionRef):
            return self.depth < _MAX_DEPTH and self._helper(call, target, given)
        return method(call) in _WHOLE

    def _helper(self, call: Expr, target: FunctionRef, given: list[int]) -> bool:
        offset = len(call.parts) - len(call.names)
        params = [param.name for param in target.params if param.name not in {"self", "cls"}]
        names = frozenset(
            call.names[index - offset] if index >= offset else params[index]
            for index in given
            if index >= offset or index < len(params)
        )
        inner = _Raw(self.code, target, names or frozenset({""}), self.depth + 1)
        return any(inner.reaches(value) for value in returned(target))


def _received(code: Code, function: FunctionRef) -> set[str]:
    """Names by which a function receives a token: the header, credentials, a text named so."""
    return credentials.header_names(function) | {
        param.name for param in function.params if _is_token(code, function, param)
    }


def _is_token(code: Code, function: FunctionRef, param: Param) -> bool:
    note = param.annotation
    if note is not None and any(part.text.endswith(_CREDENTIALS) for part in subexpressions(note)):
        return True
    asked = code.calls.param_dependencies(function.file, param)
    return is_named_token(param.name) or any(code.gates.of_dependency(d) == "scheme" for d in asked)
