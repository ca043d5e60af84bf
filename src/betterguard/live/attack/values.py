"""Example values for JSON schemas: bodies that an API accepts, with a marker wherever text goes."""

from __future__ import annotations

import math
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from betterguard.live.attack.naming import is_user, refers, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from betterguard.live.attack.markers import Marker
    from betterguard.live.attack.openapi import Schema

__all__ = ["NO_VALUE", "Values", "fits"]


class _NoValue:
    """Stands for a value that cannot be given."""


NO_VALUE: Final = _NoValue()

DEPTH = 6
MOST_ITEMS = 1000
LONGEST = 100_000
"""Characters; a field that wants more gets no value."""
_BY_WORD: Mapping[str, str] = {
    "email": "{word}@example.com",
    "mail": "{word}@example.com",
    "url": "https://example.com/{word}",
    "uri": "https://example.com/{word}",
    "link": "https://example.com/{word}",
    "website": "https://example.com/{word}",
    "color": "#336699",
    "colour": "#336699",
    "phone": "+4930123456",
    "timezone": "UTC",
    "tz": "UTC",
    "language": "en",
    "locale": "en",
    "currency": "EUR",
    "country": "DE",
    "date": "{date}",
    "time": "12:30",
}
_BY_FORMAT: Mapping[str, str] = {
    "email": "{word}@example.com",
    "idn-email": "{word}@example.com",
    "uri": "https://example.com/{word}",
    "url": "https://example.com/{word}",
    "uri-reference": "/{word}",
    "hostname": "{word}.example.com",
    "date": "{date}",
    "date-time": "{date}T12:30:00Z",
    "time": "12:30:00",
    "duration": "PT1H",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "byte": "YmV0dGVyZ3VhcmQ=",
    "base64": "YmV0dGVyZ3VhcmQ=",
}
_FREE_FIELDS = ("title", "name", "description", "content", "text")
"""What is given to an object of which the document says nothing."""
_TRIED_ON_PATTERNS = (
    "{word}",
    "{date}",
    "12:30",
    "12:30:00",
    "#336699",
    "123456",
    "1",
    "A1",
    "AB",
    "ABC",
    "en",
    "en-GB",
    "UTC",
    "EUR",
    "+4930123456",
    "https://example.com/{word}",
    "{word}@example.com",
    "{uuid}",
    "a",
    "low",
    "medium",
    "daily",
    "10:00-11:00",
    "1.0.0",
    "0x1f",
)


@dataclass(frozen=True)
class Values:
    """Makes values; ``known`` gives ids for fields that refer to something, or NO_VALUE.

    With ``full`` optional fields are given too.
    """

    marker: Marker
    random: Random
    known: Callable[[str, Schema], Any]
    full: bool = True

    def make(self, schema: Schema, name: str = "", depth: int = 0) -> Any:
        """Make a value; NO_VALUE when the schema cannot be met by what is known here."""
        schema = chosen(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return next((one for one in schema["enum"] if one is not None), None)
        known = self.known(name, schema) if name else NO_VALUE
        return self._typed(schema, name, depth) if known is NO_VALUE else known

    def _typed(self, schema: Schema, name: str, depth: int) -> Any:
        match "object" if "properties" in schema else schema.get("type", "string"):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "integer" | "number":
                return _number(schema)
            case "boolean":
                return schema.get("default", False)
            case "string":
                return self._text(schema, name)
            case _:
                return None

    def _object(self, schema: Schema, depth: int) -> Any:
        made = {}
        if not schema.get("properties") and schema.get("additionalProperties", True):
            return dict.fromkeys(_FREE_FIELDS, self.marker.text)
        required = set(schema.get("required", ()))
        for name, inner in (schema.get("properties") or {}).items():
            if name not in required and (self._left_out(name, inner) or depth > DEPTH):
                continue
            value = self.make(inner, name, depth + 1)
            if value is NO_VALUE and name in required:
                return NO_VALUE
            if value is not NO_VALUE:
                made[name] = value
        return made

    def _left_out(self, name: str, schema: Schema) -> bool:
        if not self.full or schema.get("readOnly"):
            return True
        names_something = refers(name) or is_user(name) or words(name) in {("id",), ("ids",)}
        return names_something and self.known(name, schema) is NO_VALUE

    def _array(self, schema: Schema, name: str, depth: int) -> Any:
        least = max(schema.get("minItems", 0), 0 if refers(name) else 1)
        if least > MOST_ITEMS:
            return NO_VALUE
        if schema.get("maxItems") == 0:
            return []
        items = [self.make(schema.get("items") or {}, name, depth + 1) for _ in range(least)]
        if NO_VALUE in items:
            return NO_VALUE if schema.get("minItems") else []
        return items

    def _text(self, schema: Schema, name: str) -> Any:
        if schema.get("format") == "binary":
            return self.marker.text
        candidates = [*self._likely(schema, name), self.marker.fitted(schema.get("maxLength"))]
        candidates += map(self._written, _TRIED_ON_PATTERNS)
        candidates += [str(one) for one in (schema.get("example"), schema.get("default")) if one]
        candidates += [str(one) for one in _examples(schema)]
        shortest = min(schema.get("minLength", 0), LONGEST)
        candidates += [self.marker.text.ljust(shortest, "x"), "x" * max(shortest, 1)]
        return next((one for one in candidates if one and fits(one, schema)), NO_VALUE)

    def _likely(self, schema: Schema, name: str) -> list[str]:
        """Give what a format or a name asks for, the best first."""
        form = schema.get("format")
        if form == "uuid":
            return [self._written("{uuid}")]
        if form in _BY_FORMAT:
            return [self._written(_BY_FORMAT[str(form)])]
        if isinstance(schema.get("default"), str):
            return [schema["default"]]
        by_word = [_BY_WORD[word] for word in words(name) if word in _BY_WORD]
        return [self._written(one) for one in by_word]

    def _written(self, template: str) -> str:
        day = datetime.now(UTC).date() + timedelta(days=30)
        number = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        return template.format(word=self.marker.secret, date=day.isoformat(), uuid=number)


def chosen(schema: Schema) -> Schema:
    """Choose one way through anyOf and oneOf, merge allOf, and drop null from the types."""
    merged = dict(schema)
    for part in merged.pop("allOf", ()):
        part = chosen(part)  # noqa: PLW2901  the same part, with its own choices made
        for key, value in part.items():
            merged[key] = (
                _both(merged.get(key), value) if key in {"properties", "required"} else value
            )
    for choice in ("anyOf", "oneOf"):
        options = [one for one in merged.pop(choice, ()) if one.get("type") != "null"]
        if options:
            merged |= chosen(options[0])
    if isinstance(merged.get("type"), list):
        merged["type"] = next((one for one in merged["type"] if one != "null"), "null")
    return merged


def fits(text: str, schema: Schema) -> bool:
    """Tell whether a text keeps to a schema's length and pattern."""
    if not schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text)):
        return False
    pattern = schema.get("pattern")
    if not isinstance(pattern, str):
        return True
    try:
        return re.search(pattern, text) is not None
    except re.error:  # written for another engine
        return True


def _both(one: Any, other: Any) -> Any:
    if one is None:
        return other
    return {**one, **other} if isinstance(one, dict) else [*one, *other]


def _examples(schema: Schema) -> list[Any]:
    found = schema.get("examples") or []
    return list(found) if isinstance(found, list) else []


def _number(schema: Schema) -> int | float:
    default = schema.get("default")
    if isinstance(default, int | float):
        return default
    step = schema.get("multipleOf", 1)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    lows = [one for one in (schema.get("minimum"), above) if one is not None]
    value = step * math.ceil(max(lows, default=1) / step)
    if value == above:
        value += step
    if value > schema.get("maximum", value):
        value = schema["maximum"]
    if below is not None and value >= below:
        value = below - step if not lows or below - step > max(lows) else (max(lows) + below) / 2
    return int(value) if schema.get("type") == "integer" else value
