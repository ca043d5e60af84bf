"""The demo on several processes and machines' worth of parts, and what becomes of it under fault."""

from __future__ import annotations
