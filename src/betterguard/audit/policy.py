"""Which findings count: suppressions with a reason, a baseline, the lines of a change."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Finding, Severity
from betterguard.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from betterguard.audit.facts import Module

BASELINE_VERSION = 1
_HUNK = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@")


def suppress(
    findings: Iterable[Finding], modules: Iterable[Module], ran: frozenset[str]
) -> tuple[list[Finding], int]:
    """Drop what a ``# noqa: BG…`` with a reason covers; report such comments that cover nothing."""
    kept: list[Finding] = []
    used: set[tuple[str, int, str]] = set()
    reasoned: dict[tuple[str, int], set[str]] = {}
    modules = list(modules)
    for module in modules:
        for comment in module.suppressions:
            if comment.reason:
                reasoned.setdefault((module.path, comment.line), set()).update(comment.codes)
    for finding in findings:
        if finding.rule in reasoned.get((finding.path, finding.line), ()):
            used.add((finding.path, finding.line, finding.rule))
        else:
            kept.append(finding)
    count = len(used)
    if "BG002" in ran:
        kept.extend(_faulty_comments(modules, used, ran))
    return sorted(kept), count


def _faulty_comments(
    modules: Iterable[Module], used: set[tuple[str, int, str]], ran: frozenset[str]
) -> Iterator[Finding]:
    for module in modules:
        for comment in module.suppressions:
            for code in comment.codes:
                if not comment.reason:
                    message = f"noqa: {code} gives no reason, so it suppresses nothing"
                elif code in ran and (module.path, comment.line, code) not in used:
                    message = f"noqa: {code} suppresses nothing on this line"
                else:
                    continue
                yield Finding(
                    module.path,
                    comment.line,
                    1,
                    "BG002",
                    "faulty-suppression",
                    Severity.LOW,
                    Confidence.HIGH,
                    message,
                )


def write_baseline(path: Path, findings: Iterable[Finding]) -> int:
    """Write today's findings to a file; how many."""
    counted = Counter(finding.fingerprint for finding in findings)
    entries = [
        {"rule": rule, "path": file, "source": source, "count": count}
        for (rule, file, source), count in sorted(counted.items())
    ]
    data = {"version": BASELINE_VERSION, "findings": entries}
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return sum(counted.values())


def without_baseline(findings: Iterable[Finding], path: Path) -> list[Finding]:
    """Give what the baseline does not hold; an entry hides as often as it was counted."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != BASELINE_VERSION:
            fault = f"baseline {path} has version {data['version']}, expected {BASELINE_VERSION}"
            raise ConfigurationError([fault])
        known = Counter(
            {(e["rule"], e["path"], e["source"]): int(e["count"]) for e in data["findings"]}
        )
    except (OSError, ValueError, KeyError, TypeError) as err:
        fault = (
            f"baseline {path} cannot be read ({type(err).__name__}): write it with --write-baseline"
        )
        raise ConfigurationError([fault]) from err
    new: list[Finding] = []
    for finding in findings:
        if known[finding.fingerprint] > 0:
            known[finding.fingerprint] -= 1
        else:
            new.append(finding)
    return new


def changed_lines(folder: Path, revision: str) -> dict[str, set[int]]:
    """Give the lines that differ from a revision, by path; untracked files whole."""
    if revision.startswith("-"):
        raise ConfigurationError([f"expected a git revision, got {revision!r}"])
    diff = _git(
        folder, "diff", "--unified=0", "--no-color", "--no-ext-diff", "--relative", revision, "--"
    )
    found: dict[str, set[int]] = {}
    path = ""
    for line in diff.splitlines():
        if line.startswith("+++ "):
            path = line[4:].removeprefix("b/").strip('"')
        elif hunk := _HUNK.match(line):
            first, count = int(hunk[1]), int(hunk[2] or 1)
            found.setdefault(path, set()).update(range(first, first + count))
    for name in _git(folder, "ls-files", "--others", "--exclude-standard").splitlines():
        lines = (folder / name).read_bytes().count(b"\n") + 1 if (folder / name).is_file() else 0
        found[name] = set(range(1, lines + 1))
    return found


def _git(folder: Path, *arguments: str) -> str:
    import subprocess  # noqa: PLC0415  slow to import, and most audits do not ask git

    try:
        done = subprocess.run(  # noqa: S603  fixed program, no shell; the revision was checked
            ["git", *arguments],  # noqa: S607  git is found as a shell would
            cwd=folder,
            capture_output=True,
            check=True,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError) as err:
        detail = getattr(err, "stderr", b"") or b""
        said = detail.decode(errors="replace").strip().splitlines()
        fault = f"git {arguments[0]} failed in {folder}: {said[0] if said else type(err).__name__}"
        raise ConfigurationError([fault]) from err
    return done.stdout.decode(errors="replace")


def on_lines(findings: Iterable[Finding], changed: dict[str, set[int]]) -> list[Finding]:
    """Only the findings on changed lines."""
    return [finding for finding in findings if finding.line in changed.get(finding.path, ())]
