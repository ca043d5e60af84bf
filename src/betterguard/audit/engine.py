"""From paths to findings: gather, walk, index, apply the rules, place and sift the hits."""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
import gc
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from betterguard.audit.config import Config
from betterguard.audit.environment import Environment, Fault, read_env, read_requirements
from betterguard.audit.finding import Finding, Hit
from betterguard.audit.loading import Inputs, gather, modules
from betterguard.audit.policy import suppress
from betterguard.audit.sources import Source, decode, kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from betterguard.audit.cache import Cache
    from betterguard.audit.code import Code
    from betterguard.audit.facts import Module
    from betterguard.audit.frontend import AuthServer
    from betterguard.audit.loading import Progress
    from betterguard.audit.rule import Rule

_NEWLINE = re.compile(rb"\r\n|\r|\n")
MAX_SOURCE = 200
"""Characters of a source line that a finding carries."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit found, and how much it read."""

    findings: list[Finding]
    files: int = 0
    lines: int = 0
    suppressed: int = 0
    from_cache: bool = False


def audit(  # noqa: PLR0913  each is a choice of the caller's, with a default
    paths: Iterable[Path],
    config: Config | None = None,
    *,
    cache: Cache | None = None,
    jobs: int = 1,
    relative_to: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Audit files and folders together as one project.

    Paths in findings are relative to ``relative_to``, else to the folder when there is one, else
    to the current folder. ``jobs`` is the number of processes at most; ``progress`` is told the
    phase, what is done of it, and of how much. Reads only; nothing of the project is imported or
    run.
    """
    config = config or Config()
    with _no_collection():
        inputs = gather(paths, config, relative_to)
        key = _key(inputs, config) if cache is not None else ""
        known = cache.findings(key) if cache is not None else None
        if known is not None:
            kept, hidden = known
            return Report(kept, len(inputs.sources), _lines(inputs), hidden, from_cache=True)
        facts = modules(inputs.sources, cache, jobs, progress)
        findings, suppressed = judge(inputs, facts, config, progress)
        if cache is not None:
            cache.keep_findings(key, findings, suppressed)
    return Report(findings, len(inputs.sources), _lines(inputs), suppressed)


def audit_texts(files: Mapping[str, str], config: Config | None = None) -> list[Finding]:
    """Audit a project given as texts by path."""
    sources = tuple(decode(path, text.encode()) for path, text in files.items())
    inputs = Inputs(sources, frozenset(), "")
    return judge(inputs, modules(sources), config or Config())[0]


def index(inputs: Inputs, facts: Iterable[Module], config: Config) -> Code:
    """Give the project as the rules see it."""
    from betterguard.audit.code import Code  # noqa: PLC0415  an unchanged project needs no index

    return Code(facts, _environment(inputs), config.knowledge())


def judge(
    inputs: Inputs, facts: list[Module], config: Config, progress: Progress | None = None
) -> tuple[list[Finding], int]:
    """Every finding that counts, sorted, and how many a comment suppressed."""
    rules = config.rules()
    held = {source.path: source for source in inputs.sources}
    if progress is not None:
        progress("indexing", 0, 1)
    code = index(inputs, facts, config)
    placed = place(_apply(code, rules, progress), held.__getitem__)
    kept, suppressed = suppress(placed, facts, frozenset(rule.id for rule in rules))
    return [finding for finding in kept if config.keeps(finding)], suppressed


def _environment(inputs: Inputs) -> Environment:
    """Read what the files that are not Python tell."""
    texts = [
        (source, source.text.decode(errors="replace"))
        for source in inputs.sources
        if kind(source.path) in {"requirements", "env"}
    ]
    return Environment(
        tuple(
            requirement
            for source, text in texts
            if kind(source.path) == "requirements"
            for requirement in read_requirements(source.path, text)
        ),
        tuple(
            entry
            for source, text in texts
            if kind(source.path) == "env"
            for entry in read_env(source.path, text)
        ),
        tuple(_servers(inputs)),
        inputs.committed,
        tuple(Fault(source.path, source.fault) for source in inputs.sources if source.fault),
        inputs.prefix,
    )


def _servers(inputs: Inputs) -> Iterator[AuthServer]:
    scripts = [
        source
        for source in inputs.sources
        if kind(source.path) == "script" and b"betterAuth" in source.text
    ]
    if scripts:
        from betterguard.audit.frontend import read_auth_servers  # noqa: PLC0415  loads a grammar

        for source in scripts:
            yield from read_auth_servers(source.path, source.text)


def _apply(
    code: Code, rules: Sequence[Rule], progress: Progress | None
) -> Iterator[tuple[Rule, Hit]]:
    for done, rule in enumerate(rules):
        if progress is not None:
            progress("rules", done, len(rules))
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
        text[begin : min(end, begin + 4 * MAX_SOURCE)]
        .decode(errors="replace")
        .strip()[:MAX_SOURCE],
    )


def _key(inputs: Inputs, config: Config) -> str:
    # A set's order changes from process to process, so it is sorted before it is hashed.
    settings = dataclasses.asdict(config) | {"owner_columns": sorted(config.owner_columns)}
    digest = hashlib.blake2b(repr(settings).encode(), digest_size=16)
    digest.update(repr((inputs.prefix, sorted(inputs.committed))).encode())
    for source in inputs.sources:
        digest.update(f"{source.path}\0{source.digest}\0{source.fault}\0".encode())
    return digest.hexdigest()


def _lines(inputs: Inputs) -> int:
    return sum(s.text.count(b"\n") + 1 for s in inputs.sources if kind(s.path) == "python")


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Facts are trees without cycles: the cycle collector would only look at them in vain."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():  # else the host's own objects would thaw too
                gc.freeze()
                gc.unfreeze()  # all that was made counts as old, unseen
            gc.enable()
