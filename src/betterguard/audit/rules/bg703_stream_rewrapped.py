"""Standard streams wrapped a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.visit import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code

_BUFFERS = frozenset(
    {"sys.stdout.buffer", "sys.stderr.buffer", "sys.__stdout__.buffer", "sys.stdout.detach"}
)


def check(code: Code) -> Iterator[Hit]:
    """``TextIOWrapper(sys.stdout.buffer)`` and ``codecs.getwriter(…)(sys.stdout.buffer)``."""
    for file in code.files("stdout"):
        for call in file.expressions:
            wraps = call.text.endswith("TextIOWrapper") or call.text == "()"
            if (
                call.kind == "call"
                and wraps
                and call.parts
                and _BUFFERS & set(names_in(call.parts[0]))
            ):
                yield Hit(file.path, call.pos, "a standard stream is wrapped a second time")


RULE = Rule(
    id="BG703",
    name="stream-rewrapped",
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    cwe=675,
    message="A standard stream is wrapped a second time.",
    why=(
        "When the old wrapper is collected it closes the buffer under the new one: 'I/O "
        "operation on closed file', later and elsewhere; pytest and IDLE have no buffer at all. "
        "`sys.stdout.reconfigure(encoding='utf-8', errors='backslashreplace')` keeps the "
        "object."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(Snippet.of("import sys\nsys.stdout.reconfigure(encoding='utf-8')\n"),),
    invalid=(
        Snippet.of(
            "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')\n"
        ),
    ),
    fixed=(
        Snippet.of("""\
import sys
sys.stdout.reconfigure(encoding='utf-8', errors="backslashreplace")
"""),
    ),
)
