from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

from betterguard.cli.program import app
from betterguard.skill import skill_folder

if TYPE_CHECKING:
    from pathlib import Path

RUN = CliRunner()


def test_path_tells_where_the_skill_is() -> None:
    told = RUN.invoke(app, ["skill", "path"])
    assert told.exit_code == 0
    assert told.stdout.strip() == str(skill_folder())


def test_install_tells_what_it_did(tmp_path: Path) -> None:
    told = RUN.invoke(app, ["skill", "install", "--claude", str(tmp_path)])
    assert told.exit_code == 0
    assert told.stdout.count(": written") == 2
    assert (tmp_path / ".claude" / "skills" / "auth-integration" / "SKILL.md").is_file()


def test_a_changed_copy_is_wrong_usage(tmp_path: Path) -> None:
    RUN.invoke(app, ["skill", "install", str(tmp_path)])
    page = tmp_path / ".agents" / "skills" / "auth-integration" / "SKILL.md"
    page.write_text("mine", encoding="utf-8")
    told = RUN.invoke(app, ["skill", "install", str(tmp_path)])
    assert told.exit_code == 2
    assert "--force" in told.stderr
    assert page.read_text(encoding="utf-8") == "mine"
    assert RUN.invoke(app, ["skill", "install", "--force", str(tmp_path)]).exit_code == 0
