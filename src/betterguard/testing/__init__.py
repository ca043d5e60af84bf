"""For tests of applications: tokens, forgeries and key sets, without a Better Auth server."""

from __future__ import annotations
