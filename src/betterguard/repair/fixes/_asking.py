"""A handler gets one parameter more: the one that tells who is calling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand
from betterguard.repair.fixes._blocks import definition
from betterguard.repair.fixes._guard import imported_guard
from betterguard.repair.syntax import appended, inserted, source

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.audit.symbols import FunctionRef
    from betterguard.repair.fix import Site
    from betterguard.repair.imports import Imports

EXPOSED = ("BG301", "BG302", "BG303", "BG305")
"""What can be asked of a route as soon as it knows its caller."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as it is written, and whether it has a default."""

    name: str
    text: str
    has_default: bool = True

    def __str__(self) -> str:
        return self.text


def guards_id(site: Site, imports: Imports) -> Parameter | None:
    """Give the parameter for the id that the project's guard verified; None without one guard."""
    guard = imported_guard(site, imports)
    if guard is None:
        return None
    depends = imports.use("fastapi", "Depends")
    return Parameter("caller_id", f"caller_id: str = {depends}({guard}.verify_token)")


def _is_dependency(parameter: Node) -> bool:
    value = source(parameter.child_by_field_name("value"))
    return value.partition("(")[0].rsplit(".", 1)[-1] in {"Depends", "Security"}


def with_parameter(
    site: Site, function: FunctionRef | None, wanted: Parameter | None
) -> list[Edit] | ByHand:
    """Write the parameter: before those without a default where it has none itself.

    With one it stands before the first dependency: FastAPI asks them in turn, and who may not call
    should not cost a database session.
    """
    node = definition(site, function) if function is not None else None
    listed = node.child_by_field_name("parameters") if node is not None else None
    if function is None or listed is None or wanted is None:
        return ByHand("the handler is not where it was found")
    names = {param.name for param in function.params}
    if wanted.name in names or any(name.startswith("*") for name in names):
        return ByHand(f"the handler has a parameter {wanted.name} already, or takes any")
    if wanted.has_default:
        first = next((child for child in listed.named_children if _is_dependency(child)), None)
        if first is not None:
            return inserted(site.text, listed, first, wanted.text)
        return appended(site.text, listed, wanted.text)
    at = listed.start_byte + 1
    return [Edit(at, at, wanted.text + (", " if function.params else ""))]
