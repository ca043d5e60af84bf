"""A file that the audit could not read or parse: it says nothing about what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Rule, Snippet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code


def check(code: Code) -> Iterator[Hit]:
    """Faults of reading, and places where the syntax ends."""
    for fault in code.environment.faults:
        yield Hit(fault.path, 0, f"{fault.path} {fault.reason}", Severity.MEDIUM)
    for file in code.project.files.values():
        if file.facts.broken_at >= 0:
            yield Hit(
                file.path,
                file.facts.broken_at,
                "syntax error: what stands here was not understood, the rest was audited",
            )


RULE = Rule(
    id="BG001",
    name="unreadable-file",
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    cwe=1078,
    message="A file could not be read, decoded or parsed.",
    why=(
        "What the audit did not read may hold anything. A file with a syntax error is still "
        "audited around it; one that cannot be read, is larger than 16 MiB, or is in no "
        "encoding that Python accepts, is not."
    ),
    check=check,
    valid=(Snippet.of("type Pair[T] = tuple[T, T]\nmatch 1:\n    case 1: pass\n"),),
    invalid=(Snippet.of("def broken(:\n    pass\n"),),
)
