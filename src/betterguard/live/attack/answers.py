"""What an answer says of objects: the id of one, and where in it an object is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from betterguard.live.attack.naming import is_user, refers

if TYPE_CHECKING:
    from betterguard.live.attack.markers import Marker

__all__ = ["element_of", "element_with", "ids_in"]


def ids_in(value: Any, names: tuple[str, ...] = ()) -> str | int | None:
    """Find the id in an answer that describes one object, through envelopes such as ``data``."""
    if isinstance(value, list):
        return ids_in(value[0], names) if len(value) == 1 else None
    if not isinstance(value, dict):
        return None
    for name in (*names, "id", "_id", "uuid", "slug", "key"):
        if _is_id(value.get(name)):
            return value[name]  # type: ignore[no-any-return]  # as _is_id found
    ids = [key for key in value if refers(key) and not is_user(key) and _is_id(value[key])]
    inner = [one for one in value.values() if isinstance(one, dict)]
    for one in inner:
        found = ids_in(one, names)
        if found is not None:
            return found
    return value[ids[0]] if len(ids) == 1 else None


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return value != "" and value.isprintable()
    return isinstance(value, int) and not isinstance(value, bool)


def element_with(data: Any, marker: Marker) -> Any:
    """Give the smallest object inside of JSON data that shows a marker; None when none does."""
    if isinstance(data, dict):
        inner = list(data.values())
        own = any(isinstance(one, str) and marker.shows_in(one) for one in inner)
        found = next((hit for one in inner if (hit := element_with(one, marker))), None)
        return found or (data if own else None)
    if isinstance(data, list):
        return next((hit for one in data if (hit := element_with(one, marker))), None)
    return None


def element_of(data: Any, number: str | int) -> Any:
    """Give the object with an id inside of a list, or of an envelope; None when there is none."""
    if isinstance(data, list):
        return next((one for one in data if ids_in(one) == number), None)
    inner = data.values() if isinstance(data, dict) else ()
    return next((hit for one in inner if (hit := element_of(one, number))), None)
