"""What every test of the attacks shares: patience with a machine that stands still."""

from __future__ import annotations

import importlib

import pytest

LONG = 120.0  # seconds; only ever reached when something is broken


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait long for a WebSocket's first word; no socket of these tests is silent."""
    websockets = importlib.import_module("betterguard.live.attack.websockets")
    monkeypatch.setattr(websockets, "PATIENCE", LONG)
