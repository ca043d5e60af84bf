"""All rules, in the order of their numbers; loaded when first asked for."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from betterguard.audit.rule import Rule

    RULES: tuple[Rule, ...]
    BY_ID: dict[str, Rule]


def _modules() -> list[str]:
    found = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [name for name in found if name.startswith("bg")]


def ids() -> tuple[str, ...]:
    """Give the ids of all rules, without loading one."""
    return tuple(name.partition("_")[0].upper() for name in _modules())


if not TYPE_CHECKING:  # checkers know the two names above

    def __getattr__(name: str) -> object:
        """Load the rules: an unchanged project is answered for without them."""
        if name not in {"RULES", "BY_ID"}:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        rules = tuple(import_module(f"{__name__}.{module}").RULE for module in _modules())
        globals().update(RULES=rules, BY_ID={rule.id: rule for rule in rules})
        return globals()[name]
