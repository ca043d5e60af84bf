"""The owner of a new row is the caller, whatever the body says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.visit import keywords
from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix, Safety
from betterguard.repair.fixes._caller import caller

if TYPE_CHECKING:
    from betterguard.repair.fix import Site


def fix(site: Site) -> Fix | ByHand:
    """Put the caller's id in place of the body's."""
    function = site.function
    if function is None or "untyped dict" in site.hit.message:
        return ByHand("write a model of the body: which fields may come only you know")
    known = caller(site, function)
    if known is None:
        return ByHand("no parameter of the route tells who is calling")
    for call in function.calls:
        for name, value in keywords(call):
            model = site.code.models.get(site.code.calls.target(function, call))
            if value.pos == site.hit.pos and model is not None:
                imports = site.imports()
                text = known.as_column(model.columns.get(name), imports)
                edit = Edit(value.pos, value.end, text)
                summary = f"make the caller the owner of the new {model.name}"
                return site.fix(summary, edit, imports=imports, safety=Safety.UNSAFE)
    return ByHand("the owner is given elsewhere")
