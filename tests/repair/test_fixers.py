from __future__ import annotations

import ast
import codecs
from typing import TYPE_CHECKING

import pytest

from betterguard.audit.rule import Fixing
from betterguard.audit.rules import RULES
from betterguard.repair.fixes import FIXERS, by_hand
from tests.repair.fixing import repaired

if TYPE_CHECKING:
    from betterguard.audit.rule import Rule, Snippet

FIXABLE = [rule for rule in RULES if rule.fixable]
FORMS = {
    "lf": lambda text: text.encode(),
    "crlf": lambda text: text.replace("\n", "\r\n").encode(),
    "bom": lambda text: codecs.BOM_UTF8 + text.encode(),
}
VALID = [
    pytest.param(rule.id, snippet, form, id=f"{rule.id}-{index}-{form}")
    for rule in FIXABLE
    for index, snippet in enumerate(rule.valid)
    for form in FORMS
]
FIXED = [
    pytest.param(rule.id, before, after, form, id=f"{rule.id}-{index}-{form}")
    for rule in FIXABLE
    for index, (before, after) in enumerate(zip(rule.invalid, rule.fixed, strict=True))
    for form in FORMS
]


def files(snippet: Snippet, form: str) -> dict[str, bytes]:
    return {path: FORMS[form](text) for path, text in snippet.files.items()}


def test_a_rule_is_fixable_when_it_has_a_fixer() -> None:
    assert {rule.id for rule in FIXABLE} == set(FIXERS)


@pytest.mark.parametrize("rule", [r for r in RULES if not r.fixable], ids=lambda rule: rule.id)
def test_a_rule_without_fixes_tells_what_a_person_does(rule: Rule) -> None:
    assert "--explain" not in by_hand(rule.id)


@pytest.mark.parametrize("rule", FIXABLE, ids=lambda rule: rule.id)
def test_a_rule_tells_how_safe_its_fixes_are(rule: Rule) -> None:
    made = {
        fix.safety.value
        for snippet in rule.invalid
        for fix in repaired(files(snippet, "lf"), rule.id).applied
    }
    assert made <= ({"safe", "unsafe"} if rule.fix is Fixing.EITHER else {rule.fix})


@pytest.mark.parametrize("rule", FIXABLE, ids=lambda rule: rule.id)
def test_a_fixable_rule_shows_what_becomes_of_every_example(rule: Rule) -> None:
    assert len(rule.fixed) == len(rule.invalid)
    assert any(rule.fixed)


@pytest.mark.parametrize(("rule", "snippet", "form"), VALID)
def test_what_is_right_stays_to_the_byte(rule: str, snippet: Snippet, form: str) -> None:
    given = files(snippet, form)
    done = repaired(given, rule)
    assert done.applied == ()
    assert done.workspace.changes() == []


@pytest.mark.parametrize(("rule", "before", "after", "form"), FIXED)
def test_an_example_becomes_what_the_rule_shows(
    rule: str, before: Snippet, after: Snippet | None, form: str
) -> None:
    done = repaired(files(before, form), rule)
    wanted = files(after or before, form)
    made = {change.path.as_posix(): change.after for change in done.workspace.changes()}
    assert files(before, form) | made == wanted
    for path, text in made.items():
        if path.endswith(".py"):
            ast.parse(text)
