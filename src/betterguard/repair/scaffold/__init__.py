"""Read a project and plan what it lacks to know its callers: nothing is written here."""

from __future__ import annotations

from betterguard.repair.scaffold.plan import Advice, Plan
from betterguard.repair.scaffold.planning import plan

__all__ = ["Advice", "Plan", "plan"]
