"""Fix what can be fixed: rule by rule, each time audited again, taken back where it did no good."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from betterguard.audit.walk import read_module
from betterguard.repair.edits import OverlappingEdits
from betterguard.repair.fix import ByHand, Fix, Safety, Site
from betterguard.repair.fixes import FIXERS, ORDER, by_hand
from betterguard.repair.tidying import tidied

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tree_sitter import Node

    from betterguard.audit.facts import Module
    from betterguard.audit.finding import Finding, Hit
    from betterguard.repair.edits import Edit
    from betterguard.repair.fix import Concern
    from betterguard.repair.workspace import Workspace

MAX_ROUNDS = 5
"""One fix may make another possible; more rounds than that were never needed."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A fix that was made: its rule, where its finding stood, and what it does."""

    rule: str
    path: str
    line: int
    summary: str
    safety: Safety
    concerns: tuple[Concern, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """A finding that stays, and why; ``fix`` tells what was ready for it, if anything was."""

    finding: Finding
    reason: str
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """What became of a project: the project then, what was fixed and what was left."""

    workspace: Workspace
    applied: tuple[Applied, ...]
    left: tuple[Left, ...]

    def concerns(self) -> list[Concern]:
        """Give the places that no fix touches and a person has to look at, each once."""
        return sorted({concern for fix in self.applied for concern in fix.concerns})

    def rooms_imported(self) -> dict[str, str]:
        """Give the modules of betterguard that changed files import, each with a file that does."""
        return {
            imported.module: path
            for path in self.workspace.originals
            if path in self.workspace.facts
            for imported in self.workspace.facts[path].imports
            if imported.module.split(".", 1)[0] == "betterguard"
        }

    def brings(self, library: str) -> bool:
        """Whether a changed file imports a library that it did not import before."""
        return any(
            _imports(self.workspace.facts[path], library)
            and not (original and _imports(read_module(path, original), library))
            for path, original in self.workspace.originals.items()
            if path in self.workspace.facts
        )


def _imports(facts: Module, library: str) -> bool:
    return any(one.module.split(".", 1)[0] == library for one in facts.imports)


@dataclass(frozen=True, slots=True)
class _Ready:
    rule: str
    hit: Hit
    line: int
    fix: Fix


@dataclass
class _Run:
    unsafe: bool
    emoji: bool
    applied: list[Applied] = field(default_factory=list)
    refused: dict[tuple[str, str, bytes, str], str] = field(default_factory=dict)
    """Fixes that did no good, by rule, path, text and message, and why."""


def repair(workspace: Workspace, *, unsafe: bool = False, emoji: bool = False) -> Repair:
    """Make every safe fix, with ``unsafe`` every fix, that does good.

    It does when its finding goes and no other comes. ``emoji`` also replaces characters that
    consoles lack. Nothing is written: ``Repair.workspace.changes()`` says what would be.
    """
    run = _Run(unsafe, emoji)
    for _ in range(MAX_ROUNDS):
        before = workspace
        for rule in ORDER:
            if any(found == rule for found, _ in workspace.hits):
                workspace = _fix_rule(workspace, rule, run)
        if workspace is before:
            break
    return Repair(workspace, tuple(run.applied), tuple(_left(workspace, run)))


def _fix_rule(workspace: Workspace, rule: str, run: _Run) -> Workspace:
    ready = [item for item in _ready(workspace, rule, run) if isinstance(item, _Ready)]
    accepted, after = _settle(workspace, [], _apart(workspace, ready), run)
    run.applied.extend(
        Applied(
            item.rule,
            item.hit.path,
            item.line,
            item.fix.summary,
            item.fix.safety,
            item.fix.concerns,
        )
        for item in accepted
    )
    return after if accepted else workspace


def _ready(workspace: Workspace, rule: str, run: _Run) -> Iterator[_Ready | tuple[Hit, Left | str]]:
    """Give what can be tried for each finding of a rule, or why nothing can."""
    roots: dict[str, Node] = {}
    for found, hit in workspace.hits:
        if found != rule:
            continue
        told = _told(workspace, rule, hit, run, roots)
        yield told if isinstance(told, _Ready) else (hit, told)


def _told(
    workspace: Workspace, rule: str, hit: Hit, run: _Run, roots: dict[str, Node]
) -> _Ready | str:
    """Give a fix to try, or the reason why a person has to look."""
    if rule not in FIXERS or hit.path not in workspace.facts:
        return by_hand(rule)
    refused = run.refused.get(_mark(workspace, rule, hit))
    if refused is not None:
        return refused
    fix = FIXERS[rule](
        Site(workspace.code, hit, workspace.texts, run.emoji, workspace.outside, roots)
    )
    if isinstance(fix, ByHand):
        return fix.reason
    return _objection(workspace, fix, run) or _Ready(rule, hit, workspace.line(hit), fix)


def _objection(workspace: Workspace, fix: Fix, run: _Run) -> str:
    """Tell why a fix is not even tried."""
    foreign = [path for path in fix.edits if not workspace.can_write(path)]
    if foreign:
        return f"{foreign[0]} is not UTF-8 or exists already"
    if fix.safety is Safety.UNSAFE and not run.unsafe:
        return f"{fix.summary}: with --unsafe-fixes"
    return ""


def _mark(workspace: Workspace, rule: str, hit: Hit) -> tuple[str, str, bytes, str]:
    return rule, hit.path, workspace.texts[hit.path], f"{hit.pos}{hit.message}"


def _apart(workspace: Workspace, ready: Iterable[_Ready]) -> list[_Ready]:
    """Give those whose edits do not touch the same bytes; the others wait for the next round."""
    chosen: list[_Ready] = []
    for item in ready:
        if item.fix.alone and any(other.fix.alone for other in chosen):
            continue
        try:
            _together(workspace, [*chosen, item])
        except OverlappingEdits:
            continue
        chosen.append(item)
    return chosen


def _together(workspace: Workspace, items: Iterable[_Ready]) -> Workspace:
    edits: dict[str, list[Edit]] = {}
    for item in items:
        for path, wanted in item.fix.edits.items():
            edits.setdefault(path, []).extend(wanted)
    return workspace.edited(edits)


def _settle(
    base: Workspace, accepted: list[_Ready], candidates: list[_Ready], run: _Run
) -> tuple[list[_Ready], Workspace]:
    """Give the fixes that hold together, and the project with them; halve to find the bad ones."""
    if not candidates:
        return accepted, base
    wanted = [*accepted, *candidates]
    after = tidied(base, _together(base, wanted))
    fault = _fault(base, after, wanted)
    if not fault:
        return wanted, after
    if len(candidates) == 1:
        run.refused[_mark(base, candidates[0].rule, candidates[0].hit)] = fault
        if not accepted:
            return [], base
        return accepted, tidied(base, _together(base, accepted))
    middle = len(candidates) // 2
    held, _ = _settle(base, accepted, candidates[:middle], run)
    rest, after = _settle(base, held, candidates[middle:], run)
    return rest, after


def _fault(before: Workspace, after: Workspace, made: list[_Ready]) -> str:
    """Tell what is wrong with fixes: a file that breaks, a finding that stays or comes."""
    for path in {path for item in made for path in item.fix.edits}:
        was_fine = path not in before.texts or before.compiles(path)
        if path.endswith(".py") and was_fine and not after.compiles(path):
            return f"rolled back: {path} no longer parses"
    wanted = Counter((item.rule, item.hit.path) for item in made)
    for key, count in wanted.items():
        if after.counts[key] > before.counts[key] - count:
            return "rolled back: the finding stays"
    allowed = frozenset[str]().union(*(item.fix.exposes for item in made))
    for (rule, path), count in after.counts.items():
        if count > before.counts[rule, path] and rule not in allowed:
            return f"rolled back: it would bring {rule} to {path}"
    return ""


def _left(workspace: Workspace, run: _Run) -> Iterator[Left]:
    """Give the reason for every finding that is still there."""
    reasons: dict[tuple[str, str, int], str] = {}
    for rule, hit in workspace.hits:
        told = _told(workspace, rule, hit, run, {})
        reason = "more than one fix wants these lines" if isinstance(told, _Ready) else told
        reasons.setdefault((rule, hit.path, workspace.line(hit)), reason)
    for finding in workspace.findings:
        key = (finding.rule, finding.path, finding.line)
        yield Left(finding, reasons.get(key, by_hand(finding.rule)))
