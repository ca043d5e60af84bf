"""A column takes aware times only, and keeps them in UTC whatever its type in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.rules import _time as time
from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix, Safety
from betterguard.repair.fixes import _time as moments
from betterguard.repair.syntax import appended, replaced, source, walk

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.audit.models import Column
    from betterguard.repair.fix import Site

_NAIVE = frozenset({"DateTime", "TIMESTAMP"})


def fix(site: Site) -> Fix | ByHand:
    """Give the column ``UtcDateTime``, or the written value its zone."""
    column = next(
        (c for _, c in site.code.models.dates if c.file is site.file and c.pos == site.hit.pos),
        None,
    )
    return _typed(site, column) if column is not None else _written(site)


def _typed(site: Site, column: Column) -> Fix | ByHand:
    """``UtcDateTime(timezone=False)`` fits the TIMESTAMP that is there: no migration."""
    node = site.root().named_descendant_for_byte_range(column.stmt.pos, column.stmt.end)
    if node is None:
        return ByHand("the column is not where it was found")
    imports = site.imports()
    utc = f"{imports.use('betterguard.schema', 'UtcDateTime')}(timezone=False)"
    edits = _retyped(node, utc) or _argument(site, node, utc)
    if not edits:
        return ByHand("the column is declared without a call that could take a type")
    return site.fix(
        "keep the column in UTC by UtcDateTime", *edits, imports=imports, safety=Safety.UNSAFE
    )


def _retyped(node: Node, text: str) -> list[Edit]:
    for name in walk(node, "identifier"):
        if source(name) in _NAIVE and (name.parent is None or name.parent.type != "attribute"):
            call = name.parent
            whole = (
                call is not None
                and call.type == "call"
                and call.child_by_field_name("function") == name
            )
            return [replaced(call if whole and call is not None else name, text)]
    return []


def _argument(site: Site, node: Node, utc: str) -> list[Edit]:
    for call in walk(node, "call"):
        name = source(call.child_by_field_name("function")).rsplit(".", 1)[-1]
        listed = call.child_by_field_name("arguments")
        if listed is not None and name == "Field":
            return appended(site.text, listed, f"sa_type={utc}")
        if listed is not None and name == "mapped_column":
            glue = ", " if listed.named_children else ""
            return [Edit(listed.start_byte + 1, listed.start_byte + 1, f"{utc}{glue}")]
    return []


def _written(site: Site) -> Fix | ByHand:
    """Give its zone to the call that makes a naive value."""
    function = site.function
    values = [e for e in site.file.expressions if e.pos == site.hit.pos]
    if function is not None:
        values += [b for v in values if v.kind == "name" for b in function.assigned.get(v.text, ())]
    naive = next((v for v in values if time.is_utcnow(site.code, site.file, v)), None)
    if naive is None:
        return ByHand("the value comes from text or from elsewhere: give it its zone there")
    imports = site.imports()
    text = moments.now(imports)
    return site.fix("write an aware UTC time", Edit(naive.pos, naive.end, text), imports=imports)
