"""The fixers, one file a rule, and the order in which they are tried."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from betterguard.audit.rules import BY_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from betterguard.repair.fix import ByHand, Fix, Site

FIXERS: dict[str, Callable[[Site], Fix | ByHand]] = {
    module.name[:5].upper(): importlib.import_module(f"{__name__}.{module.name}").fix
    for module in pkgutil.iter_modules(__path__)
    if module.name.startswith("bg")
}
"""By the rule's id; the modules bear the names of the rules' modules."""
ORDER = tuple(rule for rule in BY_ID if rule in FIXERS)
"""Who is calling first, then whose rows, then the rest."""


def by_hand(rule: str) -> str:
    """Tell why a rule has no fix."""
    return f"no program can decide it: betterguard audit --explain {rule}"
