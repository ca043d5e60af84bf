"""The console is made UTF-8 once, for every print of such characters."""

from __future__ import annotations

from betterguard.repair.fixes._console import cured as fix

__all__ = ["fix"]
