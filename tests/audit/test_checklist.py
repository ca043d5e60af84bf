from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from betterguard.audit.engine import audit_texts
from betterguard.audit.reports.checklist import SECTIONS, blank, filled
from betterguard.audit.rules import RULES

if TYPE_CHECKING:
    from betterguard.audit.rule import Rule

BOXES = [box for section in SECTIONS for box in section.boxes]
OPEN_ROUTE = """\
from fastapi import FastAPI

app = FastAPI()


@app.delete("/tasks/{task_id}")
def delete_task(task_id: int, db=None):
    db.delete(task_id)
"""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_leaves_exactly_one_box_open(rule: Rule) -> None:
    assert len([box for box in BOXES if rule.id.startswith(box.rules or ("-",))]) == 1


def test_a_clean_project_has_every_box_that_the_audit_can_tell() -> None:
    lines = filled([]).splitlines()
    assert sum(line.startswith("- [x]") for line in lines) == sum(bool(box.rules) for box in BOXES)
    assert all(
        "(reading code cannot tell: run `betterguard " in line for line in lines if "[ ]" in line
    )


def test_a_finding_leaves_its_box_open_and_is_named() -> None:
    findings = [found for found in audit_texts({"app.py": OPEN_ROUTE}) if found.rule == "BG101"]
    assert findings
    told = [line for line in filled(findings).splitlines() if "BG101" in line]
    assert len(told) == 1
    assert told[0].startswith("- [ ]")
    assert "1 finding at app.py:" in told[0]
    assert f"- [x] {BOXES[1].text}" in filled(findings)


def test_the_blank_one_names_a_command_for_every_box() -> None:
    assert blank().count("- [ ] ") == blank().count("`betterguard ") == len(BOXES)
