"""Which names hold what: read in an expression, or computed from others in a function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.visit import names_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from betterguard.audit.facts import Expr
    from betterguard.audit.project import FunctionRef

MAX_ROUNDS = 4
"""Assignments followed from a seed: each round finds what is computed from the one before."""


def derived(function: FunctionRef, seeds: Iterable[str]) -> set[str]:
    """Give the seeds and every local name that is computed from one of them."""
    found = set(seeds)
    for _ in range(MAX_ROUNDS):
        size = len(found)
        for name, values in function.assigned.items():
            if name not in found and any(mentions(value, found) for value in values):
                found.add(name)
        if len(found) == size:
            break
    return found


def mentions(expr: Expr, names: set[str]) -> bool:
    """Whether an expression reads one of the names, whole or an attribute of it."""
    return any(holds(names, name) for name in names_in(expr))


def holds(names: set[str], name: str) -> bool:
    """Whether a dotted name is one of the names, or begins with one."""
    while name:
        if name in names:
            return True
        name = name.rpartition(".")[0]
    return False
