"""``updated_at`` gets an ``onupdate``, so that every UPDATE moves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.rules import _time as time
from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix, Site
from betterguard.repair.fixes import _time as moments
from betterguard.repair.syntax import appended, argument, source, walk

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.audit.models import Column, Model

_COLUMNS = frozenset({"Column", "mapped_column"})


def fix(site: Site) -> Fix | ByHand:
    """Give the innermost declaration of the column the moment of the change."""
    found = next(
        (
            (model, column)
            for model, column in site.code.models.dates
            if column.file is site.file and column.pos == site.hit.pos
        ),
        None,
    )
    if found is None:
        return ByHand("the column is not declared as a date")
    model, column = found
    if column.option("server_onupdate", "onupdate") is not None:
        return ByHand("the column has an onupdate")
    return _declared(site, model, column)


def _declared(site: Site, model: Model, column: Column) -> Fix | ByHand:
    statement = site.root().named_descendant_for_byte_range(column.stmt.pos, column.stmt.end)
    if statement is None:
        return ByHand("the column is not where it was found")
    imports = site.imports()
    moment = f"lambda: {moments.now(imports, aware=_is_aware(site, model, column))}"
    factory = time.default(column)
    if factory is not None and factory.kind in {"name", "lambda"} and "uuid" not in factory.text:
        moment = site.source(factory)
        imports = site.imports()
    edits = _edits(site, statement, moment)
    if edits is None:
        if not model.is_sqlmodel:
            return ByHand("the column is declared without mapped_column or Column")
        edits = _bare(statement, moment, imports.use("sqlmodel", "Field"))
    if edits is None:
        return ByHand("the column has a plain value as its default")
    return site.fix("move the time with every UPDATE", *edits, imports=imports)


def _is_aware(site: Site, model: Model, column: Column) -> bool:
    return moments.keeps_zone(site.code, model, column)


def _edits(site: Site, statement: Node, moment: str) -> list[Edit] | None:
    calls = {
        source(call.child_by_field_name("function")).rsplit(".", 1)[-1]: call
        for call in walk(statement, "call")
    }
    for name in _COLUMNS:
        if name in calls:
            return _argument(site, calls[name], f"onupdate={moment}")
    if "Field" not in calls:
        return None
    known = argument(calls["Field"], -1, "sa_column_kwargs")
    if known is not None and known.type == "dictionary":
        return appended(site.text, known, f'"onupdate": {moment}')
    if known is not None or argument(calls["Field"], -1, "sa_column") is not None:
        return None
    return _argument(site, calls["Field"], f'sa_column_kwargs={{"onupdate": {moment}}}')


def _argument(site: Site, call: Node, text: str) -> list[Edit] | None:
    listed = call.child_by_field_name("arguments")
    return appended(site.text, listed, text) if listed is not None else None


def _bare(statement: Node, moment: str, field: str) -> list[Edit] | None:
    """``updated_at: datetime`` and ``updated_at: datetime | None = None``."""
    assignment = (
        statement.named_children[0] if statement.type == "expression_statement" else statement
    )
    right = assignment.child_by_field_name("right")
    if right is not None and source(right) != "None":
        return None
    default = "default=None, " if right is not None else ""
    text = f' = {field}({default}sa_column_kwargs={{"onupdate": {moment}}})'
    kind = assignment.child_by_field_name("type")
    if kind is None:
        return None
    return [Edit(kind.end_byte, assignment.end_byte, text)]
