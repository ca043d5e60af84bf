"""A dependency in an annotation that FastAPI cannot look up, because its name is local."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.calls import is_depends
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Rule, Snippet
from betterguard.audit.visit import names_in, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import File, FunctionRef


def check(code: Code) -> Iterator[Hit]:
    """Routes inside of functions whose annotations name what only that function knows."""
    for route in code.app.routes:
        if route.function.outer is None or not _are_texts(route.file):
            continue
        for param in route.function.params:
            note = param.annotation
            if note is None or not _injects(route.function, note):
                continue
            hidden = [name for name in names_in(note) if _is_local(route.function, name)]
            if hidden:
                yield Hit(
                    route.file.path,
                    note.pos,
                    f"{param.name} of {'/'.join(route.methods)} {route.path} is no dependency: "
                    f"{hidden[0].split('.', 1)[0]} is local to "
                    f"{route.function.outer.name}, and annotations are texts here",
                    evidence=("it becomes a query parameter: 422 without it, 500 with it",),
                )


def _are_texts(file: File) -> bool:
    """Whether ``from __future__ import annotations`` makes texts of all annotations."""
    return any(
        imported.module == "__future__" and imported.name == "annotations"
        for imported in file.facts.imports
    )


def _injects(function: FunctionRef, note: Expr) -> bool:
    """Whether an annotation holds a ``Depends``, or a local name that is bound to one."""
    outer = function.outer
    while outer is not None:
        for name in names_in(note):
            if any(_has_depends(value) for value in outer.assigned.get(name, ())):
                return True
        outer = outer.outer
    return _has_depends(note)


def _has_depends(expr: Expr) -> bool:
    return any(part.kind == "call" and is_depends(part) for part in subexpressions(expr))


def _is_local(function: FunctionRef, dotted: str) -> bool:
    """Whether a name is bound in an enclosing function and nowhere at the top of the file."""
    name = dotted.split(".", 1)[0]
    file, outer = function.file, function.outer
    if name in file.functions or name in file.values or _imports(file, name, None):
        return False
    while outer is not None:
        if (
            name in outer.assigned
            or any(param.name == name for param in outer.params)
            or any(s.function is not None and s.function.name == name for s in outer.statements)
            or any(s.klass is not None and s.klass.name == name for s in outer.statements)
            or _imports(file, name, outer)
        ):
            return True
        outer = outer.outer
    return False


def _imports(file: File, name: str, within: FunctionRef | None) -> bool:
    """Whether a name is imported inside of a function, or without one outside of all."""
    for imported in file.facts.imports:
        if imported.alias == name:
            if within is not None:
                if within.function.pos <= imported.pos < within.function.end:
                    return True
            elif not any(
                stmt.function is not None and stmt.function.pos <= imported.pos < stmt.function.end
                for stmt in file.facts.body
            ):
                return True
    return False


_TOP = """
from typing import Annotated
from betterguard import BetterGuard, User
from fastapi import Depends, FastAPI
"""
_MAKE = """
def create_app() -> FastAPI:
    guard = BetterGuard.from_env()
    app = FastAPI()
"""

RULE = Rule(
    id="BG606",
    name="local-dependency",
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    cwe=704,
    message="An annotation names a dependency that is local to a function.",
    why=(
        "With `from __future__ import annotations` FastAPI reads annotations as texts and looks "
        "their names up at the top of the module. `Annotated[User, Depends(guard.user)]` with a "
        "`guard` that is local to a function is not found there, so the parameter is taken for a "
        "query parameter and the route never works. Put the guard at the top of a module, or "
        "write the dependency as the default: `user: User = Depends(guard.user)`."
    ),
    check=check,
    valid=(
        Snippet.of(
            "from __future__ import annotations"
            + _TOP
            + "guard = BetterGuard.from_env()\n"
            + """
def create_app() -> FastAPI:
    app = FastAPI()
    @app.get("/me")
    async def me(user: Annotated[User, Depends(guard.user)]): return user.id
    return app
"""
        ),
        Snippet.of(
            _TOP
            + _MAKE
            + """
    @app.get("/me")
    async def me(user: Annotated[User, Depends(guard.user)]): return user.id
    return app
"""
        ),
        Snippet.of(
            "from __future__ import annotations"
            + _TOP
            + _MAKE
            + """
    @app.get("/me")
    async def me(user: User = Depends(guard.user)): return user.id
    return app
"""
        ),
    ),
    invalid=(
        Snippet.of(
            "from __future__ import annotations"
            + _TOP
            + _MAKE
            + """
    @app.get("/me")
    async def me(user: Annotated[User, Depends(guard.user)]): return user.id
    return app
"""
        ),
        Snippet.of(
            "from __future__ import annotations"
            + _TOP
            + _MAKE
            + """
    CurrentUser = Annotated[User, Depends(guard.user)]
    @app.get("/me")
    async def me(user: CurrentUser): return user.id
    return app
"""
        ),
    ),
)
