"""JSON schemas out of a document: references followed, and nothing kept that is not understood.

A document is somebody else's text. A keyword with a value of another type than it wants is left
out; what leads back to itself ends there; what unfolds without end is cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

__all__ = ["References", "Schema", "listed", "mapping"]

Schema = Mapping[str, Any]

DEPTH = 32
"""Schemas inside of schemas."""
ROOM = 2000
"""Schemas that one may unfold to: shared ones unfold once for each place that names them."""
LARGEST = 2**63


def mapping(value: Any) -> Mapping[str, Any]:
    """Give an object of a document; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """Give a list of a document; an empty one for anything else."""
    return value if isinstance(value, list) else []


class References:
    """Follows references inside of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def followed(self, node: Any) -> Mapping[str, Any]:
        """Give the object that a node is or refers to; what stands beside a reference wins."""
        return self._followed(node, ())[0]

    def schema(self, node: Any) -> Schema:
        """Give a schema with every reference in it replaced by what it names."""
        return _Unfolding(self._followed).schema(node, (), 0)

    def _followed(
        self, node: Any, above: tuple[str, ...]
    ) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """Give the object, and the references that led here; one that comes again gives nothing."""
        beside: dict[str, Any] = {}
        while isinstance(node, dict) and isinstance(reference := node.get("$ref"), str):
            beside = {key: value for key, value in node.items() if key != "$ref"} | beside
            node = {} if reference in above else self._named(reference)
            above = (*above, reference)
        return {**mapping(node), **beside}, above

    def _named(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            return {}
        node: Any = self._document
        for part in reference[2:].split("/"):
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            node = mapping(node).get(key, {})
        return node


class _Unfolding:
    """Unfolds one schema, as far as there is room."""

    def __init__(
        self,
        follow: Callable[[Any, tuple[str, ...]], tuple[Mapping[str, Any], tuple[str, ...]]],
    ) -> None:
        self._follow = follow
        self._room = ROOM

    def schema(self, node: Any, above: tuple[str, ...], depth: int) -> Schema:
        self._room -= 1
        if self._room < 0 or depth > DEPTH:
            return {}
        found, above = self._follow(node, above)
        kept = {key: value for key, value in found.items() if _is_understood(key, value)}
        for key in ("allOf", "anyOf", "oneOf"):
            if key in found:
                kept[key] = [self.schema(one, above, depth + 1) for one in listed(found[key])]
        if isinstance(found.get("properties"), dict):
            kept["properties"] = {
                name: self.schema(one, above, depth + 1)
                for name, one in found["properties"].items()
            }
        if isinstance(found.get("items"), dict):
            kept["items"] = self.schema(found["items"], above, depth + 1)
        return _with_plain_bounds(kept, found)


def _with_plain_bounds(kept: dict[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Turn OpenAPI 3.0's ``exclusiveMinimum: true`` into JSON Schema's number."""
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if found.get(exclusive) is True and bound in kept:
            kept[exclusive] = kept.pop(bound)
    return kept


def _is_number(value: Any) -> bool:
    # NaN compares as false.
    return isinstance(value, int | float) and not _is_bool(value) and abs(value) < LARGEST


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not _is_bool(value) and value >= 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_type(value: Any) -> bool:
    return _is_text(value) or (_is_list_of_texts(value) and bool(value))


def _is_step(value: Any) -> bool:
    return _is_number(value) and value > 1 / LARGEST


_WANTED: Mapping[str, Callable[[Any], bool]] = {
    "type": _is_type,
    "required": _is_list_of_texts,
    **dict.fromkeys(("format", "pattern"), _is_text),
    **dict.fromkeys(("enum", "examples"), _is_list),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _is_count),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_number),
    "multipleOf": _is_step,
    "readOnly": _is_bool,
    **dict.fromkeys(("const", "default", "example", "additionalProperties"), lambda _: True),
}


def _is_understood(key: str, value: Any) -> bool:
    wanted = _WANTED.get(key)
    return wanted is not None and wanted(value)
