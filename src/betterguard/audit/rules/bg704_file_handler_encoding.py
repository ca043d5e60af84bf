"""A log file in whatever encoding the machine happens to use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.visit import keyword, positional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code

_HANDLERS = {"FileHandler": 3, "RotatingFileHandler": 5, "TimedRotatingFileHandler": 5}
_OPENS = frozenset({*_HANDLERS, "basicConfig"})


def check(code: Code) -> Iterator[Hit]:
    """File handlers, and ``basicConfig(filename=…)``, without an encoding."""
    for file in code.files("log"):
        for call in file.calls if not _OPENS.isdisjoint(file.methods) else ():
            if call.base is not None or keyword(call, "encoding") is not None:
                continue
            last = call.text.rsplit(".", 1)[-1]
            opens = last in _HANDLERS and len(positional(call)) < _HANDLERS[last]
            named = last == "basicConfig" and keyword(call, "filename") is not None
            if (
                (opens or named)
                and "**" not in call.names
                and _is_logging(code, file.path, call.text)
            ):
                yield Hit(file.path, call.pos, f"{last} without encoding")


def _is_logging(code: Code, path: str, name: str) -> bool:
    return code.project.qualify(code.project.files[path], name).startswith("logging")


RULE = Rule(
    id="BG704",
    name="file-handler-encoding",
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    cwe=176,
    message="A log file is opened without an encoding.",
    why=(
        "On Windows it is then cp1252: records with other characters fail, and the same file is "
        "read wrongly elsewhere. Say `encoding='utf-8'`."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(Snippet.of("import logging\nlogging.FileHandler('app.log', encoding='utf-8')\n"),),
    invalid=(Snippet.of("import logging\nlogging.FileHandler('app.log')\n"),),
    fixed=(
        Snippet.of("""\
import logging
logging.FileHandler('app.log', encoding="utf-8")
"""),
    ),
)
