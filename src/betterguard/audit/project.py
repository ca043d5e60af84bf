"""The index of a project: which name means which function, class, value or foreign library."""

from __future__ import annotations

import bisect
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

from betterguard.audit.visit import expressions, methods, statements, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from betterguard.audit.environment import Environment
    from betterguard.audit.facts import Class, Expr, Function, Import, Module, Param, Stmt

Record = TypeVar("Record", "Stmt", "Expr")

MAX_HOPS = 12
"""Re-exports and aliases followed before a name is given up (cycles exist)."""
GUARD = "betterguard.BetterGuard"
"""Whose instances are known whatever a variable is called: their members are ``GUARD.member``."""

LIBRARIES = frozenset(
    [
        "fastapi",
        "starlette",
        "sqlmodel",
        "sqlalchemy",
        "jwt",
        "jose",
        "authlib",
        "pydantic",
        "pydantic_settings",
        "httpx",
        "os",
        "sys",
        "logging",
        "datetime",
        "time",
        "json",
        "uuid",
        "betterguard",
        "typing",
        "hashlib",
        "secrets",
        "hmac",
        "passlib",
        "bcrypt",
        "requests",
        "redis",
        "asyncio",
        "dotenv",
        "re",
        "io",
        "base64",
        "agents",
        "openai",
        "mcp",
        "dapr",
        "types",
    ]
)
"""Names that mean the library although a project holds a file of that name elsewhere."""


@dataclass(eq=False, slots=True)
class File:
    """One module of the project with its symbol table."""

    facts: Module
    functions: dict[str, FunctionRef] = field(default_factory=dict)
    classes: dict[str, ClassRef] = field(default_factory=dict)
    values: dict[str, list[Stmt]] = field(default_factory=dict)
    imports: dict[str, Import] = field(default_factory=dict)
    stars: list[Import] = field(default_factory=list)
    known: dict[str, Target] = field(default_factory=dict)
    _flat: Flat | None = None

    @property
    def path(self) -> str:
        """Its path from the root."""
        return self.facts.path

    @property
    def flat(self) -> Flat:
        """Everything in the file, in the order in which it stands there."""
        if self._flat is None:
            self._flat = Flat(self.facts.body)
        return self._flat

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """Every expression of the file, in order."""
        return self.flat.expressions.items

    @property
    def calls(self) -> tuple[Expr, ...]:
        """Every call of the file, in order."""
        return self.flat.calls.items

    @property
    def methods(self) -> frozenset[str]:
        """What the file calls, each by its last part."""
        return self.flat.methods


class Ordered(Generic[Record]):
    """Records by where they stand, so that those of one function are a slice."""

    def __init__(self, items: Iterable[Record]) -> None:
        self.items: tuple[Record, ...] = tuple(items)
        self._starts: list[int] = [item.pos for item in self.items]

    def between(self, start: int, end: int) -> tuple[Record, ...]:
        """Give the records that begin in a stretch of the text."""
        first = bisect.bisect_left(self._starts, start)
        return self.items[first : bisect.bisect_left(self._starts, end, first)]


class Flat:
    """A file's statements, expressions and calls as flat lists, made once."""

    def __init__(self, body: tuple[Stmt, ...]) -> None:
        self.statements = Ordered(statements(body))
        self.expressions = Ordered(expressions(self.statements.items))
        self.calls = Ordered([expr for expr in self.expressions.items if expr.kind == "call"])
        self.methods = methods(self.calls.items)

    @cached_property
    def texts(self) -> Ordered[Expr]:
        """Its literals of text."""
        return Ordered([expr for expr in self.expressions.items if expr.kind in {"str", "fstr"}])


@dataclass(eq=False)
class ClassRef:
    """A class and the file that it stands in."""

    file: File
    klass: Class
    methods: dict[str, FunctionRef] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name."""
        return self.klass.name


@dataclass(eq=False)
class FunctionRef:
    """A function and where it stands; ``outer`` is the function that it is nested in."""

    file: File
    function: Function
    owner: ClassRef | None = None
    outer: FunctionRef | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.function.name

    @property
    def body(self) -> tuple[Stmt, ...]:
        """Its statements, not those of nested blocks."""
        return self.function.body

    @cached_property
    def statements(self) -> tuple[Stmt, ...]:
        """All statements, those of nested functions included."""
        return self._span(self.file.flat.statements)

    @cached_property
    def expressions(self) -> tuple[Expr, ...]:
        """All expressions, those of nested functions included."""
        return self._span(self.file.flat.expressions)

    @cached_property
    def calls(self) -> tuple[Expr, ...]:
        """All calls, those of nested functions included."""
        return self._span(self.file.flat.calls)

    def holders(self, pos: int) -> set[str]:
        """Give the local names whose value is, or is made of, what stands at a position."""
        return {
            name
            for name, values in self.assigned.items()
            for value in values
            if value.pos <= pos < value.end
        }

    @cached_property
    def methods(self) -> frozenset[str]:
        """What it calls, each by its last part: lets a question pass over most functions."""
        return methods(self.calls)

    @cached_property
    def texts(self) -> tuple[Expr, ...]:
        """All literals of text, those of nested functions included."""
        return self._span(self.file.flat.texts)

    @cached_property
    def names(self) -> frozenset[str]:
        """Every dotted name that its body reads or calls."""
        return frozenset(
            [
                expr.text
                for expr in self.expressions
                if expr.kind == "name" or (expr.kind == "call" and expr.text[0] not in ".(")
            ]
        )

    def _span(self, flat: Ordered[Record]) -> tuple[Record, ...]:
        body = self.function.body
        return flat.between(body[0].pos, self.function.end) if body else ()

    @cached_property
    def assigned(self) -> Mapping[str, list[Expr]]:
        """For each local name, the expressions that it is bound to, in order."""
        return bindings(self.statements, self.expressions)

    @property
    def params(self) -> tuple[Param, ...]:
        """Its parameters."""
        return self.function.params


def bindings(body: Iterable[Stmt], within: Iterable[Expr]) -> Mapping[str, list[Expr]]:
    """For each name, the expressions that are bound to it: by ``=``, ``for``, ``with``, ``:=``."""
    found: defaultdict[str, list[Expr]] = defaultdict(list)
    for stmt in body:
        if stmt.kind == "assign":
            value = stmt.exprs[-1]
            for target in stmt.exprs[:-1]:
                for part in target.parts or (target,):
                    if part.kind == "name":
                        found[part.text].append(value)
        elif stmt.kind == "for" and len(stmt.exprs) > 1:
            for part in stmt.exprs[0].parts or (stmt.exprs[0],):
                found[part.text].append(stmt.exprs[1])
    for expr in within:
        if expr.kind == "walrus" and expr.parts:
            found[expr.text].append(expr.parts[0])
    return found


@dataclass(eq=False, slots=True)
class Value:
    """A module's or class's variable: the statements that bind it."""

    file: File
    name: str
    stmts: list[Stmt]
    owner: ClassRef | None = None

    @property
    def expr(self) -> Expr | None:
        """What it is bound to last; None for a bare annotation."""
        bound = [stmt for stmt in self.stmts if stmt.kind == "assign"]
        return bound[-1].exprs[-1] if bound else None


@dataclass(frozen=True, slots=True)
class External:
    """A name of a library: ``datetime.datetime.utcnow``."""

    name: str


Target = FunctionRef | ClassRef | Value | File | External


class Project:
    """All files of a project and what their names mean."""

    def __init__(self, modules: Iterable[Module], environment: Environment) -> None:
        self.environment = environment
        self.files: dict[str, File] = {}
        self.functions: list[FunctionRef] = []
        self.classes: list[ClassRef] = []
        self._by_tail: defaultdict[str, list[tuple[tuple[str, ...], File]]] = defaultdict(list)
        self._by_pair: defaultdict[tuple[str, ...], list[tuple[tuple[str, ...], File]]] = (
            defaultdict(list)
        )
        self._in_file: defaultdict[str, list[FunctionRef]] = defaultdict(list)
        self._outer = tuple(environment.prefix.split("/"))
        self._modules: dict[tuple[str, str], File | None] = {}
        self._members: dict[tuple[int, str], FunctionRef | Value | None] = {}
        self._ancestry: dict[int, tuple[ClassRef, ...]] = {}
        self._resolving = 0
        for module in modules:
            self._add(module)

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
        parts = module.path.removesuffix(".py").split("/")
        if parts[-1] == "__init__":
            parts.pop()
        if parts:
            path = tuple(parts)
            self._by_tail[parts[-1]].append((path, file))
            self._by_pair[path[-2:]].append((path, file))

    def _index(
        self, file: File, body: Iterable[Stmt], owner: ClassRef | None, outer: FunctionRef | None
    ) -> None:
        for stmt in body:
            if stmt.function is not None:
                self._index_function(file, stmt.function, owner, outer)
            elif stmt.klass is not None:
                self._index_class(file, stmt.klass, outer)
            elif stmt.kind in {"assign", "declare"} and owner is None and outer is None:
                for target in stmt.exprs[:-1] if stmt.kind == "assign" else stmt.exprs:
                    for part in target.parts or (target,):
                        file.values.setdefault(part.text, []).append(stmt)
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
            module = self.module(file, star.module)
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
        module = self.module(file, imported.module)
        if not imported.name:
            return module if module is not None else External(imported.module)
        if module is not None:
            found = self._symbol(module, imported.name, hops + 1) if hops < MAX_HOPS else None
            if found is not None and found is not module:
                return found
        glue = "" if imported.module.endswith(".") else "."
        below = self.module(file, f"{imported.module}{glue}{imported.name}")
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
        folder = package.path.rpartition("/")[0]
        prefix = f"{folder}/" if folder else ""
        return self.files.get(f"{prefix}{name}.py") or self.files.get(f"{prefix}{name}/__init__.py")

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
            name = base.base.text if base.kind == "sub" and base.base is not None else base.text
            target = self.resolve(klass.file, name)
            if isinstance(target, ClassRef):
                yield from self._descent(target, seen | {id(klass)})

    def foreign_bases(self, klass: ClassRef) -> set[str]:
        """Full names of the library classes that a class descends from."""
        found: set[str] = set()
        for ancestor in self.ancestry(klass):
            for base in ancestor.klass.bases:
                name = base.base.text if base.kind == "sub" and base.base is not None else base.text
                found.add(self.qualify(ancestor.file, name))
        return found

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

    def module(self, file: File, dotted: str) -> File | None:
        """Give the project's file that an import names, nearest to the importing file."""
        tail = dotted.rpartition(".")[2]
        if tail and tail not in self._by_tail:
            return None
        folder = file.path.rpartition("/")[0]
        key = (folder or file.path, dotted)  # a file in the root does not import itself
        if key not in self._modules:
            self._modules[key] = (
                self._relative(file, dotted)
                if dotted.startswith(".")
                else self._absolute(file, tuple(dotted.split(".")))
            )
        return self._modules[key]

    def _absolute(self, file: File, parts: tuple[str, ...]) -> File | None:
        here = file.path.split("/")[:-1]
        candidates = [
            (_shared(here, path), -len(path), found)
            for path, found in self._ending(parts)
            if path[-len(parts) :] == parts and (len(path) > 1 or found is not file)
        ]
        if parts[0] in LIBRARIES:
            candidates = [c for c in candidates if c[0] == -c[1] - len(parts) and len(parts) > 1]
        if len(parts) == 1:
            candidates = [c for c in candidates if _reachable(here, c[2].path)]
        if candidates:
            return max(candidates, key=lambda c: c[:2])[2]
        return self._from_outside(parts)

    def _ending(self, parts: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], File]]:
        """Give the files whose path ends like a name: many are called ``models``."""
        if len(parts) == 1:
            return self._by_tail.get(parts[-1], ())
        return self._by_pair.get(parts[-2:], ())

    def _from_outside(self, parts: tuple[str, ...]) -> File | None:
        """Find a module by a name that begins above the audited folder: ``demo.backend.auth``."""
        outer = self._outer
        for count in range(1, len(parts)):
            if outer[-count:] == parts[:count]:
                stem = "/".join(parts[count:])
                return self.files.get(f"{stem}.py") or self.files.get(f"{stem}/__init__.py")
        return None

    def _relative(self, file: File, dotted: str) -> File | None:
        name = dotted.lstrip(".")
        ups = len(dotted) - len(name)
        folder = file.path.split("/")[:-1]
        if ups - 1 > len(folder):
            return None
        base = folder[: len(folder) - (ups - 1)] + (name.split(".") if name else [])
        stem = "/".join(base)
        return self.files.get(f"{stem}.py") or self.files.get(f"{stem}/__init__.py".lstrip("/"))


def _shared(here: list[str], path: tuple[str, ...]) -> int:
    count = 0
    for left, right in zip(here, path, strict=False):
        if left != right:
            break
        count += 1
    return count


def _reachable(here: list[str], path: str) -> bool:
    """Whether a top-level import may mean this file: beside, above, or in a source root below."""
    folder = path.removesuffix("/__init__.py").split("/")[:-1]
    shared = _shared(here, tuple(folder))
    below = folder[shared:]
    return len(below) <= 1 and all(part in {"src", "app", "backend", "api"} for part in below)


def fields(klass: Class) -> Iterator[Stmt]:
    """Give the assignments and annotations in a class body, also below an ``if``."""
    for stmt in klass.body:
        if stmt.kind in {"assign", "declare"}:
            yield stmt
        elif stmt.kind == "if":
            yield from (s for s in stmt.body if s.kind in {"assign", "declare"})
