"""What every test of the doctor shares: patience with a machine that stands still."""

from __future__ import annotations

import pytest

from betterguard.live.doctor import connecting, exchange, keys

LONG = 120.0  # seconds; only ever reached when something is broken


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait long for what must come; a test of silence sets a limit of its own."""
    for module in (exchange, keys):
        monkeypatch.setattr(module, "DEADLINE", LONG)
    monkeypatch.setattr(connecting, "CONNECT_SECONDS", int(LONG))
    monkeypatch.setattr(connecting, "STATEMENT_MILLISECONDS", int(LONG * 1000))
