"""The skill: valid by the specification, true of the command line, the rules and the library."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer
from skills_ref.parser import parse_frontmatter  # type: ignore[import-untyped]  # ships no hints
from skills_ref.validator import validate  # type: ignore[import-untyped]  # as above
from typer.core import TyperGroup

from betterguard.audit.rules import BY_ID
from betterguard.errors import ConfigurationError
from betterguard.skill import NAME, Outcome, install_skill, skill_folder
from scripts.skill_assets import assets
from tests.cli.tree import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = skill_folder()
PAGES = sorted(FOLDER.rglob("*.md"))
# https://agentskills.io/specification
KEYS = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
LONGEST_DESCRIPTION = 1024
LONGEST_COMPATIBILITY = 500
LONGEST_BODY = 200


def front_matter() -> tuple[dict[str, Any], str]:
    head, body = parse_frontmatter((FOLDER / "SKILL.md").read_text(encoding="utf-8"))
    return head, body


def test_the_specifications_own_validator_accepts_it() -> None:
    assert validate(FOLDER) == []


def test_the_front_matter_is_the_specifications() -> None:
    head, body = front_matter()
    assert set(head) <= KEYS
    assert head["name"] == NAME == FOLDER.name
    assert 0 < len(head["description"]) <= LONGEST_DESCRIPTION
    assert len(head["compatibility"]) <= LONGEST_COMPATIBILITY
    assert len(body.splitlines()) < LONGEST_BODY


def test_the_description_says_what_when_and_when_not() -> None:
    description = front_matter()[0]["description"]
    assert "Use it to" in description
    assert "Not for:" in description


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_stays_inside_and_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    for target in targets:
        found = (page.parent / target).resolve()
        assert found.is_relative_to(FOLDER), target
        assert found.exists(), target


def test_every_reference_is_named_and_says_when_to_read_it() -> None:
    body = front_matter()[1]
    for page in (FOLDER / "references").iterdir():
        assert f"references/{page.name}" in body
        assert "\nRead this when " in page.read_text(encoding="utf-8")


def test_the_assets_are_made_from_their_sources() -> None:
    for file, text in assets().items():
        assert file.read_text(encoding="utf-8") == text


def commands() -> Iterator[Any]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        inline = re.findall(r"`(betterguard [^`]+)`", text)
        lines = [line for block in blocks for line in block.splitlines()] + inline
        for line in lines:
            if line.startswith("betterguard "):
                yield pytest.param(shlex.split(line)[1:], id=f"{page.stem}: {line}")


@pytest.mark.parametrize("words", list(commands()))
def test_every_command_parses(words: list[str]) -> None:
    called = command(words.pop(0))
    while isinstance(called, TyperGroup):
        called = called.get_command(typer.Context(called), words.pop(0))
    assert called is not None
    called.make_context("betterguard", words)


def test_every_rule_exists() -> None:
    families = {rule[:3] for rule in BY_ID}
    for page in PAGES:
        for name in re.findall(r"\bBG\d(?:\d\d|xx)", page.read_text(encoding="utf-8")):
            known = name[:3] in families if name.endswith("xx") else name in BY_ID
            assert known, f"{page.name}: {name}"


def python_blocks() -> Iterator[Any]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        for number, block in enumerate(blocks, 1):
            yield pytest.param(block, id=f"{page.stem}-{number}")


@pytest.mark.parametrize("block", list(python_blocks()))
def test_every_python_block_runs(block: str, tmp_path: Path) -> None:
    environment = {
        "BETTER_AUTH_URL": "http://localhost:3000",
        "FRONTEND_URL": "http://localhost:3000",
        "PYTHONPATH": str(FOLDER.parents[3]),
        "PYTHONWARNINGS": "error",
    }
    ran = subprocess.run(
        [sys.executable, "-c", block],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_installing_writes_once_and_then_says_so(tmp_path: Path) -> None:
    first = install_skill(tmp_path, claude=True)
    assert {target.relative_to(tmp_path).parts[0] for target in first} == {".agents", ".claude"}
    assert set(first.values()) == {Outcome.WRITTEN}
    assert set(install_skill(tmp_path, claude=True).values()) == {Outcome.UP_TO_DATE}
    for target in first:
        assert (target / "SKILL.md").read_bytes() == (FOLDER / "SKILL.md").read_bytes()
        assert [entry.name for entry in target.parent.iterdir()] == [NAME]


@pytest.mark.parametrize("change", ["edited", "added", "removed"])
def test_a_changed_copy_is_kept_unless_told_otherwise(tmp_path: Path, change: str) -> None:
    (target,) = install_skill(tmp_path)
    page = target / "SKILL.md"
    if change == "edited":
        page.write_text("mine", encoding="utf-8")
    elif change == "added":
        (target / "notes.md").write_text("mine", encoding="utf-8")
    else:
        page.unlink()
    with pytest.raises(ConfigurationError, match="older or was changed; --force"):
        install_skill(tmp_path, claude=True)
    assert not (tmp_path / ".claude").exists()
    assert install_skill(tmp_path, force=True) == {target: Outcome.REPLACED}
    assert install_skill(tmp_path) == {target: Outcome.UP_TO_DATE}


def test_a_missing_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a folder"):
        install_skill(tmp_path / "nowhere")
