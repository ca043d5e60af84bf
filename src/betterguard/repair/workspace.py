"""A project as it is, or as it would be after some edits, and what the audit says of it."""

from __future__ import annotations

import ast
import bisect
import codecs
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from betterguard.audit.engine import index, judge
from betterguard.audit.finding import Severity
from betterguard.audit.loading import Inputs, gather, modules
from betterguard.audit.sources import decode, kind
from betterguard.audit.walk import read_module
from betterguard.repair.edits import apply
from betterguard.repair.outside import Outside, beside, is_of_tests
from betterguard.repair.writing import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from betterguard.audit.code import Code
    from betterguard.audit.config import Config
    from betterguard.audit.facts import Module
    from betterguard.audit.finding import Finding, Hit
    from betterguard.repair.edits import Edit

_NEWLINE = re.compile(rb"\r\n|\r|\n")
Counts = Counter[tuple[str, str]]
"""How many findings of a rule stand in a file."""


@dataclass(frozen=True)
class Workspace:
    """Files with their facts; edited, it gives another one, and nothing is written."""

    inputs: Inputs
    facts: Mapping[str, Module]
    config: Config
    base: Path
    stored: Callable[[str], bytes | None]
    """Gives a file's bytes as they are kept; None where there is none."""
    originals: Mapping[str, bytes | None] = field(default_factory=dict)
    """The bytes of every file that is changed, as they were; None for a new one."""
    outside: Outside = field(default_factory=Outside)
    """Tests and other files that are not fixed, and may name what is."""

    @cached_property
    def texts(self) -> dict[str, bytes]:
        """Every file's text by path."""
        return {source.path: source.text for source in self.inputs.sources}

    @cached_property
    def code(self) -> Code:
        """The index that rules and fixers read."""
        return index(self.inputs, self.facts.values(), self.config)

    @property
    def _whole(self) -> Config:
        """The configuration with every rule on: a fix may not bring what is not looked for."""
        return replace(self.config, select=("BG",), ignore=(), severity=Severity.INFO)

    @cached_property
    def _all_findings(self) -> list[Finding]:
        return judge(self.inputs, list(self.facts.values()), self._whole)[0]

    @cached_property
    def _all_hits(self) -> list[tuple[str, Hit]]:
        """Every hit behind a finding of any rule, with the rule's id."""
        counted = {(found.rule, found.path, found.line) for found in self._all_findings}
        return [
            (rule.id, hit)
            for rule in self._whole.rules()
            for hit in rule.check(self.code)
            if (rule.id, hit.path, self.line(hit)) in counted
        ]

    @cached_property
    def findings(self) -> list[Finding]:
        """What the audit reports with the project's configuration."""
        wanted = {rule.id for rule in self.config.rules()}
        return [
            found
            for found in self._all_findings
            if found.rule in wanted and self.config.keeps(found)
        ]

    @cached_property
    def hits(self) -> list[tuple[str, Hit]]:
        """Every hit behind such a finding, with its rule's id."""
        counted = {(found.rule, found.path, found.line) for found in self.findings}
        return [
            (rule, hit)
            for rule, hit in self._all_hits
            if (rule, hit.path, self.line(hit)) in counted
        ]

    @cached_property
    def counts(self) -> Counts:
        """How many findings of any rule there are, by rule and file."""
        return Counter((rule, hit.path) for rule, hit in self._all_hits)

    @cached_property
    def _starts(self) -> dict[str, list[int]]:
        return {}

    def line(self, hit: Hit) -> int:
        """Give the line of a hit, from 1."""
        if hit.line:
            return hit.line
        if hit.path not in self._starts:
            text = self.texts[hit.path]
            self._starts[hit.path] = [0, *(found.end() for found in _NEWLINE.finditer(text))]
        return bisect.bisect_right(self._starts[hit.path], hit.pos)

    def edited(self, edits: Mapping[str, Iterable[Edit]]) -> Workspace:
        """Give the project with edits made."""
        raw = {path: apply(self.texts.get(path, b""), changes) for path, changes in edits.items()}
        return self.with_texts(raw)

    def with_texts(self, texts: Mapping[str, bytes]) -> Workspace:
        """Give the project with other texts in some files, new ones included."""
        held = [
            replace(source, text=texts[source.path]) if source.path in texts else source
            for source in self.inputs.sources
        ]
        new = [decode(path, text) for path, text in texts.items() if path not in self.texts]
        facts = dict(self.facts)
        for path in texts:
            if kind(path) == "python":
                facts[path] = read_module(path, texts[path])
        originals = dict(self.originals)
        for path in texts:
            originals.setdefault(path, self.stored(path))
        inputs = replace(self.inputs, sources=(*held, *new))
        return replace(self, inputs=inputs, facts=facts, originals=originals)

    def can_write(self, path: str) -> bool:
        """Whether the file is UTF-8, so that edits of its text are edits of its bytes."""
        if path not in self.texts:
            return self.stored(path) is None
        return path in self.originals or self._marked(path, self.stored(path)) is not None

    def _marked(self, path: str, original: bytes | None) -> bytes | None:
        """Give the text as bytes, with its byte order mark; None where it is not UTF-8."""
        mark = codecs.BOM_UTF8 if (original or b"").startswith(codecs.BOM_UTF8) else b""
        if path not in self.originals and mark + self.texts[path] != original:
            return None
        return mark + self.texts[path]

    def changes(self) -> list[Change]:
        """Give the files that differ from those on the disk."""
        listed = [
            Change(self.base / path, original, self._marked(path, original) or b"")
            for path, original in self.originals.items()
        ]
        return [change for change in listed if change.before != change.after]

    def compiles(self, path: str) -> bool:
        """Whether this Python can parse the file."""
        try:
            ast.parse(self.texts[path])
        except (SyntaxError, ValueError, RecursionError):
            return False
        return True


def read_project(paths: Iterable[Path], config: Config, base: Path) -> Workspace:
    """Read a project as the audit does; paths are relative to ``base``."""
    roots = list(paths)
    inputs = gather(roots, config, base)
    facts = {module.path: module for module in modules(inputs.sources)}

    def stored(path: str) -> bytes | None:
        place = base / path
        return place.read_bytes() if place.is_file() else None

    outside = beside(roots, facts.keys(), base)
    return Workspace(inputs, facts, config, base, stored, outside=outside)


def in_memory(files: Mapping[str, str | bytes], config: Config) -> Workspace:
    """Give a project that stands on no disk; its tests are outside, as on one."""
    raw = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    tests = {path: text for path, text in raw.items() if is_of_tests(path)}
    sources = tuple(
        decode(path, text) for path, text in raw.items() if config.tests or path not in tests
    )
    facts = {module.path: module for module in modules(sources)}
    inputs = Inputs(sources, frozenset(), "")
    return Workspace(inputs, facts, config, Path(), raw.get, outside=Outside(tests))
