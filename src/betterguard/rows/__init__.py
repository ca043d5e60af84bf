"""Whose rows may this session touch? The caller's own, whatever statement is written."""

from __future__ import annotations

from betterguard.rows.engine import isolate, ownership_of
from betterguard.rows.inspection import Finding, Report, inspect_database
from betterguard.rows.keys import owned_index, owned_reference, owned_unique
from betterguard.rows.ownership import Owned, Ownership, Rule, closed, owner, shared, via
from betterguard.rows.policies import grants, policies
from betterguard.rows.sessions import engine_for, session

__all__ = [
    "Finding",
    "Owned",
    "Ownership",
    "Report",
    "Rule",
    "closed",
    "engine_for",
    "grants",
    "inspect_database",
    "isolate",
    "owned_index",
    "owned_reference",
    "owned_unique",
    "owner",
    "ownership_of",
    "policies",
    "session",
    "shared",
    "via",
]
