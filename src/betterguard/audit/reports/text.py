"""Findings for people: grouped by file, with the source line and the evidence; or a line each."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.engine import Report
    from betterguard.audit.finding import Finding

    Line = tuple[tuple[str, str], ...]
    """Pieces of text, each with its style or none."""

STYLES = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}


def text(report: Report) -> str:
    """Give the readable report, without any style."""
    return "\n".join(["".join([piece for piece, _ in line]).expandtabs() for line in lines(report)])


def lines(report: Report) -> Iterator[Line]:
    """Give the lines of the readable report, each in pieces with a style."""
    for path, group in groupby(report.findings, key=lambda finding: finding.path):
        yield ((path, "bold underline"),)
        for finding in group:
            yield from _finding(finding)
        yield ()
    yield ((summary(report), ""),)


def _finding(finding: Finding) -> Iterator[Line]:
    label = finding.severity.label
    place = f"{finding.line}:{finding.column}"
    yield (
        (f"  {place:>9}  ", ""),
        (label, STYLES[label]),
        (f"  {finding.message}  ", ""),
        (f"{finding.rule} {finding.name}", "dim"),
    )
    if finding.source:
        yield (("             ", ""), ("|", "dim"), (f" {finding.source[:120]}", ""))
    for why in finding.evidence:
        yield (("             ", ""), (f"= {why}", "dim"))


def concise(report: Report) -> str:
    """One line a finding: path, line, column, rule, severity, message."""
    return "\n".join(
        f"{f.path}:{f.line}:{f.column}: {f.rule} [{f.severity.label}] {f.message}"
        for f in report.findings
    )


def summary(report: Report) -> str:
    """How many of which severity, in how much code."""
    counts = [
        f"{sum(f.severity.label == label for f in report.findings)} {label}"
        for label in STYLES
        if any(f.severity.label == label for f in report.findings)
    ]
    found = ", ".join(counts) if counts else "no findings"
    hidden = f", {report.suppressed} suppressed" if report.suppressed else ""
    return f"{found}{hidden} in {report.files} files ({report.lines} lines of Python)"
