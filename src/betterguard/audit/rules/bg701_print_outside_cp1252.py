"""``print`` of characters that a Windows console's code page does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _console as console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code


def check(code: Code) -> Iterator[Hit]:
    """Find prints with such characters, where nothing cures the streams."""
    if console.is_cured(code):
        return
    found = [
        (file.path, call.pos, text)
        for file in code.files("print", "stdout")
        if not file.facts.ascii
        for call in file.calls
        if console.is_print(call) and (text := console.outside(call))
    ]
    requests = console.request_code(code) if found else {}
    for path, pos, text in found:
        on_path = any(start <= pos < end for start, end in requests.get(path, ()))
        yield Hit(
            path,
            pos,
            f"print of {text} raises UnicodeEncodeError on a cp1252 console"
            + (", on the way of a request" if on_path else ""),
            Severity.MEDIUM if on_path else Severity.LOW,
        )


RULE = Rule(
    id="BG701",
    name="print-outside-cp1252",
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    cwe=176,
    message="print writes characters that cp1252 does not have.",
    why=(
        "On Windows, a redirected standard output uses the code page: an emoji or a check mark "
        "raises UnicodeEncodeError, in a route that is a 500. Characters that cp1252 has (€ — • "
        "é) are left alone. `guard.install(app)` makes the streams UTF-8."
    ),
    check=check,
    fix=Fixing.EITHER,
    valid=(
        Snippet.of("print('price: 5 \u20ac \u2014 caf\u00e9')\n"),
        Snippet.of("import sys\nsys.stdout.reconfigure(encoding='utf-8')\nprint('\u2713')\n"),
        Snippet.of("import json\nprint(json.dumps({'a': '\u2713'}))\n"),
    ),
    invalid=(
        Snippet.of("from fastapi import FastAPI\napp = FastAPI()\nprint('\u2713 started')\n"),
        Snippet.of("print('\u2713 done')\n"),
        Snippet.of("print('\\u2713 done')\n"),
    ),
    fixed=(
        Snippet.of("""\
from betterguard import force_utf8
from fastapi import FastAPI

force_utf8()
app = FastAPI()
print('\u2713 started')
"""),
        None,
        None,
    ),
)
