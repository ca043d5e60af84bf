"""The guard verifies in place of code that is written by hand."""

from __future__ import annotations

from betterguard.repair.fixes._guarding import guarded as fix

__all__ = ["fix"]
