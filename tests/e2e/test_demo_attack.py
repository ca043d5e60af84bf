from __future__ import annotations

import io
from threading import Event
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from demo.attack import run_attack

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.node, pytest.mark.timeout(300)]

# Only Better Auth can sign these.
NEED_THE_KEY = {"not-yet-valid", "other-audience", "other-issuer", "odd-claims", "other-kind"}


def test_nothing_gets_through_the_demo(tmp_path: Path) -> None:
    told = io.StringIO()
    result = run_attack(tmp_path / "attack.html", Console(file=told, width=160), Event())
    assert [(cell.operation, cell.attack.name, cell.note) for cell in result.open] == []
    assert result.unexercised == []
    assert len(result.exercises) > 6
    assert result.requests > 300
    assert {cell.attack.name for cell in result.untried} == NEED_THE_KEY
    assert result.left_behind == []
    assert "nothing open" in told.getvalue()
    assert "betterguard demo" in (tmp_path / "attack.html").read_text(encoding="utf-8")
