"""Which names hold what: what they are bound to, and what is computed from others."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from betterguard.audit.visit import names_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from betterguard.audit.facts import Expr, Stmt
    from betterguard.audit.symbols import FunctionRef

MAX_ROUNDS = 4
"""Assignments followed from a seed: each round finds what is computed from the one before."""


def bindings(body: Iterable[Stmt], within: Iterable[Expr]) -> Mapping[str, list[Expr]]:
    """For each name, the expressions that are bound to it: by ``=``, ``for``, ``with``, ``:=``."""
    found: defaultdict[str, list[Expr]] = defaultdict(list)
    for stmt in body:
        if stmt.kind == "assign":
            value = stmt.exprs[-1]
            for target in stmt.exprs[:-1]:
                for part in target.parts or (target,):
                    if part.kind == "name":
                        found[part.text].append(value)
        elif stmt.kind == "for" and len(stmt.exprs) > 1:
            for part in stmt.exprs[0].parts or (stmt.exprs[0],):
                found[part.text].append(stmt.exprs[1])
    for expr in within:
        if expr.kind == "walrus" and expr.parts:
            found[expr.text].append(expr.parts[0])
    return found


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
