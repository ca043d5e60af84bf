"""``utcnow().timestamp()``: wrong by the machine's UTC offset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _time as time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code


def check(code: Code) -> Iterator[Hit]:
    """``.timestamp()`` on ``utcnow()``, at once or through a local name."""
    for file in code.files("utcnow"):
        if "timestamp" not in file.methods:
            continue
        for expr in file.expressions:
            if (
                expr.kind == "call"
                and expr.text == ".timestamp"
                and expr.base is not None
                and time.is_utcnow(code, file, expr.base)
            ):
                yield Hit(file.path, expr.pos, "a naive UTC time is taken for local time")
        for function in code.project.in_file(file):
            for call in function.calls:
                name = call.text.removesuffix(".timestamp")
                bound = function.assigned.get(name, ()) if name != call.text else ()
                if any(time.is_utcnow(code, file, value) for value in bound):
                    yield Hit(file.path, call.pos, "a naive UTC time is taken for local time")


RULE = Rule(
    id="BG405",
    name="utcnow-timestamp",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=682,
    message="utcnow().timestamp() is off by the machine's UTC offset.",
    why=(
        "`timestamp()` takes a naive value for local time. East of Greenwich tokens expire "
        "hours late, west of it hours early; on a server in UTC nobody notices. Use "
        "`datetime.now(timezone.utc).timestamp()` or `time.time()`."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(
        Snippet.of(
            "from datetime import datetime, timezone\n"
            "now = datetime.now(timezone.utc).timestamp()\n"
        ),
    ),
    invalid=(
        Snippet.of("from datetime import datetime\nnow = datetime.utcnow().timestamp()\n"),
        Snippet.of(
            "from datetime import datetime\ndef f():\n    now = datetime.utcnow()\n"
            "    return now.timestamp()\n"
        ),
    ),
    fixed=(
        Snippet.of("""\
from datetime import datetime, timezone
now = datetime.now(timezone.utc).timestamp()
"""),
        Snippet.of("""\
from datetime import datetime, timezone
def f():
    now = datetime.now(timezone.utc)
    return now.timestamp()
"""),
    ),
)
