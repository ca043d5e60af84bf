"""A result for programs: JSON with a versioned schema, and JUnit's XML for build servers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from betterguard.live.attack.reports.gaps import gaps
from betterguard.live.attack.result import Verdict

if TYPE_CHECKING:
    from betterguard.live.attack.result import Cell, Result

__all__ = ["SCHEMA_VERSION", "as_json", "as_junit"]

SCHEMA_VERSION = 1
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_json(result: Result) -> str:
    """``version``, totals, operations, the matrix cell by cell, gaps and left-overs."""
    data = {
        "version": SCHEMA_VERSION,
        "target": result.target,
        "title": result.title,
        "requests": result.requests,
        "seconds": round(result.seconds, 3),
        "totals": {verdict.value: result.count()[verdict] for verdict in Verdict},
        "operations": [
            {
                "operation": one.operation,
                "exercised": one.done,
                "public": one.public,
                "status": one.status,
                "reason": one.reason,
            }
            for one in result.exercises.values()
        ],
        "cells": [_cell(cell) for cell in result.cells.values()],
        "not_tried": [{"what": what, "why": why} for what, why in gaps(result)],
        "left_behind": result.left_behind,
        "notes": result.notes,
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def _cell(cell: Cell) -> dict[str, Any]:
    data: dict[str, Any] = {
        "operation": cell.operation,
        "attack": cell.attack.name,
        "family": cell.attack.family.value,
        "severity": cell.attack.severity.label,
        "verdict": cell.verdict.value,
        "requests": cell.requests,
        "note": cell.note,
    }
    if cell.exchange is not None:
        data["request"] = cell.exchange.request_lines()
        data["answer"] = cell.exchange.answer_lines()
    return data


def as_junit(result: Result) -> str:
    """One suite for each operation, one case for each attack: failed when it is open."""
    root = Element("testsuites", name=_xml(f"betterguard attack {result.target}"))
    for exercise in result.exercises.values():
        cells = [one for one in result.cells.values() if one.operation == exercise.operation]
        count = {verdict: sum(one.verdict is verdict for one in cells) for verdict in Verdict}
        suite = SubElement(
            root,
            "testsuite",
            name=_xml(exercise.operation),
            tests=str(len(cells) + 1),
            failures=str(count[Verdict.OPEN]),
            skipped=str(count[Verdict.UNTRIED] + (not exercise.done)),
        )
        case = SubElement(suite, "testcase", classname=_xml(exercise.operation), name="valid token")
        if not exercise.done:
            SubElement(case, "skipped", message=_xml(exercise.reason))
        for cell in cells:
            _case(suite, cell)
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True)


def _case(suite: Element, cell: Cell) -> None:
    case = SubElement(suite, "testcase", classname=_xml(cell.operation), name=cell.attack.name)
    if cell.verdict is Verdict.UNTRIED:
        SubElement(case, "skipped", message=_xml(cell.note))
    elif cell.verdict is Verdict.OPEN:
        failure = SubElement(
            case, "failure", message=_xml(cell.note), type=cell.attack.severity.label
        )
        if cell.exchange is not None:
            lines = [*cell.exchange.request_lines(), "", *cell.exchange.answer_lines()]
            failure.text = _xml("\n".join(lines))


def _xml(text: str) -> str:
    """Leave out what XML 1.0 cannot hold."""
    return _NOT_IN_XML.sub("\ufffd", text)
