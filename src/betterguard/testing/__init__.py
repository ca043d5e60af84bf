"""For tests of applications: tokens, forgeries, key sets, and paths to other users' rows."""

from __future__ import annotations
