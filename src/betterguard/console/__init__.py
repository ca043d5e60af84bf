"""Standard streams that never break: UTF-8 everywhere, quiet once nobody reads them."""

from __future__ import annotations

from betterguard.console.streams import force_utf8

__all__ = ["force_utf8"]
