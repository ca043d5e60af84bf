"""How ``conftest.py`` writes the key that tokens are signed with somewhere else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from betterguard.audit.symbols import FunctionRef, Value
from betterguard.audit.visit import names_in
from betterguard.repair.outside import is_of_tests
from betterguard.repair.scaffold.naming import absolute_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Import
    from betterguard.audit.symbols import File
    from betterguard.repair.scaffold.reading import Reading
    from betterguard.repair.scaffold.signing import Place

__all__ = ["Key", "key_of"]

MAX_HOPS = 4
"""Names followed to what they are bound to."""


@dataclass(frozen=True, slots=True)
class Key:
    """An expression, and the one name that it needs: of a module, or a module (no ``name``)."""

    code: str
    module: str = ""
    name: str = ""
    literal: bool = False

    def then(self, rest: str) -> Key:
        """Give the expression with something behind it."""
        return replace(self, code=self.code + rest, literal=False)


def key_of(places: Iterable[Place], reading: Reading, base: str, here: str) -> Key | None:
    """Give the key that most of the places sign with, those of tests before the application's.

    ``reading`` has the tests in it, ``base`` is the folder that imports begin in, ``here`` the
    file that the key is written into. A text that stands in the very call is the last resort:
    tests of forged tokens sign that way. None where no place's key can be written elsewhere.
    """
    found: Counter[tuple[int, Key]] = Counter()
    for place in places:
        if place.key is None:
            continue
        writer = _Writer(reading, base, here, place.file)
        key = writer.written(place.function, place.key)
        if key is not None:
            in_call = place.key.kind == "str"
            found[2 if in_call else 0 if is_of_tests(place.file.path) else 1, key] += 1
    ranked = sorted(found.items(), key=lambda one: (one[0][0], -one[1]))
    return ranked[0][0][1] if ranked else None


@dataclass(frozen=True, slots=True)
class _Writer:
    reading: Reading
    base: str
    here: str
    file: File

    @property
    def _code(self) -> Code:
        return self.reading.code

    def written(self, function: FunctionRef | None, key: Expr, hops: int = 0) -> Key | None:
        """Give an expression for another one of this file; None where there is none."""
        if hops > MAX_HOPS:
            return None
        if key.kind == "str":
            return Key(self._source(key), literal=True)
        if key.kind == "name":
            return self._name(function, key.text, hops)
        if {name.split(".", 1)[0] for name in names_in(key)} == {"os"}:
            return Key(self._source(key), "os")
        if key.kind == "call" and not key.parts and key.base is None and "." in key.text:
            of, _, method = key.text.rpartition(".")
            inner = self.written(function, replace(key, kind="name", text=of), hops)
            ending = "" if method == "encode" else f".{method}()"
            return inner.then(ending) if inner is not None else None
        return None

    def _source(self, expr: Expr) -> str:
        return self.reading.text(self.file)[expr.pos : expr.end].decode(errors="replace")

    def _name(self, function: FunctionRef | None, dotted: str, hops: int) -> Key | None:
        head, dot, rest = dotted.partition(".")
        if head in {"self", "cls"}:
            return None
        if function is not None:
            if any(param.name == head for param in function.params):
                return self._injected(function, head, dot + rest)
            bound = function.assigned.get(head)
            if bound:
                return self._bound(function, bound[-1], dot + rest, hops)
        return self._of_module(head, dot + rest, hops)

    def _injected(self, function: FunctionRef, name: str, rest: str) -> Key | None:
        """Call what FastAPI would have called for a parameter: ``get_settings().secret``."""
        param = next(param for param in function.params if param.name == name)
        for dependency in self._code.calls.param_dependencies(function.file, param):
            target = dependency.target
            if isinstance(target, FunctionRef) and not target.params:
                return self._of(target.file, target.name, f"(){rest}")
        return None

    def _bound(self, function: FunctionRef, value: Expr, rest: str, hops: int) -> Key | None:
        if not rest:
            return self.written(function, value, hops + 1)
        if value.kind == "call" and not value.parts and value.base is None:
            made = self._of_module(value.text, "", hops + 1)
            return made.then(f"(){rest}") if made is not None else None
        return None

    def _of_module(self, head: str, rest: str, hops: int) -> Key | None:
        """Give a name of this file's module, as another file has it."""
        file = self.file
        if file.path == self.here and (head in file.values or head in file.imports):
            return Key(head + rest)
        if head in file.values and is_of_tests(file.path):
            value = Value(file, head, file.values[head]).expr
            return self.written(None, value, hops + 1) if value is not None and not rest else None
        if head in file.values:
            return self._of(file, head, rest)
        whole = head + rest
        fitting = [name for name in file.imports if f"{whole}.".startswith(f"{name}.")]
        if not fitting:
            return None
        alias = max(fitting, key=len)
        return self._imported(file.imports[alias], whole[len(alias) :])

    def _imported(self, imported: Import, rest: str) -> Key | None:
        """Give what this file imports, by the same import if that tells the whole path."""
        if not imported.module.startswith("."):
            return Key((imported.name or imported.module) + rest, imported.module, imported.name)
        module = self._code.project.modules.find(self.file, imported.module)
        return self._of(module, imported.name, rest) if module is not None else None

    def _of(self, file: File, name: str, rest: str) -> Key | None:
        """Give a top-level name of a file of the project."""
        if name not in {**file.values, **file.functions, **file.imports}:
            return None
        try:
            module = absolute_name(self.base, file.path)
        except ValueError:  # it stands outside the folder that imports begin in
            return None
        return Key(name + rest, module, name)
