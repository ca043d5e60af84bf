"""The demo in several processes of everything, and what becomes of it under fault."""

from __future__ import annotations
