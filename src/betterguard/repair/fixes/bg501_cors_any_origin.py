"""Any origin with credentials becomes the front ends that FRONTEND_URL names."""

from __future__ import annotations

from betterguard.repair.fixes._cors import from_environment as fix

__all__ = ["fix"]
