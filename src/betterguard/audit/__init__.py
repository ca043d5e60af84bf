"""Find what is wrong in a FastAPI code base without running it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from betterguard.audit.config import Config, find_config
from betterguard.audit.engine import Report, audit
from betterguard.audit.finding import Confidence, Finding, Severity

if TYPE_CHECKING:
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


if not TYPE_CHECKING:  # checkers know the names above, and no others

    def __getattr__(name: str) -> object:
        """Import the map of routes when it is first asked for: it needs the whole index."""
        if name not in {"RouteEntry", "route_map"}:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        value: object = getattr(import_module(f"{__name__}.routing"), name)
        globals()[name] = value
        return value
