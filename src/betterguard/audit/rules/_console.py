"""What several rules ask about output: which calls print or log, and what text they write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.symbols import Value
from betterguard.audit.visit import method, receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import File, FunctionRef

LEVELS = frozenset({"debug", "info", "warning", "warn", "error", "critical", "exception", "log"})
_CURES = frozenset({"betterguard.force_utf8", "betterguard.console.force_utf8"})
_LOGGERS = re.compile(r"(?:^|[._])(?:log|logger|logging|_log|_logger|LOG|LOGGER|structlog)$")

_UNASSIGNED = "\x81\x8d\x8f\x90\x9d"
"""Windows maps these to themselves."""
_OUTSIDE = re.compile(
    f"[^{re.escape(bytes(range(256)).decode('cp1252', errors='ignore') + _UNASSIGNED)}]"
)


def is_print(call: Expr) -> bool:
    """Whether a call writes to the standard output at once."""
    return call.base is None and call.text in {"print", "sys.stdout.write", "sys.stderr.write"}


def is_log(call: Expr) -> bool:
    """Whether a call goes through logging."""
    owner = receiver(call)
    return method(call) in LEVELS and owner is not None and bool(_LOGGERS.search(owner.text))


def outputs(function: FunctionRef) -> Iterator[Expr]:
    """Give the calls of a function that print or log."""
    for call in function.calls:
        if is_print(call) or is_log(call):
            yield call


def outside(call: Expr) -> str:
    """Give the first character of a call's literal text that cp1252 does not have: ``U+2713``."""
    for part in call.parts:
        for inner in _written(part):
            if inner.kind in {"str", "fstr"} and (found := _OUTSIDE.search(inner.text)):
                return f"U+{ord(found[0]):04X}"
    return ""


def _written(part: Expr) -> Iterator[Expr]:
    """Give what ends in the output as it stands: not what a call such as ``dumps`` makes of it."""
    stack = [part]
    while stack:
        top = stack.pop()
        yield top
        if top.kind == "call" and method(top) not in {"format", "join", "str"}:
            continue
        if top.kind in {"cmp", "sub"}:
            continue
        stack.extend(top.parts)
        if top.base is not None:
            stack.append(top.base)


def is_cured(code: Code) -> bool:
    """Whether the project makes its standard streams UTF-8 for all of it."""
    if any(_reconfigures(code, file) for file in code.files("stdout")):
        return True
    if not any(True for _ in code.files("betterguard")):
        return False
    return any(
        (call.text.endswith(".install") and _is_guard(code, file, call))
        or code.project.qualify(file, call.text) in _CURES
        for file in code.files("fastapi", "betterguard")
        for call in file.calls
        if call.base is None
    )


def _is_guard(code: Code, file: File, call: Expr) -> bool:
    target = code.project.resolve(file, call.text.rpartition(".")[0])
    if not isinstance(target, Value) or (made := target.expr) is None:
        return False
    return "BetterGuard" in code.project.qualify(target.file, made.text)


def _reconfigures(code: Code, file: File) -> bool:
    """``sys.stdout.reconfigure`` in a file with an app, in what it imports, or in a lone one."""
    found = any(
        call.kind == "call" and call.text in {"sys.stdout.reconfigure", "stream.reconfigure"}
        for call in file.expressions
    )
    return found and (len(code.project.files) == 1 or file.path in entry_files(code))


def entry_files(code: Code) -> set[str]:
    """Give the files with apps, and what they import at once."""
    held = {router.file.path for router in code.app.routers.values() if router.is_app}
    for path in list(held):
        file = code.project.files.get(path)
        for imported in file.facts.imports if file is not None else ():
            module = code.project.modules.find(file, imported.module) if file is not None else None
            if module is not None:
                held.add(module.path)
    return held


def request_code(code: Code) -> dict[str, list[tuple[int, int]]]:
    """Give the extents of the functions that run for a request or at start-up, by file."""
    found: dict[str, list[tuple[int, int]]] = {}
    for route in code.app.routes:
        for function in code.calls.reach(route.function):
            span = (function.function.pos, function.function.end)
            found.setdefault(function.file.path, []).append(span)
        for dependency in route.dependencies:
            for start in code.calls.entry_points(dependency.target):
                span = (start.function.pos, start.function.end)
                found.setdefault(start.file.path, []).append(span)
    for middleware in code.app.middleware:
        for function in code.calls.entry_points(middleware.target):
            span = (function.function.pos, function.function.end)
            found.setdefault(function.file.path, []).append(span)
    return found
