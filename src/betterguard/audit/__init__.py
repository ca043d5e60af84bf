"""Find what is wrong in a FastAPI code base without running it."""

from __future__ import annotations

from betterguard.audit.engine import Report, audit
from betterguard.audit.finding import Confidence, Finding, Severity

__all__ = ["Confidence", "Finding", "Report", "Severity", "audit"]
