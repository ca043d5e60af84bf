"""What the time fixers share: how the current moment is written, which columns keep a zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.rules import _time as time
from betterguard.audit.visit import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.models import Column, Model
    from betterguard.audit.symbols import FunctionRef
    from betterguard.repair.fix import Site
    from betterguard.repair.imports import Imports


def now(imports: Imports, *, aware: bool = True) -> str:
    """Give the current moment in UTC as the file writes it; naive, as from ``utcnow``, if asked."""
    moment = imports.use("datetime", "datetime")
    has_utc = imports.taken.get("UTC") == ("datetime", "UTC")
    zone = "UTC" if has_utc else f"{imports.use('datetime', 'timezone')}.utc"
    return f"{moment}.now({zone})" + ("" if aware else ".replace(tzinfo=None)")


def keeps_zone(code: Code, model: Model, column: Column) -> bool:
    """Whether a column wants aware values: by its type, or by the SQLModel in use."""
    if column.is_zoned:
        return True
    return (
        model.is_sqlmodel and not column.has_explicit_type and time.strict(code, column.file.path)
    )


def is_aware_project(code: Code) -> bool:
    """Whether aware values are the project's rule: most columns with dates want them."""
    wanted = [keeps_zone(code, model, column) for model, column in code.models.dates]
    return 2 * sum(wanted) >= len(wanted)


def columns_at(site: Site, pos: int) -> list[tuple[Model, Column]]:
    """Give the columns that the value at a position ends in, at once or through a local name."""
    dates = site.code.models.dates
    declared = [
        (model, column)
        for model, column in dates
        if column.file is site.file and column.stmt.pos <= pos < column.stmt.end
    ]
    if declared:
        return declared
    function = site.function_at(pos)
    written = list(_written(site, function, pos)) if function is not None else []
    certain = [write for write in written if write[1] is not None]
    return [
        (model, column)
        for model, column in dates
        if any(column.name == name and owner in {None, model} for name, owner in certain or written)
    ]


def _written(site: Site, function: FunctionRef, pos: int) -> Iterator[tuple[str, Model | None]]:
    """Give the columns that take the value, each with its model where that can be told."""
    for name, value, owner in site.code.queries.writes(function):
        if any(source.pos <= pos < source.end for source in _sources(function, value)):
            yield name, owner


def _sources(function: FunctionRef, value: Expr) -> Iterator[Expr]:
    yield value
    for name in names_in(value):
        yield from function.assigned.get(name, ())
