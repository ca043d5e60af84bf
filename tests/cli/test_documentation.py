from __future__ import annotations

import re
from pathlib import Path

from betterguard.audit.config import LISTS
from tests.cli.tree import options

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")


def test_every_option_is_documented() -> None:
    documented = set(re.findall(r"--[a-z-]+", PAGE))
    assert options("audit") <= documented


def test_every_setting_is_documented() -> None:
    table = re.search(r"\[tool\.betterguard\]\n(.*?)```", PAGE, re.DOTALL)
    assert table is not None
    named = set(re.findall(r"^([a-z-]+) =", table[1], re.MULTILINE))
    assert named == {*LISTS, "severity", "fail-on", "tests"}
