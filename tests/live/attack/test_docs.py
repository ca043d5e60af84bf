from __future__ import annotations

from pathlib import Path

import pytest

from betterguard.cli.attack import Format
from betterguard.live.attack import ATTACKS, Family
from betterguard.live.attack.catalogue import named
from tests.cli.tree import options

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "attack.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", sorted(options("attack")))
def test_every_option_is_documented(option: str) -> None:
    assert f"`{option}`" in PAGE


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_is_documented_as_it_is(name: str) -> None:
    attack = ATTACKS[name]
    row = f"| `{name}` | {attack.severity.label} | {attack.tries} | {attack.cure} |"
    assert row in PAGE


@pytest.mark.parametrize("word", [*Format, *Family])
def test_every_format_and_family_is_documented(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_every_attack_belongs_to_a_family() -> None:
    assert [one.name for family in Family for one in named(family)] == list(ATTACKS)
