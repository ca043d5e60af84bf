"""Let the project's own settings class bear the guard's variables in the same ``.env``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.symbols import Value
from betterguard.audit.visit import fields, keyword
from betterguard.repair.edits import Edit
from betterguard.repair.lines import indent_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.facts import Class, Expr
    from betterguard.audit.symbols import ClassRef
    from betterguard.repair.scaffold.plan import Plan
    from betterguard.repair.scaffold.reading import Reading

__all__ = ["env_file", "tolerate"]


def tolerate(plan: Plan, reading: Reading) -> None:
    """Give settings classes that read ``.env`` an ``extra="ignore"``.

    pydantic-settings refuses a line of ``.env`` that the class has no field for, so that
    BETTER_AUTH_URL there would stop the application.
    """
    for klass in _settings_classes(reading):
        edit = _edit(reading, klass)
        if edit is None:
            continue
        if reading.is_editable(klass.file):
            what = f'{klass.name} ignores what it has no field for (extra="ignore")'
            plan.edit(reading.place(klass.file.path), [edit], what)
        else:
            text = f"{klass.name} must ignore what it has no field for"
            plan.advise(
                "Let the settings class be", text, where=klass.file.path, code='extra="ignore"'
            )


def env_file(reading: Reading) -> str:
    """Give the file that the project's settings are read from, as the project writes it."""
    for klass in _settings_classes(reading):
        config = _config_call(reading, klass)
        given = keyword(config, "env_file") if config is not None else None
        if given is not None and given.kind == "str":
            return given.text
    return ".env"


def _settings_classes(reading: Reading) -> Iterator[ClassRef]:
    project = reading.code.project
    for klass in project.classes:
        if any(base.endswith(".BaseSettings") for base in project.foreign_bases(klass)):
            yield klass


def _config_call(reading: Reading, klass: ClassRef) -> Expr | None:
    found = reading.code.project.member(klass, "model_config")
    expr = found.expr if isinstance(found, Value) else None
    return expr if expr is not None and expr.kind in {"call", "dict"} else None


def _edit(reading: Reading, klass: ClassRef) -> Edit | None:
    config = _config_call(reading, klass)
    if config is not None:
        reads = keyword(config, "env_file") is not None
        if not reads or keyword(config, "extra") is not None:
            return None
        end = max(part.end for part in config.parts)
        written = ', "extra": "ignore"' if config.kind == "dict" else ', extra="ignore"'
        return Edit(end, end, written)
    for stmt in klass.klass.body:
        if stmt.klass is not None and stmt.klass.name == "Config":
            return _inner(reading.text(klass.file), stmt.klass)
    return None


def _inner(text: bytes, config: Class) -> Edit | None:
    """Add the line to an inner ``class Config``."""
    by_name = {stmt.exprs[0].text: stmt for stmt in fields(config)}
    if "env_file" not in by_name or "extra" in by_name:
        return None
    anchor = by_name["env_file"]
    indent = indent_of(text, anchor.pos)
    return Edit(anchor.pos, anchor.pos, f'extra = "ignore"\n{indent}')
