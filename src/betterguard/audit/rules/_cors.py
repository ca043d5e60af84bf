"""What the CORS rules ask: the CORS middleware of each app, and where its origins come from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from betterguard.audit.symbols import FunctionRef, Value
from betterguard.audit.visit import keyword, method, positional, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.application import Middleware
    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import File

SPLITS = frozenset({"split", "loads", "list", "parse_cors", "splitlines", "json"})
MAX_STEPS = 5
ENVIRONMENT = re.compile(r"(?:^|\.)(?:getenv|environ\.get|environ)$")


@dataclass(frozen=True, slots=True)
class Part:
    """One expression that a list of origins is made of, with the file that it stands in."""

    file: File
    expr: Expr


def middleware(code: Code) -> Iterator[Middleware]:
    """Every CORS middleware that is added to an app."""
    for added in code.app.middleware:
        if added.name.rsplit(".", 1)[-1] == "CORSMiddleware" and added.call is not None:
            yield added


def option(added: Middleware, name: str) -> Expr | None:
    """Give an option of the middleware."""
    return keyword(added.call, name) if added.call is not None else None


def origins(code: Code, added: Middleware) -> list[Part]:
    """Everything that ``allow_origins`` is made of, through variables, settings and defaults."""
    given = option(added, "allow_origins")
    return list(parts(code, added.file, given, added)) if given is not None else []


def parts(
    code: Code, file: File, expr: Expr, added: Middleware | None = None, depth: int = 0
) -> Iterator[Part]:
    """Give the expression's parts, and those of the names in it."""
    for part in subexpressions(expr):
        yield Part(file, part)
        names = []
        if part.kind == "name":
            names = [part.text]
        elif part.kind == "call" and "." in part.text and part.base is None:
            names = [part.text.rpartition(".")[0], part.text]
        if depth < MAX_STEPS:
            for name in names:
                yield from _named(code, file, name, added, depth)


def _named(
    code: Code, file: File, name: str, added: Middleware | None, depth: int
) -> Iterator[Part]:
    for value in _local(code, file, name, added):
        yield from parts(code, file, value, added, depth + 1)
    target = code.project.resolve(file, name)
    if isinstance(target, Value):
        for stmt in target.stmts:
            if stmt.kind == "assign":
                yield from parts(code, target.file, stmt.exprs[-1], None, depth + 1)
        if target.owner is None and target.stmts and target.stmts[0].note is not None:
            return
    elif isinstance(target, FunctionRef):
        for stmt in target.statements:
            if stmt.kind == "return" and stmt.exprs:
                yield from parts(code, target.file, stmt.exprs[0], None, depth + 1)


def _local(code: Code, file: File, name: str, added: Middleware | None) -> Iterator[Expr]:
    if added is None or added.call is None:
        return
    for function in code.project.in_file(file):
        if function.function.pos <= added.call.pos < function.function.end:
            yield from function.assigned.get(name, ())


def literals(found: list[Part]) -> list[Part]:
    """Give the texts that are origins themselves: literals of lists, defaults of variables."""
    keys = {
        id(part.expr.parts[0])
        for part in found
        if part.expr.kind == "call"
        and part.expr.parts
        and (ENVIRONMENT.search(part.expr.text) or method(part.expr) in {"split", "strip", "get"})
    }
    return [p for p in found if p.expr.kind == "str" and id(p.expr) not in keys]


def is_split(found: list[Part]) -> bool:
    """Whether some step on the way makes a list out of text."""
    return any(
        (p.expr.kind == "call" and method(p.expr) in SPLITS) or p.expr.kind == "comp" for p in found
    )


def environment_reads(found: list[Part]) -> list[Part]:
    """Give the calls that read a variable of the environment on the way."""
    return [
        part
        for part in found
        if part.expr.kind == "call"
        and ENVIRONMENT.search(part.expr.text)
        and positional(part.expr)
        and positional(part.expr)[0].kind == "str"
    ]
