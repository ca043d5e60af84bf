from __future__ import annotations

import io
from threading import Event
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from demo.attack import run_attack

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.node, pytest.mark.timeout(1800)]

# Only Better Auth can sign these.
NEED_THE_KEY = {"not-yet-valid", "other-audience", "other-issuer", "odd-claims", "other-kind"}


def test_nothing_gets_through_the_demo(tmp_path: Path) -> None:
    told = io.StringIO()
    result = run_attack(tmp_path / "attack.html", Console(file=told, width=160), Event())
    assert [(cell.operation, cell.attack.name, cell.note) for cell in result.open] == []
    assert result.unexercised == []
    assert len(result.exercises) > 6
    assert result.requests > 300
    untried = {(cell.operation, cell.attack.name) for cell in result.untried}
    # This route fails for everybody, so nothing of anybody's can be seen in its answers.
    broken = {pair for pair in untried if pair[0] == "GET /api/fault"}
    assert {attack for _, attack in untried - broken} == NEED_THE_KEY
    assert {attack for _, attack in broken} == NEED_THE_KEY | {"list-foreign", "count-foreign"}
    assert result.left_behind == []
    assert "nothing open" in told.getvalue()
    assert "betterguard demo" in (tmp_path / "attack.html").read_text(encoding="utf-8")
