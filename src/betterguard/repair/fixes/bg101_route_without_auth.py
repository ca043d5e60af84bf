"""A route gets a dependency that tells who is calling.

The one that routes of the same file ask is the first choice, then one that gives the verified id
and no more, the guard's included, then any other that the project has. One that loads a row which
the route itself makes is none: whoever calls it first has no such row yet.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from betterguard.audit.rules._audience import is_privileged
from betterguard.audit.symbols import ClassRef, External, FunctionRef, Value
from betterguard.audit.visit import names_in
from betterguard.repair.fix import ByHand, Fix, Safety
from betterguard.repair.fixes._asking import EXPOSED, Parameter, guards_id, with_parameter
from betterguard.repair.fixes._guard import module_for, reaches
from betterguard.repair.fixes._verification import Given, given_by, is_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Param
    from betterguard.audit.symbols import File, Target
    from betterguard.repair.fix import Site
    from betterguard.repair.imports import Imports

_BUILTIN = frozenset({"str", "int", "dict"})


@dataclass(frozen=True)
class _Example:
    """A parameter by which another route gets its caller."""

    file: File
    param: Param
    target: Target

    @property
    def home(self) -> str:
        """The file that the dependency comes from: rather none that makes an application."""
        file = getattr(self.target, "file", None)
        return file.path if file is not None else ""

    @property
    def key(self) -> tuple[str, str]:
        """What makes two examples the same."""
        return getattr(self.target, "name", ""), self.param.name


def fix(site: Site) -> Fix | ByHand:
    """Add the parameter; which user may do what is then for the next rules to ask."""
    function = site.function
    imports = site.imports()
    wanted = _parameter(site, function, imports) if function is not None else None
    if function is not None and wanted is None:
        return ByHand(
            "no dependency of the project tells who is calling: betterguard init makes one"
        )
    edits = with_parameter(site, function, wanted)
    if isinstance(edits, ByHand):
        return edits
    return site.fix(
        f"ask who is calling: {wanted}",
        *edits,
        imports=imports,
        safety=Safety.UNSAFE,
        exposes=EXPOSED,
    )


def _parameter(site: Site, function: FunctionRef, imports: Imports) -> Parameter | None:
    """Give what the routes beside it ask, else the id alone, else what the project has."""
    apps = {router.file.path for router in site.code.app.routers.values() if router.is_app}
    found = [e for e in _examples(site) if not _loads_what_is_made(site, e, function)]
    counted = Counter(example.key for example in found)
    found.sort(key=lambda e: (e.home not in apps, counted[e.key]), reverse=True)
    beside = [example for example in found if example.file is site.file]
    of_id = [example for example in found if _gives_id(site.code, example.target)]
    return (
        _first_written(site, (*beside, *of_id), imports)
        or guards_id(site, imports)
        or _first_written(site, found, imports)
    )


def _first_written(site: Site, examples: Iterable[_Example], imports: Imports) -> Parameter | None:
    for example in examples:
        text = _written(site, example, imports)
        if text is not None:
            return Parameter(example.param.name, text, example.param.default is not None)
    return None


def _loads_what_is_made(site: Site, example: _Example, function: FunctionRef) -> bool:
    """Whether the dependency wants a row that this route is there to make: who has none yet?"""
    code = site.code
    made = {
        model.name
        for ref in code.calls.reach(function)
        for call in ref.calls
        if (model := code.models.get(code.calls.target(ref, call))) is not None
    }
    return any(
        query.model.name in made
        for entry in code.calls.entry_points(example.target)
        for ref in code.calls.reach(entry)
        for query in code.queries.of(ref)
    )


def _gives_id(code: Code, target: Target) -> bool:
    """Whether a dependency gives the verified id and no more: the guard's, or one like it."""
    if isinstance(target, External):
        return target.name.endswith(".verify_token")
    return (
        isinstance(target, FunctionRef)
        and is_plain(code, target)
        and given_by(code, target) in {Given.ID, Given.UUID, Given.INT}
    )


def _examples(site: Site) -> Iterator[_Example]:
    code = site.code
    for route in code.app.routes:
        if is_privileged(code, route):
            continue
        for param in route.function.params:
            for dependency in code.calls.param_dependencies(route.file, param):
                if code.gates.of_dependency(dependency) == "required":
                    yield _Example(route.file, param, dependency.target)


def _written(site: Site, example: _Example, imports: Imports) -> str | None:
    """Give the parameter as this file has to write it; None where it cannot be imported."""
    param = example.param
    note = _expression(site, example.file, param.annotation, imports) if param.annotation else ""
    default = _expression(site, example.file, param.default, imports) if param.default else ""
    if default is None or (note is None and not default):
        return None
    return param.name + (f": {note}" if note else "") + (f" = {default}" if default else "")


def _expression(site: Site, file: File, expr: Expr, imports: Imports) -> str | None:
    """Give an expression of another file with its names imported here; None where that fails."""
    if file is site.file:
        return site.source(expr) if _stands_before(site, expr) else None
    if expr.kind == "name":
        return _name(site, file, expr.text, imports)
    if expr.kind == "call" and len(expr.parts) == 1 and not expr.names and expr.base is None:
        function = _name(site, file, expr.text, imports)
        inner = _expression(site, file, expr.parts[0], imports)
        return f"{function}({inner})" if function and inner else None
    return None


def _stands_before(site: Site, expr: Expr) -> bool:
    """Whether what an expression names is there when the handler is defined: nothing below it."""
    handler = site.function
    found = (site.code.project.resolve(site.file, name) for name in names_in(expr))
    return handler is not None and all(
        _start(target) < handler.function.pos
        for target in found
        if isinstance(target, (FunctionRef, ClassRef, Value)) and target.file is site.file
    )


def _start(target: FunctionRef | ClassRef | Value) -> int:
    if isinstance(target, FunctionRef):
        return target.function.pos
    return target.klass.pos if isinstance(target, ClassRef) else target.stmts[0].pos


def _name(site: Site, file: File, dotted: str, imports: Imports) -> str | None:
    if dotted in _BUILTIN:
        return dotted
    target = site.code.project.resolve(file, dotted)
    if isinstance(target, (FunctionRef, ClassRef, Value)):
        module = module_for(site.code, site.file, target.file)
        if not module or reaches(site.code, target.file, site.file):
            return None
        return target.name if target.file is site.file else imports.use(module, target.name)
    library, _, name = site.code.project.qualify(file, dotted).rpartition(".")
    return imports.use(library, name) if library in {"fastapi", "typing"} else None
