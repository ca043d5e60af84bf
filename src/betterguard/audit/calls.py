"""Which function a call runs, and all that a function runs in turn, dependencies included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from betterguard.audit.symbols import ClassRef, External, File, FunctionRef, Target, Value
from betterguard.audit.visit import argument, keyword, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.facts import Expr, Param
    from betterguard.audit.project import Project

MAX_REACH = 400
"""Functions followed from one start: far more than a request handler's own code."""
MAX_STEPS = 8
"""Calls followed below a start."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """One ``Depends(…)``: what it names, in which file, and the parameter that receives it."""

    file: File
    expr: Expr
    target: Target
    param: str = ""

    @property
    def name(self) -> str:
        """How it is called where it is asked for; empty when that is no name."""
        return self.expr.text or (self.expr.base.text if self.expr.base is not None else "")


class Calls:
    """Answers, with memory, what calls what."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._callees: dict[int, tuple[tuple[Expr, Target], ...]] = {}
        self._dependencies: dict[int, tuple[Dependency, ...]] = {}
        self._reach: dict[int, tuple[FunctionRef, ...]] = {}
        self._next: dict[int, tuple[FunctionRef, ...]] = {}
        self._by_class: dict[int, tuple[Dependency, ...]] = {}

    # one call

    def target(self, function: FunctionRef, call: Expr) -> Target:
        """Give what a call in a function's body runs."""
        if call.base is not None:
            return self._method_of(function, call.base, call.text.lstrip("."))
        return self.name(function, call.text)

    def _method_of(self, function: FunctionRef, base: Expr, name: str) -> Target:
        if base.kind == "call":
            made = self.target(function, base)
            klass = self.result(made)
            found = self.project.member(klass, name) if klass is not None else None
            if found is not None:
                return found
        return External(f".{name}")

    def result(self, target: Target) -> ClassRef | None:
        """Give the project's class of what a call gives back."""
        if isinstance(target, ClassRef):
            return target
        if isinstance(target, FunctionRef) and target.function.returns is not None:
            return self.project.annotated(target.file, target.function.returns)
        return None

    def name(self, function: FunctionRef, dotted: str) -> Target:
        """Give what a dotted name means inside a function."""
        head, _, rest = dotted.partition(".")
        if head in {"self", "cls"} and function.owner is not None and rest:
            return self._own_member(function.owner, rest)
        nested = self._nested(function, head)
        if nested is not None:
            return nested
        if rest:
            klass = self.local_class(function, head)
            found = self.project.member(klass, rest) if klass is not None else None
            if found is not None:
                return found
            if klass is not None:
                return External(dotted)
        elif dotted in function.assigned and (made := self._called_object(function, dotted)):
            return made
        return self.project.resolve(function.file, dotted)

    def _called_object(self, function: FunctionRef, name: str) -> FunctionRef | None:
        """``check = KeyCheck(); check(request)`` runs the object's ``__call__``."""
        klass = self.local_class(function, name)
        found = self.project.member(klass, "__call__") if klass is not None else None
        return found if isinstance(found, FunctionRef) else None

    def _nested(self, function: FunctionRef, name: str) -> FunctionRef | None:
        scope: FunctionRef | None = function
        while scope is not None:
            for stmt in scope.statements:
                if stmt.function is not None and stmt.function.name == name:
                    return FunctionRef(function.file, stmt.function, None, scope)
            scope = scope.outer
        return None

    def _own_member(self, owner: ClassRef, rest: str) -> Target:
        first, _, more = rest.partition(".")
        found = self.project.member(owner, first)
        if not more:
            return found if found is not None else External(f"self.{rest}")
        klass = self.project.instance(found) if isinstance(found, Value) else None
        klass = klass or self._attribute_class(owner, first)
        member = self.project.member(klass, more) if klass is not None else None
        return member if member is not None else External(f"self.{rest}")

    def _attribute_class(self, owner: ClassRef, name: str) -> ClassRef | None:
        for ancestor in self.project.ancestry(owner):
            init = ancestor.methods.get("__init__")
            for value in init.assigned.get(f"self.{name}", ()) if init is not None else ():
                if init is not None and (found := self._class_of(init, value)) is not None:
                    return found
        return None

    def local_class(self, function: FunctionRef, name: str) -> ClassRef | None:
        """Give the project's class of a local variable or a parameter."""
        for value in function.assigned.get(name, ()):
            if (found := self._class_of(function, value)) is not None:
                return found
        for param in function.params:
            if param.name == name:
                return self._param_class(function, param)
        return self.local_class(function.outer, name) if function.outer is not None else None

    def _param_class(self, function: FunctionRef, param: Param) -> ClassRef | None:
        for dependency in self.param_dependencies(function.file, param):
            if (found := self.result(dependency.target)) is not None:
                return found
        if param.annotation is not None:
            return self.project.annotated(function.file, param.annotation)
        return None

    def _class_of(self, function: FunctionRef, value: Expr) -> ClassRef | None:
        if value.kind == "call" and value.base is None:
            head, _, rest = value.text.partition(".")
            if head in {"self", "cls"} and function.owner is not None and "." not in rest:
                own = self.project.member(function.owner, rest)
                return self.result(own) if own is not None else None
            return self.result(self.project.resolve(function.file, value.text))
        if value.kind == "name":
            params = [param for param in function.params if param.name == value.text]
            return self._param_class(function, params[0]) if params else None
        return None

    # everything a function runs

    def callees(self, function: FunctionRef) -> tuple[tuple[Expr, Target], ...]:
        """Every call of a function with what it runs."""
        key = id(function.function)
        if key not in self._callees:
            self._callees[key] = tuple(
                (call, self.target(function, call)) for call in function.calls
            )
        return self._callees[key]

    def dependencies(self, function: FunctionRef) -> tuple[Dependency, ...]:
        """Give what FastAPI runs before a function: ``Depends`` in its parameters and its class."""
        key = id(function.function)
        if key not in self._dependencies:
            found = [
                d
                for param in function.params
                for d in self.param_dependencies(function.file, param)
            ]
            if function.owner is not None:
                found.extend(self._class_dependencies(function.owner))
            self._dependencies[key] = tuple(found)
        return self._dependencies[key]

    def _class_dependencies(self, owner: ClassRef) -> tuple[Dependency, ...]:
        key = id(owner)
        if key not in self._by_class:
            self._by_class[key] = tuple(self._find_class_dependencies(owner))
        return self._by_class[key]

    def _find_class_dependencies(self, owner: ClassRef) -> Iterator[Dependency]:
        for ancestor in self.project.ancestry(owner):
            for stmt in ancestor.klass.body:
                if stmt.kind in {"assign", "declare"}:
                    notes = (stmt.note,) if stmt.note is not None else ()
                    for expr in (*stmt.exprs[1:], *notes):
                        yield from self.depends(ancestor.file, expr, stmt.exprs[0].text, stmt.note)

    def param_dependencies(self, file: File, param: Param) -> Iterator[Dependency]:
        """``= Depends(f)``, ``Annotated[T, Depends(f)]``, or an alias of the latter."""
        for expr in (param.default, param.annotation):
            if expr is not None:
                yield from self.depends(file, expr, param.name, param.annotation)

    def depends(
        self, file: File, expr: Expr, param: str = "", note: Expr | None = None, hops: int = 0
    ) -> Iterator[Dependency]:
        """Every ``Depends(…)`` in an expression, through aliases of annotated types."""
        for part in subexpressions(expr):
            if part.kind == "call" and is_depends(part):
                wanted = argument(part, 0, "dependency") or note
                if wanted is not None:
                    yield Dependency(file, wanted, self._dependency_target(file, wanted), param)
            elif part.kind == "call":
                yield from self._made(file, part, param)
            elif part.kind == "name" and hops < MAX_STEPS:
                target = self.project.resolve(file, part.text)
                if isinstance(target, Value) and target.expr is not None and target.owner is None:
                    yield from self._aliased(target, param, hops)

    def listed(self, file: File, call: Expr) -> tuple[Dependency, ...]:
        """Every dependency in the argument ``dependencies=[Depends(…)]`` of a call."""
        given = keyword(call, "dependencies")
        return tuple(self.depends(file, given)) if given is not None else ()

    def _aliased(self, target: Value, param: str, hops: int) -> Iterator[Dependency]:
        expr = target.expr
        if expr is not None and (expr.kind == "sub" or is_depends(expr)):
            yield from self.depends(target.file, expr, param, None, hops + 1)
        elif expr is not None and expr.kind == "list":
            for part in expr.parts:
                yield from self.depends(target.file, part, param, None, hops + 1)

    def _made(self, file: File, call: Expr, param: str) -> Iterator[Dependency]:
        """Give what a factory that returns ``Depends(…)`` makes a parameter depend on."""
        factory = self.project.resolve(file, call.text) if call.base is None else None
        if not isinstance(factory, FunctionRef):
            return
        for stmt in factory.statements:
            if stmt.kind == "return" and stmt.exprs and is_depends(stmt.exprs[0]):
                wanted = argument(stmt.exprs[0], 0, "dependency")
                if wanted is not None and wanted.kind == "name":
                    yield Dependency(factory.file, call, self.name(factory, wanted.text), param)

    def _dependency_target(self, file: File, wanted: Expr) -> Target:
        if wanted.kind == "call" and wanted.base is None:
            made = self.project.resolve(file, wanted.text)
            klass = self.result(made) if isinstance(made, FunctionRef) else None
            called = self.project.member(klass, "__call__") if klass is not None else None
            return made if called is None or klass is None else klass
        if wanted.kind == "name":
            return self.project.resolve(file, wanted.text)
        return External("")

    def entry_points(self, target: Target) -> tuple[FunctionRef, ...]:
        """Give the functions that run when a target is called or injected."""
        if isinstance(target, FunctionRef):
            return (target,)
        if isinstance(target, Value):
            klass = self.project.instance(target)
            return self.entry_points(klass) if klass is not None else ()
        if isinstance(target, ClassRef):
            names = ("__init__", "__call__", "dispatch", "__new__")
            found = (self.project.member(target, name) for name in names)
            return tuple(ref for ref in found if isinstance(ref, FunctionRef))
        return ()

    def reach(self, start: FunctionRef) -> tuple[FunctionRef, ...]:
        """Give the function and all project functions that run because of it, nearest first."""
        key = id(start.function)
        if key not in self._reach:
            self._reach[key] = tuple(self._follow(start))
        return self._reach[key]

    def _follow(self, start: FunctionRef) -> Iterator[FunctionRef]:
        seen = {id(start.function)}
        level = [start]
        for _ in range(MAX_STEPS):
            following: list[FunctionRef] = []
            for function in level:
                yield function
                for ref in self.next(function):
                    if id(ref.function) not in seen and len(seen) < MAX_REACH:
                        seen.add(id(ref.function))
                        following.append(ref)
            level = following

    def next(self, function: FunctionRef) -> tuple[FunctionRef, ...]:
        """Give what a function runs directly, each once: dependencies first, then its calls."""
        key = id(function.function)
        if key not in self._next:
            found = {id(ref.function): ref for ref in self._find_next(function)}
            self._next[key] = tuple(found.values())
        return self._next[key]

    def _find_next(self, function: FunctionRef) -> Iterator[FunctionRef]:
        for dependency in self.dependencies(function):
            yield from self.entry_points(dependency.target)
        for stmt in function.statements:
            if stmt.function is not None:
                yield FunctionRef(function.file, stmt.function, None, function)
        for _, target in self.callees(function):
            yield from self.entry_points(target)


def is_depends(call: Expr) -> bool:
    """Whether a call is ``Depends(…)`` or ``Security(…)``."""
    return call.kind == "call" and call.text.rsplit(".", 1)[-1] in {"Depends", "Security"}
