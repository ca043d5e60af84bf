"""Find what is wrong in a FastAPI code base without running it."""

from __future__ import annotations

from betterguard.audit.config import Config, find_config
from betterguard.audit.engine import Report, audit
from betterguard.audit.finding import Confidence, Finding, Severity
from betterguard.audit.routing import RouteEntry, route_map

__all__ = [
    "Confidence",
    "Config",
    "Finding",
    "Report",
    "RouteEntry",
    "Severity",
    "audit",
    "find_config",
    "route_map",
]
