"""A result for people and for programs: text, JSON, JUnit, a page with the matrix."""

from __future__ import annotations

from betterguard.live.attack.reports.machine import as_json, as_junit
from betterguard.live.attack.reports.page import as_html
from betterguard.live.attack.reports.text import as_text

__all__ = ["as_html", "as_json", "as_junit", "as_text"]
