from __future__ import annotations

import re
from pathlib import Path

import typer

from betterguard.audit.config import LISTS
from betterguard.cli.program import app

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")


def options() -> set[str]:
    group = typer.main.get_command(app)
    command = group.commands["audit"]  # type: ignore[attr-defined]  # a group of commands
    names = {name for param in command.params for name in param.opts}
    return {name for name in names if name.startswith("--")}


def test_every_option_is_documented() -> None:
    documented = set(re.findall(r"--[a-z-]+", PAGE))
    assert {name for name in options() if name not in documented} == {"--help"} & options()


def test_every_setting_is_documented() -> None:
    table = re.search(r"\[tool\.betterguard\]\n(.*?)```", PAGE, re.DOTALL)
    assert table is not None
    named = set(re.findall(r"^([a-z-]+) =", table[1], re.MULTILINE))
    assert named == {*LISTS, "severity", "fail-on", "tests"}
