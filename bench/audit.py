"""Precision and recall of the audit against a ground-truth file, by rule.

Usage: python -m bench.audit GROUND_TRUTH.json FOLDER [--list]

GROUND_TRUTH.json holds ``positives`` and ``negatives``: objects with ``repo`` (owner/name),
``scope`` (a folder of it), ``file``, ``line``, and ``rule`` with ``severity`` or
``must_not_report``. FOLDER holds one checkout a repository, named ``owner+name``. A finding meets
an entry when the rule's number agrees and the lines are at most TOLERANCE apart.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from betterguard.audit import audit
from betterguard.audit.finding import Finding, Severity

TOLERANCE = 2
Entry = dict[str, Any]


def main(arguments: list[str]) -> int:
    """Print the figures; with ``--list`` also every miss and every finding not in the file."""
    truth = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    folder = Path(arguments[1])
    groups: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in [*truth["positives"], *truth["negatives"]]:
        groups[entry["repo"], entry["scope"]].append(entry)
    tally = Tally()
    for (repo, scope), entries in groups.items():
        report = audit([folder / repo.replace("/", "+") / scope])
        tally.add(repo, report.findings, entries)
    tally.show(listing="--list" in arguments)
    return 0


def number(rule: str) -> str:
    """``402`` of ``BA402-utcnow`` and of ``BG402``."""
    found = re.search(r"\d+", rule)
    return found[0] if found else rule


def meets(finding: Finding, entry: Entry) -> bool:
    """Whether a finding says what an entry says."""
    wanted = entry.get("rule") or entry["must_not_report"]
    return (
        finding.path == entry["file"]
        and number(finding.rule) == number(wanted)
        and abs(finding.line - entry["line"]) <= TOLERANCE
    )


def _nearest(findings: list[Finding], line: int) -> Finding:
    return min(findings, key=lambda finding: abs(finding.line - line))


class Tally:
    """Counts hits, misses, traps and findings that the file does not know."""

    def __init__(self) -> None:
        self.hit: Counter[tuple[str, Severity]] = Counter()
        self.missed: list[tuple[str, Entry]] = []
        self.unknown: list[tuple[str, Finding]] = []
        self.known: list[tuple[str, Finding]] = []
        self.traps: list[tuple[str, Entry, Finding]] = []

    def add(self, repo: str, findings: list[Finding], entries: list[Entry]) -> None:
        """Match one scope's findings with its entries, each finding with the nearest entry."""
        free = list(findings)
        for entry in entries:
            if "rule" not in entry:
                self.traps.extend(
                    (repo, entry, f)
                    for f in findings
                    if meets(f, entry) and (f.line == entry["line"])
                )
                continue
            found = [finding for finding in free if meets(finding, entry)]
            if found:
                nearest = _nearest(found, entry["line"])
                free.remove(nearest)
                self.known.append((repo, nearest))
                self.hit[number(entry["rule"]), Severity.named(entry["severity"])] += 1
            else:
                self.missed.append((repo, entry))
        self.unknown.extend((repo, finding) for finding in free)

    def show(self, *, listing: bool) -> None:
        """Print recall by rule and by severity, precision, and the traps hit."""
        wanted = self.hit.copy()
        for _, entry in self.missed:
            wanted[number(entry["rule"]), Severity.named(entry["severity"])] += 1
        print("rule   found/wanted  not in the file")
        extra = Counter(number(finding.rule) for _, finding in self.unknown)
        for rule in sorted({rule for rule, _ in wanted} | set(extra)):
            found = sum(n for (r, _), n in self.hit.items() if r == rule)
            total = sum(n for (r, _), n in wanted.items() if r == rule)
            print(f"{rule:6} {found:5}/{total:<7} {extra[rule]:5}")
        for severity in reversed(Severity):
            found = sum(n for (_, s), n in self.hit.items() if s == severity)
            total = sum(n for (_, s), n in wanted.items() if s == severity)
            strange = sum(finding.severity == severity for _, finding in self.unknown)
            print(f"{severity.label:9} recall {found}/{total}, not in the file {strange}")
        grave = [f for _, f in self.known if f.severity >= Severity.HIGH]
        strange = sum(f.severity >= Severity.HIGH for _, f in self.unknown)
        if grave or strange:
            print(f"critical+high precision {len(grave) / (len(grave) + strange):.3f}")
        total = sum(wanted.values())
        print(f"all: recall {sum(self.hit.values())}/{total}, traps hit {len(self.traps)}")
        if listing:
            self._list()

    def _list(self) -> None:
        for repo, entry, finding in self.traps:
            print("TRAP", repo, entry["file"], finding.line, finding.rule, entry["why"])
        for repo, entry in self.missed:
            print(
                "MISS",
                repo[:6],
                entry["file"],
                entry["line"],
                entry["rule"],
                entry["severity"],
                entry["why"],
            )
        for repo, f in sorted(self.unknown, key=lambda item: -item[1].severity):
            print("NEW", repo[:6], f.path, f.line, f.rule, f.severity.label, f.message, f.evidence)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
