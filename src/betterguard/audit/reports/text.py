"""Findings for people: grouped by file, with the source line and the evidence; or a line each."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.markup import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.engine import Report
    from betterguard.audit.finding import Finding

STYLES = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}


def text(report: Report) -> str:
    """Give the readable report, in rich's markup."""
    return "\n".join([*_files(report.findings), summary(report)])


def _files(findings: list[Finding]) -> Iterator[str]:
    for path, group in groupby(findings, key=lambda finding: finding.path):
        yield f"[bold underline]{escape(path)}[/]"
        for finding in group:
            yield from _lines(finding)
        yield ""


def _lines(finding: Finding) -> Iterator[str]:
    label = finding.severity.label
    place = f"{finding.line}:{finding.column}"
    yield (
        f"  {place:>9}  [{STYLES[label]}]{label}[/]  {escape(finding.message)}  "
        f"[dim]{finding.rule} {finding.name}[/]"
    )
    if finding.source:
        yield f"             [dim]|[/] {escape(finding.source[:120])}"
    for why in finding.evidence:
        yield f"             [dim]= {escape(why)}[/]"


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
