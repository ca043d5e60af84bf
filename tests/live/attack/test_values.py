from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest

from betterguard.live.attack.markers import Marker
from betterguard.live.attack.values import NO_VALUE, Values

MARKER = Marker("bgkey", "qsecret")


def made(schema: dict[str, Any], name: str = "field", **options: Any) -> Any:
    values = Values(MARKER, Random(1), lambda *_: NO_VALUE, **options)  # noqa: S311  repeatable
    return values.make(schema, name)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param({"const": 3}, 3, id="const"),
        pytest.param({"enum": [None, "a", "b"]}, "a", id="enum"),
        pytest.param({"type": "string"}, "bgkey qsecret", id="text"),
        pytest.param({"type": "string", "maxLength": 8}, "qsecret", id="short-text"),
        pytest.param({"type": "string", "default": "open"}, "open", id="default"),
        pytest.param({"type": ["null", "integer"]}, 1, id="list-of-types"),
        pytest.param({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, False, id="any-of"),
        pytest.param({"type": "integer", "exclusiveMinimum": 4}, 5, id="exclusive-minimum"),
        pytest.param({"type": "integer", "maximum": 0}, 0, id="maximum"),
        pytest.param({"type": "integer", "minimum": 7, "multipleOf": 5}, 10, id="multiple"),
        pytest.param({"type": "array", "items": {"type": "integer"}}, [1], id="array"),
        pytest.param({"type": "array", "maxItems": 0}, [], id="empty-array"),
        pytest.param(
            {"type": "string", "pattern": "^QQ-[0-9]{3}$"}, NO_VALUE, id="unknown-pattern"
        ),
        pytest.param({}, "bgkey qsecret", id="anything"),
    ],
)
def test_a_value_keeps_to_its_schema(schema: dict[str, Any], value: Any) -> None:
    assert made(schema) == value


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("uuid", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-.*"),
        ("email", r"qsecret@example\.com"),
        ("date", r"\d{4}-\d\d-\d\d"),
        ("date-time", r"\d{4}-\d\d-\d\dT12:30:00Z"),
        ("uri", r"https://example\.com/qsecret"),
    ],
)
def test_a_text_has_its_format(form: str, pattern: str) -> None:
    assert re.fullmatch(pattern, made({"type": "string", "format": form}))


@pytest.mark.parametrize(
    "pattern",
    [r"^\d{4}-\d\d-\d\d$", r"^#[0-9a-f]{6}$", r"^[a-z0-9]+$", r"^[^\x00]*$", r"^\d\d:\d\d$"],
)
def test_common_patterns_are_met(pattern: str) -> None:
    assert re.search(pattern, made({"type": "string", "pattern": pattern}))


OBJECT = {
    "type": "object",
    "required": ["title"],
    "properties": {
        "title": {"type": "string"},
        "note": {"type": "string"},
        "project_id": {"type": "integer"},
        "user_id": {"type": "string"},
        "made_by_server": {"type": "string", "readOnly": True},
    },
}


def test_what_refers_to_something_unknown_is_left_out() -> None:
    assert made(OBJECT) == {"title": "bgkey qsecret", "note": "bgkey qsecret"}


def test_the_least_is_what_is_required() -> None:
    assert made(OBJECT, full=False) == {"title": "bgkey qsecret"}


def test_a_required_field_without_a_value_makes_the_whole_impossible() -> None:
    schema = {
        "type": "object",
        "required": ["code"],
        "properties": {"code": {"type": "string", "pattern": "^QQ-[0-9]{3}$"}},
    }
    assert made(schema) is NO_VALUE


def test_parts_are_merged() -> None:
    parts = [
        {"type": "object", "properties": {"a": {"const": 1}}},
        {"properties": {"b": {"const": 2}}, "required": ["b"]},
    ]
    assert made({"allOf": parts}) == {"a": 1, "b": 2}


def test_a_question_never_looks_like_an_answer() -> None:
    marker = Marker.new(Random(1))  # noqa: S311  repeatable
    assert marker.shows_in(marker.text)
    assert not marker.shows_in(f"nothing found for {marker.key}")
