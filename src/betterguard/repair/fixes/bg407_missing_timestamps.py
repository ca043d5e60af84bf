"""A table gets the columns that tell when its rows were made and changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.rules import _time as time
from betterguard.repair.fix import ByHand, Fix, Safety
from betterguard.repair.fixes import _time as moments
from betterguard.repair.fixes._blocks import behind

if TYPE_CHECKING:
    from betterguard.audit.models import Model
    from betterguard.repair.fix import Site
    from betterguard.repair.imports import Imports


def fix(site: Site) -> Fix | ByHand:
    """Write them behind the last column; the database needs a migration for them."""
    model = next(
        (
            m
            for m in site.code.models.all.values()
            if m.ref.file is site.file and m.ref.klass.pos == site.hit.pos
        ),
        None,
    )
    if model is None:
        return ByHand("the table is not where it was found")
    last = max(
        (
            c
            for c in model.columns.values()
            if c.file is site.file
            and not c.is_relationship
            and model.ref.klass.pos < c.pos < model.ref.klass.end
        ),
        key=lambda column: column.pos,
        default=None,
    )
    node = (
        site.root().named_descendant_for_byte_range(last.stmt.pos, last.stmt.end) if last else None
    )
    if node is None:
        return ByHand("the table has no columns of its own")
    imports = site.imports()
    missing = [name for name in ("created_at", "updated_at") if f"no {name}" in site.hit.message]
    lines = [_column(site, model, name, imports) for name in missing]
    return site.fix(
        f"add {' and '.join(missing)}, which needs a migration",
        behind(site.text, node, lines),
        imports=imports,
        safety=Safety.UNSAFE,
    )


def _column(site: Site, model: Model, name: str, imports: Imports) -> str:
    aware = not model.is_sqlmodel or time.strict(site.code, site.path)
    now = f"lambda: {moments.now(imports, aware=aware)}"
    moment = imports.use("datetime", "datetime")
    if model.is_sqlmodel:
        field = imports.use("sqlmodel", "Field")
        moved = f', sa_column_kwargs={{"onupdate": {now}}}' if name == "updated_at" else ""
        return f"{name}: {moment} = {field}(default_factory={now}{moved})"
    column = _declared(imports)
    kind = f"{imports.use('sqlalchemy', 'DateTime')}(timezone=True)"
    moved = f", onupdate={now}" if name == "updated_at" else ""
    note = f": {imports.use('sqlalchemy.orm', 'Mapped')}[{moment}]" if "mapped" in column else ""
    return f"{name}{note} = {column}({kind}, default={now}{moved})"


def _declared(imports: Imports) -> str:
    known = imports.bound("sqlalchemy.orm", "mapped_column")
    return known or imports.use("sqlalchemy", "Column")
