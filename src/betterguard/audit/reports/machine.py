"""Findings for programs: JSON with a versioned schema, SARIF 2.1.0, GitHub annotations."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from betterguard.audit.finding import Severity

if TYPE_CHECKING:
    from betterguard.audit.engine import Report
    from betterguard.audit.finding import Finding
    from betterguard.audit.rule import Rule

SCHEMA_VERSION = 1
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
    Severity.INFO: "0.5",
}
"""GitHub's bands: critical above 9.0, high from 7.0, medium from 4.0."""
_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def as_json(report: Report) -> str:
    """``version``, totals, and every finding with all that is known of it."""
    data = {
        "version": SCHEMA_VERSION,
        "files": report.files,
        "lines": report.lines,
        "suppressed": report.suppressed,
        "findings": [finding_data(finding) for finding in report.findings],
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def finding_data(finding: Finding) -> dict[str, Any]:
    """One finding as plain data; ``fix`` tells how safe its rule's fixes are, null without one."""
    from betterguard.audit.rules import BY_ID  # noqa: PLC0415  loads every rule

    fix = BY_ID[finding.rule].fix
    return {
        "rule": finding.rule,
        "name": finding.name,
        "severity": finding.severity.label,
        "confidence": finding.confidence.label,
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "message": finding.message,
        "evidence": list(finding.evidence),
        "fixable": finding.fixable,
        "fix": fix.value if fix is not None else None,
        "source": finding.source,
    }


def as_sarif(report: Report, version: str) -> str:
    """One SARIF run, with the rules that it may report and partial fingerprints."""
    from betterguard.audit.rules import RULES  # noqa: PLC0415  loads every rule

    places = {rule.id: place for place, rule in enumerate(RULES)}
    driver = {
        "name": "betterguard",
        "version": version,
        "rules": [_sarif_rule(rule) for rule in RULES],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(finding, places[finding.rule]) for finding in report.findings],
    }
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": rule.message},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.why},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["security", f"external/cwe/cwe-{rule.cwe:03}"],
            "precision": {"low": "medium", "medium": "high", "high": "very-high"}[
                rule.confidence.label
            ],
            "security-severity": _SCORES[rule.severity],
        },
    }


def _sarif_result(finding: Finding, place: int) -> dict[str, Any]:
    message = ". ".join([finding.message, *finding.evidence])
    region = {"startLine": finding.line, "startColumn": finding.column}
    return {
        "ruleId": finding.rule,
        "ruleIndex": place,
        "level": _LEVELS[finding.severity],
        "message": {"text": message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(finding.path)},
                    "region": region,
                }
            }
        ],
        "partialFingerprints": {"betterguard/v1": _fingerprint(finding)},
        "properties": {
            "severity": finding.severity.label,
            "confidence": finding.confidence.label,
        },
    }


def _fingerprint(finding: Finding) -> str:
    text = "\0".join(finding.fingerprint)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def as_github(report: Report) -> str:
    """Workflow commands that GitHub shows as annotations beside the code."""
    return "\n".join(_command(finding) for finding in report.findings)


def _command(finding: Finding) -> str:
    command = _COMMANDS[_LEVELS[finding.severity]]
    title = f"{finding.rule} {finding.name} ({finding.severity.label})"
    place = (
        f"file={_property(finding.path)},line={finding.line},col={finding.column},"
        f"title={_property(title)}"
    )
    message = "\n".join([finding.message, *finding.evidence])
    return f"::{command} {place}::{_data(message)}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
