"""The index of a project: which name means which function, class, value or foreign library."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from betterguard.audit.modules import Modules
from betterguard.audit.symbols import ClassRef, External, File, FunctionRef, Value
from betterguard.audit.visit import fields, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from betterguard.audit.facts import Class, Expr, Function, Import, Module, Stmt
    from betterguard.audit.symbols import Target

MAX_HOPS = 12
"""Re-exports and aliases followed before a name is given up (cycles exist)."""
GUARD = "betterguard.BetterGuard"
"""Whose instances are known whatever a variable is called: their members are ``GUARD.member``."""


class Project:
    """All files of a project and what their names mean.

    ``prefix`` is the path of the audited folder in its repository.
    """

    def __init__(self, modules: Iterable[Module], prefix: str) -> None:
        self.files: dict[str, File] = {}
        self.functions: list[FunctionRef] = []
        self.classes: list[ClassRef] = []
        self._in_file: defaultdict[str, list[FunctionRef]] = defaultdict(list)
        self._members: dict[tuple[int, str], FunctionRef | Value | None] = {}
        self._ancestry: dict[int, tuple[ClassRef, ...]] = {}
        self._resolving = 0
        for module in modules:
            self._add(module)
        self.modules = Modules(self.files, prefix)

    # building

    def _add(self, module: Module) -> None:
        file = File(module)
        self.files[module.path] = file
        for imported in module.imports:
            if imported.name == "*":
                file.stars.append(imported)
            else:
                file.imports[imported.alias] = imported
        self._index(file, module.body, None, None)

    def _index(
        self, file: File, body: Iterable[Stmt], owner: ClassRef | None, outer: FunctionRef | None
    ) -> None:
        for stmt in body:
            if stmt.function is not None:
                self._index_function(file, stmt.function, owner, outer)
            elif stmt.klass is not None:
                self._index_class(file, stmt.klass, outer)
            elif stmt.kind in {"assign", "declare"} and owner is None and outer is None:
                _index_values(file, stmt)
            if stmt.body:
                self._index(file, stmt.body, owner, outer)
            if stmt.orelse:
                self._index(file, stmt.orelse, owner, outer)

    def _index_function(
        self, file: File, function: Function, owner: ClassRef | None, outer: FunctionRef | None
    ) -> None:
        ref = FunctionRef(file, function, owner, outer)
        self.functions.append(ref)
        self._in_file[file.path].append(ref)
        if owner is not None:
            owner.methods[function.name] = ref
        elif outer is None:
            file.functions[function.name] = ref
        self._index(file, function.body, None, ref)

    def _index_class(self, file: File, klass: Class, outer: FunctionRef | None) -> None:
        ref = ClassRef(file, klass)
        self.classes.append(ref)
        file.classes.setdefault(klass.name, ref)
        self._index(file, klass.body, ref, outer)

    def in_file(self, file: File) -> list[FunctionRef]:
        """Every function of a file, methods and nested ones included."""
        return self._in_file[file.path]

    # names

    def resolve(self, file: File, dotted: str) -> Target:
        """Give what a dotted name means in a file."""
        found = file.known.get(dotted)
        if found is None:
            file.known[dotted] = External(dotted)  # what a cycle finds
            self._resolving += 1
            found = file.known[dotted] = self._resolve(file, dotted, 0)
            self._resolving -= 1
        return found

    def _resolve(self, file: File, dotted: str, hops: int) -> Target:
        if hops > MAX_HOPS:
            return External(dotted)
        if dotted in file.imports and "." in dotted:
            return self._imported(file, file.imports[dotted], hops)
        head, _, rest = dotted.partition(".")
        found = self._symbol(file, head, hops)
        while rest and found is not None:
            head, _, rest = rest.partition(".")
            found = self._member(found, head, hops)
        return found if found is not None else External(dotted)

    def _symbol(self, file: File, name: str, hops: int) -> Target | None:
        if name in file.functions:
            return file.functions[name]
        if name in file.classes:
            return file.classes[name]
        if name in file.values:
            return self._value(Value(file, name, file.values[name]), hops)
        if name in file.imports:
            return self._imported(file, file.imports[name], hops)
        for star in file.stars:
            module = self.modules.find(file, star.module)
            if module is not None and module is not file and hops < MAX_HOPS:
                found = self._symbol(module, name, hops + 1)
                if found is not None:
                    return found
        return None

    def _value(self, value: Value, hops: int) -> Target:
        """Give a variable, or what it is a plain second name for."""
        expr = value.expr
        if expr is not None and expr.kind == "name" and hops < MAX_HOPS:
            target = self._resolve(value.file, expr.text, hops + 1)
            if not isinstance(target, External) or "." in expr.text:
                return target
        return value

    def _imported(self, file: File, imported: Import, hops: int) -> Target:
        module = self.modules.find(file, imported.module)
        if not imported.name:
            return module if module is not None else External(imported.module)
        if module is not None:
            found = self._symbol(module, imported.name, hops + 1) if hops < MAX_HOPS else None
            if found is not None and found is not module:
                return found
        glue = "" if imported.module.endswith(".") else "."
        below = self.modules.find(file, f"{imported.module}{glue}{imported.name}")
        if below is not None:
            return below
        return External(f"{imported.module.lstrip('.')}.{imported.name}".lstrip("."))

    def _member(self, target: Target, name: str, hops: int) -> Target | None:
        if isinstance(target, File):
            return self._symbol(target, name, hops + 1) or self._submodule(target, name)
        if isinstance(target, ClassRef):
            return self.member(target, name)
        if isinstance(target, Value):
            klass = self.instance(target)
            found = self.member(klass, name) if klass is not None else None
            owner = GUARD if self._is_guard(target) else target.name
            return found or External(f"{owner}.{name}")
        if isinstance(target, External):
            return External(f"{target.name}.{name}")
        return None

    def _submodule(self, package: File, name: str) -> File | None:
        folder, slash, _ = package.path.rpartition("/")
        return self.modules.at(f"{folder}{slash}{name}")

    # classes

    def instance(self, value: Value) -> ClassRef | None:
        """Give the project's class that a variable is an instance of, if its binding tells."""
        expr = value.expr
        if expr is None or expr.kind != "call" or expr.base is not None:
            note = value.stmts[-1].note
            return self.annotated(value.file, note) if note is not None else None
        target = self.resolve(value.file, expr.text)
        if isinstance(target, FunctionRef) and target.function.returns is not None:
            return self.annotated(target.file, target.function.returns)
        return target if isinstance(target, ClassRef) else None

    def _is_guard(self, value: Value) -> bool:
        """Whether a variable holds what protects an application with betterguard."""
        expr = value.expr
        if expr is None or expr.kind != "call" or expr.base is not None:
            return False
        return self.qualify(value.file, expr.text) in {GUARD, f"{GUARD}.from_env"}

    def binding(self, file: File, name: Expr, function: FunctionRef | None) -> Expr | None:
        """Give what a plain name is bound to, locally or at a module's top level."""
        if function is not None and (bound := function.assigned.get(name.text)):
            return bound[-1]
        target = self.resolve(file, name.text)
        return target.expr if isinstance(target, Value) else None

    def annotated(self, file: File, note: Expr) -> ClassRef | None:
        """Give the project's class that an annotation names, also in quotes or with None."""
        for part in subexpressions(note):
            if part.kind in {"name", "str"}:
                target = self.resolve(file, part.text)
                if isinstance(target, ClassRef):
                    return target
        return None

    def member(self, klass: ClassRef, name: str) -> FunctionRef | Value | None:
        """Give a method or a class variable, looked up through the bases."""
        key = (id(klass), name)
        if key not in self._members:
            self._members[key] = self._find_member(klass, name)
        return self._members[key]

    def _find_member(self, klass: ClassRef, name: str) -> FunctionRef | Value | None:
        for ancestor in self.ancestry(klass):
            if name in ancestor.methods:
                return ancestor.methods[name]
            stmts = [stmt for stmt in fields(ancestor.klass) if stmt.exprs[0].text == name]
            if stmts:
                return Value(ancestor.file, name, stmts, ancestor)
        return None

    def ancestry(self, klass: ClassRef) -> Iterable[ClassRef]:
        """Give the class and its bases within the project, nearest first."""
        if self._resolving:  # what a base means may not be known yet: nothing to remember
            return self._descent(klass, frozenset())
        found = self._ancestry.get(id(klass))
        if found is None:
            found = self._ancestry[id(klass)] = tuple(self._descent(klass, frozenset()))
        return found

    def _descent(self, klass: ClassRef, seen: frozenset[int]) -> Iterator[ClassRef]:
        if id(klass) in seen:
            return
        yield klass
        for base in klass.klass.bases:
            target = self.resolve(klass.file, _class_name(base))
            if isinstance(target, ClassRef):
                yield from self._descent(target, seen | {id(klass)})

    def foreign_bases(self, klass: ClassRef) -> set[str]:
        """Full names of the library classes that a class descends from."""
        return {
            self.qualify(ancestor.file, _class_name(base))
            for ancestor in self.ancestry(klass)
            for base in ancestor.klass.bases
        }

    def qualify(self, file: File, dotted: str) -> str:
        """Give a library's name in full: ``datetime.datetime.utcnow``.

        A name of the project itself comes back as ``path:name``, so that it equals no library's.
        """
        target = self.resolve(file, dotted)
        if isinstance(target, External):
            return target.name
        if isinstance(target, File):
            return f"{target.path}:"
        return f"{target.file.path}:{target.name}"


def _index_values(file: File, stmt: Stmt) -> None:
    """Add the names that a statement at a file's top level binds or declares."""
    for target in stmt.exprs[:-1] if stmt.kind == "assign" else stmt.exprs:
        for part in target.parts or (target,):
            file.values.setdefault(part.text, []).append(stmt)


def _class_name(base: Expr) -> str:
    """Give the name of a base, ``Generic`` for ``Generic[T]``."""
    return base.base.text if base.kind == "sub" and base.base is not None else base.text
