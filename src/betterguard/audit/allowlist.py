"""The paths that a middleware lets pass, as far as its code and its arguments name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.symbols import Value
from betterguard.audit.visit import method, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from betterguard.audit.application import Middleware
    from betterguard.audit.calls import Calls
    from betterguard.audit.facts import Expr
    from betterguard.audit.project import Project
    from betterguard.audit.symbols import ClassRef, FunctionRef, Target

Allowed = tuple[str, bool]
"""A path, and whether all that begins with it is let pass too."""


class AllowLists:
    """Finds, with memory, what middleware lets pass."""

    def __init__(self, project: Project, calls: Calls) -> None:
        self.project = project
        self.calls = calls
        self._of: dict[int, tuple[Allowed, ...]] = {}

    def of(self, middleware: Middleware) -> tuple[Allowed, ...]:
        """Give the paths that a middleware lets pass."""
        key = id(middleware)
        if key not in self._of:
            self._of[key] = tuple(dict.fromkeys(self._find(middleware)))
        return self._of[key]

    def passes(self, middleware: Middleware, path: str) -> bool:
        """Whether a middleware lets a path pass."""
        return any(
            path == allowed or (prefix and allowed != "/" and path.startswith(allowed))
            for allowed, prefix in self.of(middleware)
        )

    def _find(self, middleware: Middleware) -> Iterator[Allowed]:
        for function in self.calls.entry_points(middleware.target):
            yield from self._named(function)
        if middleware.call is not None:
            yield from ((path, True) for path in _paths(middleware.call.parts))

    def _named(self, function: FunctionRef) -> Iterator[Allowed]:
        prefix = any(method(call) == "startswith" for call in function.calls)
        exact = set(self._compared(function)) - set(self._begun(function))
        for path in self._paths(function, function.expressions):
            yield path, prefix and path not in exact

    def _compared(self, function: FunctionRef) -> Iterator[str]:
        """``path in {"/health"}``: these are let pass as they stand."""
        compared = [part for part in function.expressions if part.kind == "cmp"]
        return self._paths(function, (side for part in compared for side in part.parts))

    def _begun(self, function: FunctionRef) -> Iterator[str]:
        """``path.startswith("/docs")``, also for each of a collection."""
        calls = [call for call in function.calls if method(call) == "startswith"]
        looped = [part for part in function.expressions if part.kind == "comp"]
        loops = [stmt.exprs[1] for stmt in function.statements if stmt.kind == "for"]
        given = [*(part for call in calls for part in call.parts), *loops]
        given.extend(inner for part in looped for inner in subexpressions(part)[1:])
        return self._paths(function, given)

    def _paths(self, function: FunctionRef, exprs: Iterable[Expr]) -> Iterator[str]:
        """Give the paths that expressions hold, themselves or by the names of constants."""
        for expr in exprs:
            yield from _paths((expr,))
            if expr.kind == "name":
                yield from _paths(self._constants(function, expr.text))

    def _constants(self, function: FunctionRef, name: str) -> list[Expr]:
        """Give what a constant is bound to: a module's, a class's, or one of ``__init__``."""
        if name.startswith(("self.", "cls.")) and function.owner is not None:
            return self._attribute(function.owner, name)
        return _bound(self.project.resolve(function.file, name))

    def _attribute(self, owner: ClassRef, name: str) -> list[Expr]:
        if bound := _bound(self.project.member(owner, name.split(".", 1)[1])):
            return bound
        init = owner.methods.get("__init__")
        return init.assigned.get(name, []) if init is not None else []


def _bound(target: Target | None) -> list[Expr]:
    return [target.expr] if isinstance(target, Value) and target.expr is not None else []


def _paths(exprs: Iterable[Expr]) -> Iterator[str]:
    for expr in exprs:
        for part in subexpressions(expr):
            if part.kind == "str" and part.text.startswith("/"):
                yield part.text
