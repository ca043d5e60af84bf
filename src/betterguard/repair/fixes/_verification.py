"""How a project verifies tokens by hand: what gives claims, to whom, and what comes of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from betterguard.audit.rules import _tokens as tokens
from betterguard.audit.symbols import FunctionRef
from betterguard.audit.visit import method, names_in, subexpressions
from betterguard.repair.fixes._passing import hands_on_token, is_named_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Import, Param


class Given(Enum):
    """What a function gives of a token: itself, who, in which type, or all that it says."""

    TOKEN = "the token"  # noqa: S105  # it names a kind of answer
    ID = "str"
    UUID = "UUID"
    INT = "int"
    CLAIMS = "claims"


@dataclass(frozen=True, slots=True)
class Source:
    """One call that gives something out of a token."""

    call: Expr
    given: Given


_TYPES = {
    "str": Given.ID,
    "UUID": Given.UUID,
    "int": Given.INT,
    "dict": Given.CLAIMS,
    "Dict": Given.CLAIMS,
    "Mapping": Given.CLAIMS,
}
_WRAPPERS = frozenset({"Annotated", "Optional"})
_REQUEST = frozenset(
    {
        "Request",
        "HTTPConnection",
        "Response",
        "HTTPAuthorizationCredentials",
        "BackgroundTasks",
    }
)
_SOURCES = frozenset({"Header", "Depends", "Security"})
_IDENTITY = frozenset({"sub", "id", "user_id", "userId", "uid"})
_OTHERS = {"cookies": "a cookie", "Cookie": "a cookie", "query_params": "a token in the address"}


def is_injected(code: Code, function: FunctionRef) -> bool:
    """Whether FastAPI calls a function, or is meant to: a handler, a dependency."""
    if any(_SOURCES.intersection(_last_names(param)) for param in function.params):
        return True
    if any(route.function.function is function.function for route in code.app.routes):
        return True
    return any(ref.function is function.function for ref in _injected(code))


def _injected(code: Code) -> Iterator[FunctionRef]:
    for route in code.app.routes:
        for dependency in route.dependencies:
            yield from code.calls.entry_points(dependency.target)
    for function in code.project.functions:
        for dependency in code.calls.dependencies(function):
            yield from code.calls.entry_points(dependency.target)


def callers(code: Code, function: FunctionRef) -> list[FunctionRef]:
    """Give the functions that call a function themselves."""
    return [
        ref
        for ref in code.project.functions
        if ref.function is not function.function
        and any(
            isinstance(target, FunctionRef) and target.function is function.function
            for _, target in code.calls.callees(ref)
        )
    ]


def is_handed_on(code: Code, function: FunctionRef) -> bool:
    """Whether a file imports it and calls it in no function: to offer it, or for nothing."""
    calling = {ref.file.path for ref in callers(code, function)}
    return any(
        isinstance(target, FunctionRef) and target.function is function.function
        for file in code.project.files.values()
        if file is not function.file and file.path not in calling
        for imported in file.facts.imports
        if imported.name in {function.name, "*"}
        for target in [code.project.resolve(file, _local(imported, function))]
    )


def _local(imported: Import, function: FunctionRef) -> str:
    return function.name if imported.name == "*" else imported.alias


def is_named_elsewhere(code: Code, function: FunctionRef) -> bool:
    """Whether something other than imports and calls in functions names it: a list, an alias."""
    called = {
        call.pos
        for ref in callers(code, function)
        for call in ref.calls
        if method(call) == function.name
    }
    for file in code.project.files.values():
        for expr in file.expressions:
            if (
                expr.kind in {"name", "call"}
                and expr.text.rsplit(".", 1)[-1] == function.name
                and expr.pos not in called
                and not function.function.pos <= expr.pos < function.function.end
                and _means(code, file, expr, function)
            ):
                return True
    return False


def _means(code: Code, file: object, expr: Expr, function: FunctionRef) -> bool:
    target = code.project.resolve(file, expr.text)  # type: ignore[arg-type]  # a file of the project
    return isinstance(target, FunctionRef) and target.function is function.function


def sources(code: Code, function: FunctionRef) -> Iterator[Source]:
    """Give the calls in a function by which it gets claims: decodings, and helpers that decode."""
    decoded = {id(decode.call) for decode in code.decodings.of(function)}
    for call, target in code.calls.callees(function):
        if id(call) in decoded:
            yield Source(call, Given.CLAIMS)
        elif isinstance(target, FunctionRef) and any(code.decodings.of(target)):
            given = given_by(code, target)
            if given in {Given.CLAIMS, Given.ID}:
                yield Source(call, given)


def given_by(code: Code, function: FunctionRef) -> Given | None:
    """Tell what a function gives back: by what it hands on, its annotation, or its users'."""
    if hands_on_token(code, function):
        return Given.TOKEN
    noted = _type(function.function.returns)
    if function.function.returns is not None:
        return noted
    return _returned(code, function) or _received(code, function)


def _type(note: Expr | None) -> Given | None:
    if note is None:
        return None
    if note.kind == "bin":
        return _type(note.parts[0])
    if note.kind == "sub" and note.base is not None:
        name = note.base.text.rsplit(".", 1)[-1]
        return _type(note.parts[0]) if name in _WRAPPERS and note.parts else _TYPES.get(name)
    return _TYPES.get(note.text.rsplit(".", 1)[-1])


def _returned(code: Code, function: FunctionRef) -> Given | None:
    payloads = tokens.payload_names(code, function)
    found: set[Given | None] = set()
    for stmt in function.statements:
        if stmt.kind == "return" and stmt.exprs and stmt.exprs[0].text != "None":
            found.add(_value(code, function, stmt.exprs[0], payloads))
    return found.pop() if len(found) == 1 else None


def _value(code: Code, function: FunctionRef, expr: Expr, payloads: set[str]) -> Given | None:
    if expr.kind == "name" and expr.text in payloads:
        return Given.CLAIMS
    if code.decodings.read(function.file, expr, function) is not None:
        return Given.CLAIMS
    bound = function.assigned.get(expr.text, ()) if expr.kind == "name" else ()
    for value in (expr, *bound):
        reads = value.kind == "sub" or (value.kind == "call" and method(value) == "get")
        if reads and any(name.split(".", 1)[0] in payloads for name in _read(value)):
            return Given.ID
        base = value.base if value.kind == "sub" else None
        if base is not None and code.decodings.read(function.file, base, function) is not None:
            return Given.ID
    return None


def _read(value: Expr) -> Iterator[str]:
    for part in subexpressions(value):
        yield from names_in(part)
        if part.kind == "call":
            yield part.text


def _received(code: Code, function: FunctionRef) -> Given | None:
    """Tell it by the annotations of the parameters that receive it, where they agree."""
    found: set[Given | None] = set()
    for ref in code.project.functions:
        for param in ref.params:
            for dependency in code.calls.param_dependencies(ref.file, param):
                entry = code.calls.entry_points(dependency.target)
                if any(one.function is function.function for one in entry):
                    found.add(_type(param.annotation))
    return found.pop() if len(found) == 1 else None


def decodes(code: Code, function: FunctionRef) -> bool:
    """Whether a function, or what it calls, decodes a token; else it may only pass it on."""
    return any(any(code.decodings.of(ref)) for ref in code.calls.reach(function))


def reads_identity(code: Code, function: FunctionRef) -> bool:
    """Whether a function, or what it calls, reads the claim that says who, and no other alone."""
    return any(
        expr.parts and expr.parts[0].kind == "str" and expr.parts[0].text in _IDENTITY
        for ref in code.calls.reach(function)
        for expr in ref.expressions
        if expr.kind == "sub" or (expr.kind == "call" and method(expr) == "get")
    )


def gives_only_token(code: Code, function: FunctionRef) -> bool:
    """Whether a function gives the token alone, never nothing, and asks nobody to check it."""
    given = [stmt.exprs for stmt in function.statements if stmt.kind == "return"]
    asked = code.calls.dependencies(function)
    return all(code.gates.of_dependency(one) in {"", "scheme"} for one in asked) and all(
        exprs and exprs[0].text != "None" and exprs[0].kind not in {"tuple", "list", "dict"}
        for exprs in given
    )


def is_plain(code: Code, function: FunctionRef) -> bool:
    """Whether a dependency does nothing but verify: no rows, no state, only the request's parts."""
    if function.function.decorators or not all(map(_is_part_of_request, function.params)):
        return False
    reached = code.calls.reach(function)
    if any(code.queries.of(ref) or code.queries.raw(ref) for ref in reached):
        return False
    return not any(
        stmt.kind == "assign" and any(".state." in target.text for target in stmt.exprs[:-1])
        for ref in reached
        for stmt in ref.statements
    )


def _is_part_of_request(param: Param) -> bool:
    return bool((_REQUEST | _SOURCES).intersection(_last_names(param)))


def _last_names(param: Param) -> list[str]:
    return [
        part.text.rsplit(".", 1)[-1]
        for expr in (param.annotation, param.default)
        if expr is not None
        for part in subexpressions(expr)
    ]


def other_credential(code: Code, function: FunctionRef) -> str:
    """Tell what besides the Authorization header a function takes for a credential."""
    for ref in code.calls.reach(function):
        for expr in (*ref.expressions, *(p.default for p in ref.params if p.default is not None)):
            for part in expr.text.split(".") if expr.kind in {"name", "call"} else ():
                if part in _OTHERS:
                    return _OTHERS[part]
    return "a token that the header does not carry" if _takes_sent_token(code, function) else ""


def _takes_sent_token(code: Code, function: FunctionRef) -> bool:
    """Whether the token that is read is a parameter of the address, or a field of the body."""
    sent = {
        param.name
        for param in function.params
        if not _is_part_of_request(param)
        and not any(code.calls.param_dependencies(function.file, param))
    }
    return any(
        value.kind == "name" and is_named_token(value.text) and value.text.split(".", 1)[0] in sent
        for source in sources(code, function)
        for part in source.call.parts
        for value in (part, *function.assigned.get(part.text, ()))
    )
