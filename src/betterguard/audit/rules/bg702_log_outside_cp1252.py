"""Log messages with characters that a Windows console's code page does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _console as console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code


def check(code: Code) -> Iterator[Hit]:
    """Find logging calls with such characters, where nothing cures the streams."""
    if console.is_cured(code):
        return
    for file in code.files("log"):
        if file.facts.ascii:
            continue
        for call in file.calls:
            if console.is_log(call):
                text = console.outside(call)
                if text:
                    yield Hit(
                        file.path, call.pos, f"{text} in a log message is lost on a cp1252 console"
                    )


RULE = Rule(
    id="BG702",
    name="log-outside-cp1252",
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    cwe=176,
    message="A log message holds characters that cp1252 does not have.",
    why=(
        "logging catches the UnicodeEncodeError and prints a traceback instead: the line is "
        "lost and the log is full of noise. Give the handler an encoding, or make the streams "
        "UTF-8."
    ),
    check=check,
    fix=Fixing.EITHER,
    valid=(Snippet.of("import logging\nlogging.info('caf\u00e9')\n"),),
    invalid=(
        Snippet.of("import logging\nlogging.info('\u2705 saved')\n"),
        Snippet.of(
            "import logging\nfrom fastapi import FastAPI\napp = FastAPI()\n"
            "logging.info('\u2705 saved')\n"
        ),
    ),
    fixed=(
        None,
        Snippet.of("""\
import logging
from betterguard import force_utf8
from fastapi import FastAPI

force_utf8()
app = FastAPI()
logging.info('\u2705 saved')
"""),
    ),
)
