"""The guard that a project has, and how a file comes by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from betterguard.audit.code import Code
    from betterguard.audit.facts import Import
    from betterguard.audit.symbols import File
    from betterguard.repair.fix import Site
    from betterguard.repair.imports import Imports


def guards(code: Code) -> list[tuple[File, str]]:
    """Give the variables that hold a guard, with their files."""
    return [
        (file, name)
        for file in code.files("betterguard")
        for name, stmts in file.values.items()
        if any(
            stmt.kind == "assign"
            and stmt.exprs[-1].kind == "call"
            and "BetterGuard" in code.project.qualify(file, stmt.exprs[-1].text)
            for stmt in stmts
        )
    ]


def imported_guard(site: Site, imports: Imports) -> str | None:
    """Give the expression for the project's only guard in the file, importing it if need be."""
    found = guards(site.code)
    if len(found) != 1:
        return None
    file, name = found[0]
    if file is site.file:
        return name
    module = module_for(site.code, site.file, file)
    return imports.use(module, name) if module else None


def module_for(code: Code, here: File, wanted: File) -> str:
    """Give the name by which a file imports another, in the style of its own imports."""
    for imported in _steady_first(here):
        if imported.module and code.project.modules.find(here, imported.module) is wanted:
            return imported.module
    return _by_neighbour(code, here, wanted) or _absolute(code, here, wanted)


def _steady_first(here: File) -> list[Import]:
    """Give a file's imports, relative ones behind the others where the file has both.

    A file that imports the same in two ways, ``try: from ..auth`` and ``except ImportError: from
    auth``, does so because the relative one fails where it is no part of a package.
    """
    names = {one.name for one in here.facts.imports if not one.module.startswith(".")}
    return sorted(
        here.facts.imports, key=lambda one: one.module.startswith(".") and one.name in names
    )


def _by_neighbour(code: Code, here: File, wanted: File) -> str:
    """Give the name out of one that reaches a file of the same folder, or another file's import."""
    folder, stem = _parts(wanted.path)
    for imported in _steady_first(here):
        target = code.project.modules.find(here, imported.module) if imported.module else None
        if target is None or target is here or _parts(target.path)[0] != folder:
            continue
        if target.path.endswith("__init__.py"):
            glue = "" if imported.module.endswith(".") else "."
            name = f"{imported.module}{glue}{stem}"
        else:
            head, dot, _ = imported.module.rpartition(".")
            name = f"{head}{dot}{stem}"
        if code.project.modules.find(here, name) is wanted:
            return name
    others = (
        imported.module
        for file in code.project.files.values()
        for imported in file.facts.imports
        if imported.module
        and not imported.module.startswith(".")
        and code.project.modules.find(file, imported.module) is wanted
    )
    return next(others, "")


def _absolute(code: Code, here: File, wanted: File) -> str:
    """Give the shortest name that means the file, as deep as the project's own imports go."""
    parts = wanted.path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    names = [".".join(parts[index:]) for index in range(len(parts))]
    roots = {
        imported.module.split(".", 1)[0]
        for file in code.project.files.values()
        for imported in file.facts.imports
        if not imported.module.startswith(".") and code.project.modules.find(file, imported.module)
    }
    usual = [name for name in names if name.split(".", 1)[0] in roots]
    for name in (*usual, *names):
        if code.project.modules.find(here, name) is wanted:
            return name
    return ""


def _parts(path: str) -> tuple[str, str]:
    folder, _, name = path.removesuffix(".py").rpartition("/")
    return folder, name


def reaches(code: Code, start: File, wanted: File) -> bool:
    """Whether importing a file imports another, directly or not."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        file = waiting.pop()
        if file is wanted:
            return True
        if file.path in seen:
            continue
        seen.add(file.path)
        for imported in file.facts.imports:
            glue = "" if imported.module.endswith(".") else "."
            for name in (imported.module, f"{imported.module}{glue}{imported.name}"):
                target = code.project.modules.find(file, name) if name else None
                if target is not None:
                    waiting.append(target)
    return False
