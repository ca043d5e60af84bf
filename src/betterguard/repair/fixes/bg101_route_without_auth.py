"""A route gets the dependency by which the project's other routes know who is calling."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from betterguard.audit.project import ClassRef, FunctionRef, Value
from betterguard.audit.visit import names_in
from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix, Safety
from betterguard.repair.fixes._blocks import definition
from betterguard.repair.fixes._guard import imported_guard, module_for, reaches
from betterguard.repair.syntax import appended

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.facts import Expr, Param
    from betterguard.audit.project import File
    from betterguard.repair.fix import Site
    from betterguard.repair.imports import Imports

_EXPOSED = ("BG301", "BG302", "BG303", "BG305")
_BUILTIN = frozenset({"str", "int", "dict"})


@dataclass(frozen=True)
class _Example:
    """A parameter by which another route gets its caller."""

    file: File
    param: Param
    target: object

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
    node = definition(site, function) if function is not None else None
    listed = node.child_by_field_name("parameters") if node is not None else None
    if function is None or node is None or listed is None:
        return ByHand("the handler is not where it was found")
    imports = site.imports()
    wanted = _parameter(site, imports)
    if wanted is None:
        return ByHand(
            "no dependency of the project tells who is calling: betterguard init makes one"
        )
    name, text, has_default = wanted
    if any(
        param.name in {name, "**kwargs"} or param.name.startswith("*") for param in function.params
    ):
        return ByHand(f"the handler has a parameter {name} already, or takes any")
    edits = (
        appended(site.text, listed, text)
        if has_default
        else [
            Edit(
                listed.start_byte + 1,
                listed.start_byte + 1,
                text + (", " if function.params else ""),
            )
        ]
    )
    return site.fix(
        f"ask who is calling: {text}",
        *edits,
        imports=imports,
        safety=Safety.UNSAFE,
        exposes=_EXPOSED,
    )


def _parameter(site: Site, imports: Imports) -> tuple[str, str, bool] | None:
    """Give name and text of the parameter, and whether it has a default."""
    found = list(_examples(site))
    counted = Counter(example.key for example in found)
    apps = {router.file.path for router in site.code.app.routers.values() if router.is_app}
    ranked = sorted(
        found,
        key=lambda e: (e.file is site.file, e.home not in apps, counted[e.key]),
        reverse=True,
    )
    for example in ranked:
        text = _written(site, example, imports)
        if text is not None:
            return example.param.name, text, example.param.default is not None
    guard = imported_guard(site, imports)
    if guard is None:
        return None
    depends = imports.use("fastapi", "Depends")
    return "caller_id", f"caller_id: str = {depends}({guard}.verify_token)", True


def _examples(site: Site) -> Iterator[_Example]:
    security, calls = site.code.security, site.code.calls
    for route in site.code.app.routes:
        if security.privileged(route):
            continue
        for param in route.function.params:
            for dependency in calls.param_dependencies(route.file, param):
                if security.gate(dependency) == "required":
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
