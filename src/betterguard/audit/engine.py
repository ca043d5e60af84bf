"""From paths to findings: read, walk, index, apply the rules, place the hits."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from betterguard.audit.code import Code, Knowledge
from betterguard.audit.environment import Environment, read_env, read_requirements
from betterguard.audit.finding import Finding, Hit
from betterguard.audit.frontend import read_auth_servers
from betterguard.audit.rules import RULES
from betterguard.audit.sources import Source, decode, kind, read, walk
from betterguard.audit.walk import read_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from betterguard.audit.facts import Module
    from betterguard.audit.rule import Rule

_NEWLINE = re.compile(rb"\r\n|\r|\n")


def audit_sources(
    sources: Iterable[Source],
    rules: Iterable[Rule] = RULES,
    knowledge: Knowledge | None = None,
    committed: frozenset[str] = frozenset(),
) -> list[Finding]:
    """Audit files that are already in memory."""
    held = {source.path: source for source in sources}
    modules = [read_module(s.path, s.text) for s in held.values() if kind(s.path) == "python"]
    code = Code(modules, environment(held.values(), committed), knowledge)
    return place(apply(code, rules), held.__getitem__)


def audit_texts(files: Mapping[str, str], rules: Iterable[Rule] = RULES) -> list[Finding]:
    """Audit a project given as texts by path."""
    return audit_sources([decode(path, text.encode()) for path, text in files.items()], rules)


def environment(sources: Iterable[Source], committed: frozenset[str]) -> Environment:
    """What the files that are not Python tell."""
    requirements, entries, servers = [], [], []
    for source in sources:
        what = kind(source.path)
        if what == "requirements":
            text = source.text.decode(errors="replace")
            requirements.extend(read_requirements(source.path, text))
        elif what == "env":
            entries.extend(read_env(source.path, source.text.decode(errors="replace")))
        elif what == "script":
            servers.extend(read_auth_servers(source.path, source.text))
    return Environment(tuple(requirements), tuple(entries), tuple(servers), committed)


def apply(code: Code, rules: Iterable[Rule]) -> Iterator[tuple[Rule, Hit]]:
    """Every hit of every rule."""
    for rule in rules:
        for hit in rule.check(code):
            yield rule, hit


def place(hits: Iterable[tuple[Rule, Hit]], source_of: Callable[[str], Source]) -> list[Finding]:
    """Turn offsets into lines and columns; one finding for each rule and line; sorted."""
    starts: dict[str, list[int]] = {}
    found: dict[tuple[str, int, str], Finding] = {}
    for rule, hit in hits:
        text = source_of(hit.path).text
        if hit.path not in starts:
            starts[hit.path] = [0, *(m.end() for m in _NEWLINE.finditer(text))]
        finding = _placed(rule, hit, text, starts[hit.path])
        key = (finding.path, finding.line, finding.rule)
        if key not in found or found[key].severity < finding.severity:
            found[key] = finding
    return sorted(found.values())


def _placed(rule: Rule, hit: Hit, text: bytes, starts: list[int]) -> Finding:
    line = hit.line or bisect.bisect_right(starts, hit.pos)
    begin = starts[line - 1] if line <= len(starts) else len(text)
    end = starts[line] if line < len(starts) else len(text)
    column = len(text[begin : hit.pos].decode(errors="replace")) + 1 if not hit.line else 1
    return Finding(
        hit.path,
        line,
        column,
        rule.id,
        rule.name,
        hit.severity if hit.severity is not None else rule.severity,
        hit.confidence if hit.confidence is not None else rule.confidence,
        hit.message,
        hit.evidence,
        rule.fixable,
        text[begin:end].decode(errors="replace").strip()[:200],
    )


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit found, and how much it read."""

    findings: list[Finding]
    files: int = 0
    lines: int = 0


def audit(paths: Iterable[Path], rules: Iterable[Rule] = RULES) -> Report:
    """Audit files and folders together as one project."""
    sources: list[Source] = []
    for root in paths:
        sources.extend(read(shown, path) for shown, path in walk(root) if kind(shown))
    modules: list[Module] = [
        read_module(s.path, s.text) for s in sources if kind(s.path) == "python"
    ]
    held = {source.path: source for source in sources}
    code = Code(modules, environment(sources, frozenset()))
    findings = place(apply(code, rules), held.__getitem__)
    return Report(findings, len(sources), sum(module.lines for module in modules))
