"""A verified payload, read-only all the way down: every request with the same token shares it."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["ReadOnlyDict", "frozen"]

_CONTAINERS = frozenset({dict, list})


class ReadOnlyDict(dict[str, Any]):
    """A dict that JSON encoders take as one and that nothing can be written to."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        msg = "verified claims are read-only: copy them with dict(claims) to change the copy"
        raise TypeError(msg)

    __setitem__ = __delitem__ = __ior__ = _refuse
    # They refuse whatever they are called with.
    clear = pop = popitem = setdefault = update = _refuse  # pyright: ignore[reportAssignmentType]

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        # A copy, a deep copy or a pickle is an ordinary dict, which may change.
        return dict, (dict(self),)


def frozen(members: dict[str, Any]) -> ReadOnlyDict:
    """Copy a JSON object into a form that cannot change: objects read-only, arrays as tuples."""
    if _CONTAINERS.isdisjoint(map(type, members.values())):
        return ReadOnlyDict(members)
    return ReadOnlyDict({name: _frozen(member) for name, member in members.items()})


def _frozen(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return frozen(value)
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return value
