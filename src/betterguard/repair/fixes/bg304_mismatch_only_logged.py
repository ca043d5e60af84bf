"""A caller who is not the wanted user is refused, not only noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.repair.fix import ByHand, Fix, Safety
from betterguard.repair.fixes._blocks import behind, refusal

if TYPE_CHECKING:
    from betterguard.repair.fix import Site


def fix(site: Site) -> Fix | ByHand:
    """Raise 403 where the mismatch is logged."""
    statement = site.node("if_statement")
    block = statement.child_by_field_name("consequence") if statement is not None else None
    if block is None or not block.named_children:
        return ByHand("the comparison is not where it was found")
    last = block.named_children[-1]
    if last.start_point[0] == (statement or block).start_point[0]:
        return ByHand("the branch stands on one line")
    imports = site.imports()
    edit = behind(site.text, last, [refusal(imports, 403, "Forbidden")])
    return site.fix("refuse with 403", edit, imports=imports, safety=Safety.UNSAFE)
