"""What a rule is about, as Markdown: the pages of the documentation and ``--explain``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from betterguard.audit.rule import Fixing
from betterguard.audit.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.rule import Rule, Snippet

FAMILIES = {
    "BG0": "The audit itself",
    "BG1": "Access",
    "BG2": "Tokens",
    "BG3": "Isolation",
    "BG4": "Time",
    "BG5": "CORS",
    "BG6": "Errors",
    "BG7": "Console",
}
_FIXES = {
    None: "by hand",
    Fixing.SAFE: "safe",
    Fixing.UNSAFE: "unsafe",
    Fixing.EITHER: "safe or unsafe, by the place",
}
_LANGUAGES = {"py": "py", "ts": "typescript", "txt": "text"}


def page(rule: Rule) -> str:
    """One rule's page: what, why, what is found and what is left alone."""
    return "\n".join(_page(rule)) + "\n"


def _page(rule: Rule) -> Iterator[str]:
    yield f"# {rule.id} {rule.name}"
    yield ""
    yield f"**{rule.message}**"
    yield ""
    yield (
        f"Severity: {rule.severity.label} · confidence: {rule.confidence.label} · "
        f"[CWE-{rule.cwe}](https://cwe.mitre.org/data/definitions/{rule.cwe}.html) · "
        f"fix: {_FIXES[rule.fix]}"
    )
    yield ""
    yield rule.why
    yield ""
    yield "## Reported"
    for index, snippet in enumerate(rule.invalid):
        yield from _snippet(snippet)
        after = rule.fixed[index] if rule.fixed else None
        if after is not None:
            yield ""
            yield "Fixed:"
            yield from _changed(snippet, after)
    yield ""
    yield "## Left alone"
    for snippet in rule.valid:
        yield from _snippet(snippet)


def _snippet(snippet: Snippet) -> Iterator[str]:
    for path, text in snippet.files.items():
        yield ""
        if len(snippet.files) > 1:
            yield f"`{path}`"
            yield ""
        yield f"```{_LANGUAGES.get(path.rsplit('.', 1)[-1], 'text')}"
        yield text.strip("\n")
        yield "```"


def _changed(before: Snippet, after: Snippet) -> Iterator[str]:
    """Give the files that a fix changes or adds."""
    changed = {path: text for path, text in after.files.items() if before.files.get(path) != text}
    yield from _snippet(replace(after, files=changed))


def overview() -> str:
    """Give the list of all rules, by family."""
    lines = ["# Rules", "", "Made from the rules themselves by `python scripts/rule_pages.py`.", ""]
    for prefix, title in FAMILIES.items():
        lines += [f"## {prefix} {title}", "", "| rule | | severity |", "|---|---|---|"]
        lines += [
            f"| [{rule.id} {rule.name}]({rule.id}.md) | {rule.message} | {rule.severity.label} |"
            for rule in RULES
            if rule.id.startswith(prefix)
        ]
        lines.append("")
    return "\n".join(lines)
