from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from betterguard.audit.engine import audit_texts
from betterguard.audit.reports.explain import FAMILIES, overview, page
from betterguard.audit.rules import RULES

if TYPE_CHECKING:
    from betterguard.audit.rule import Rule, Snippet

PAGES = Path(__file__).resolve().parents[2] / "docs" / "rules"
VALID = [
    pytest.param(rule.id, snippet, id=f"{rule.id}-valid-{index}")
    for rule in RULES
    for index, snippet in enumerate(rule.valid)
]
INVALID = [
    pytest.param(rule.id, snippet, id=f"{rule.id}-invalid-{index}")
    for rule in RULES
    for index, snippet in enumerate(rule.invalid)
]


def found(rule: str, snippet: Snippet) -> list[str]:
    return [
        f"{finding.path}:{finding.line} {finding.message}"
        for finding in audit_texts(snippet.files)
        if finding.rule == rule
    ]


@pytest.mark.parametrize(("rule", "snippet"), VALID)
def test_a_valid_snippet_is_left_alone(rule: str, snippet: Snippet) -> None:
    assert found(rule, snippet) == []


@pytest.mark.parametrize(("rule", "snippet"), INVALID)
def test_an_invalid_snippet_is_reported(rule: str, snippet: Snippet) -> None:
    assert found(rule, snippet)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_has_an_up_to_date_page(rule: Rule) -> None:
    assert (PAGES / f"{rule.id}.md").read_text(encoding="utf-8") == page(rule)


def test_the_overview_is_up_to_date() -> None:
    assert (PAGES / "README.md").read_text(encoding="utf-8") == overview()


def test_no_page_is_left_of_a_rule_that_is_gone() -> None:
    assert {path.stem for path in PAGES.glob("BG*.md")} == {rule.id for rule in RULES}


def test_every_rule_has_examples_of_both_kinds_and_a_family() -> None:
    lacking = [
        rule.id
        for rule in RULES
        if not rule.valid or not rule.invalid or rule.id[:3] not in FAMILIES
    ]
    assert lacking == []


def test_ids_and_names_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)
