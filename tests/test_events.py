from __future__ import annotations

import ast
import logging
import re
from pathlib import Path

import pytest

from betterguard.events import Event

ROOT = Path(__file__).resolve().parent.parent
# Not the templates: what they log belongs to the application that they are written into.
SOURCES = sorted(
    source
    for source in (ROOT / "src" / "betterguard").rglob("*.py")
    if "templates" not in source.parts
)
LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "log"}
PAGE = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
STANDARD = set(vars(logging.makeLogRecord({})))


def log_calls(source: Path) -> list[ast.Call]:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LEVELS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "logger"
    ]


CALLS = [
    pytest.param(call, id=f"{source.relative_to(ROOT)}:{call.lineno}")
    for source in SOURCES
    for call in log_calls(source)
]


@pytest.mark.parametrize("call", CALLS)
def test_every_log_record_has_an_event(call: ast.Call) -> None:
    assert "extra" in {keyword.arg for keyword in call.keywords}


def test_there_are_log_calls_to_look_at() -> None:
    assert len(CALLS) >= len(Event)


@pytest.mark.parametrize("event", Event)
def test_every_event_is_told_somewhere(event: Event) -> None:
    users = [source for source in SOURCES if f"Event.{event.name}" in source.read_text("utf-8")]
    assert [source for source in users if source.name != "events.py"]


def test_every_event_is_documented_and_no_other() -> None:
    rows = re.findall(
        r"^\| `(betterguard\.[a-z_.]+)` \| [^|]*(?:info|warning|error)", PAGE, re.MULTILINE
    )
    assert rows == [event.value for event in Event]


@pytest.mark.parametrize("call", CALLS)
def test_every_field_is_documented_and_fits_into_a_record(call: ast.Call) -> None:
    extra = next(keyword.value for keyword in call.keywords if keyword.arg == "extra")
    assert isinstance(extra, ast.Call)
    for keyword in extra.keywords:
        assert f"`{keyword.arg}`" in PAGE
        assert keyword.arg not in STANDARD
