"""Local time, without a zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _time as time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import File


def check(code: Code) -> Iterator[Hit]:
    """``datetime.now()`` without arguments, and references to it as a default."""
    for file in code.files("datetime"):
        found = [expr for expr in file.calls if _is_local(code, file, expr)]
        stored = _stored(code, file) if found else set()
        measured = _durations(code, file) if found else set()
        for expr in found:
            if expr.pos in measured:
                continue
            yield Hit(
                file.path,
                expr.pos,
                "local time without a zone"
                + (" is stored in a column" if expr.pos in stored else ""),
                Severity.MEDIUM if expr.pos in stored else Severity.LOW,
            )


def _is_local(code: Code, file: File, expr: Expr) -> bool:
    if not expr.parts and expr.text.endswith("now"):
        return code.project.qualify(file, expr.text) in time.NOW
    return False


def _stored(code: Code, file: File) -> set[int]:
    found: set[int] = set()
    for _, column in code.models.dates:
        if column.file is file:
            found.update(part.pos for part in column.expressions)
    names = code.models.dated
    for function in code.project.in_file(file):
        for name, value, _ in code.queries.writes(function):
            if name in names:
                found.add(value.pos)
    return found


def _durations(code: Code, file: File) -> set[int]:
    """Both ends of a difference: a duration needs no zone."""
    found: set[int] = set()
    for function in code.project.in_file(file):
        for expr in function.expressions:
            if expr.kind == "bin" and expr.text == "-":
                for side in expr.parts:
                    found.add(side.pos)
                    found.update(value.pos for value in function.assigned.get(side.text, ()))
    return found


RULE = Rule(
    id="BG406",
    name="local-now",
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    cwe=682,
    message="datetime.now() without a zone is the machine's local time.",
    why=(
        "It changes with the machine and jumps twice a year. Store and compare "
        "`datetime.now(timezone.utc)`; convert where people read it."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of("from datetime import datetime, timezone\nnow = datetime.now(timezone.utc)\n"),
        Snippet.of(
            "from datetime import datetime\ndef f():\n    start = datetime.now()\n"
            "    return datetime.now() - start\n"
        ),
    ),
    invalid=(Snippet.of("from datetime import datetime\nstamp = datetime.now()\n"),),
    fixed=(
        Snippet.of("""\
from datetime import datetime, timezone
stamp = datetime.now(timezone.utc)
"""),
    ),
)
