"""The demo, tried in a real browser: every promise it makes is a step here."""

from __future__ import annotations

from demo.check.run import Report, run_check

__all__ = ["Report", "run_check"]
