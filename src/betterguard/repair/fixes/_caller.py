"""Who is calling, as an expression that a function can write: its id, with the type that it has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from betterguard.audit.symbols import ClassRef, External, FunctionRef
from betterguard.audit.visit import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.calls import Dependency
    from betterguard.audit.facts import Expr
    from betterguard.audit.models import Column
    from betterguard.repair.fix import Site
    from betterguard.repair.imports import Imports

_OWNER_ID = re.compile(r"user_?id|owner_?id|uid|account_?id", re.IGNORECASE)
_IDS = ("id", "user_id", "sub")
_PLAIN = {"str": "str", "UUID": "UUID", "int": "int"}


@dataclass(frozen=True, slots=True)
class Caller:
    """The expression for the caller's id, and its type's name; empty when it cannot be told."""

    expression: str
    kind: str = ""

    def as_column(self, column: Column | None, imports: Imports) -> str:
        """Give the id in the type of a column."""
        kind = _kind_of(column.note) if column is not None and column.note is not None else ""
        if not kind or kind == self.kind or self.kind != "str":
            return self.expression
        if kind == "UUID":
            return f"{imports.use('uuid', 'UUID')}({self.expression})"
        return f"{kind}({self.expression})"


def caller(site: Site, function: FunctionRef) -> Caller | None:
    """Give who is calling in a function: what a dependency names, or the id that it is handed."""
    for dependency in site.code.calls.dependencies(function):
        if dependency.param and site.code.gates.of_dependency(dependency) == "required":
            return _of_dependency(site, function, dependency)
    for param in function.params:
        if _OWNER_ID.fullmatch(param.name) and not any(
            r.function is function for r in site.code.app.routes
        ):
            return Caller(param.name, _kind_of(param.annotation))
    return None


def _of_dependency(site: Site, function: FunctionRef, dependency: Dependency) -> Caller | None:
    """Tell the id by what the dependency gives back, else by how it is used elsewhere."""
    target, name = dependency.target, dependency.param
    if isinstance(target, External) and ".guard." in f".{target.name}":
        if target.name.endswith("verify_token"):
            return Caller(name, "str")
        return Caller(f"{name}.id", "str")
    note = next((p.annotation for p in function.params if p.name == name), None)
    returns = target.function.returns if isinstance(target, FunctionRef) else None
    for given in (returns, note):
        kind = _kind_of(given)
        if kind:
            return Caller(name, kind)
    file = target.file if isinstance(target, FunctionRef) else function.file
    klass = site.code.project.annotated(file, returns) if returns is not None else None
    attribute = _attribute(site, klass)
    if attribute is not None:
        return Caller(f"{name}.{attribute[0]}", attribute[1])
    return _as_used(site, name)


def _kind_of(note: Expr | None) -> str:
    """``str`` of ``str``, ``Annotated[str, …]``, ``Mapped[str]``; empty for another type."""
    if note is None:
        return ""
    if note.kind == "sub" and note.base is not None:
        known = note.base.text.rsplit(".", 1)[-1] in {"Annotated", "Mapped", "Optional"}
        return _kind_of(note.parts[0]) if known and note.parts else ""
    if note.kind == "bin":
        return _kind_of(note.parts[0])
    return _PLAIN.get(note.text.rsplit(".", 1)[-1], "") if note.kind == "name" else ""


def _attribute(site: Site, klass: ClassRef | None) -> tuple[str, str] | None:
    if klass is None:
        return None
    for name in _IDS:
        member = site.code.project.member(klass, name)
        stmts = getattr(member, "stmts", None)
        if member is not None:
            return name, _kind_of(stmts[0].note) if stmts else ""
    return None


def _as_used(site: Site, name: str) -> Caller | None:
    """Give the commonest way in which the project reads an id out of something of that name."""
    found = [used for used in _readings(site, name) if used]
    return Caller(max(set(found), key=found.count)) if found else None


def _readings(site: Site, name: str) -> Iterator[str]:
    for file in site.code.project.files.values():
        for expr in file.expressions:
            if expr.kind == "name" and expr.text in {f"{name}.{part}" for part in _IDS}:
                yield expr.text
            key = expr.parts[0] if expr.kind == "sub" and expr.parts else None
            of_name = expr.base is not None and expr.base.text == name
            if key is not None and of_name and key.kind == "str" and key.text in _IDS:
                yield f'{name}["{key.text}"]'


def mentions(expr: Expr, name: str) -> bool:
    """Whether an expression reads a name."""
    return name in set(names_in(expr))
