"""Better Auth tokens in, only your own rows out: the names that people import."""

from __future__ import annotations
