"""The branch that lets callers in without a token goes."""

from __future__ import annotations

from betterguard.repair.fixes._branches import without_branch as fix

__all__ = ["fix"]
