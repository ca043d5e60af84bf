"""These run on Windows alone: ``make test-windows``."""

from __future__ import annotations

import sys

collect_ignore_glob = [] if sys.platform == "win32" else ["*"]
