"""JSON that nobody can write to: every request with the same token shares its claims."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["ReadOnlyDict", "without_lists"]


class ReadOnlyDict(dict[str, Any]):
    """A dict that JSON encoders take as one and that nothing can be written to."""

    __slots__ = ()

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        msg = "verified claims are read-only: copy them with dict(claims) to change the copy"
        raise TypeError(msg)

    __setitem__ = __delitem__ = __ior__ = _refuse
    # They refuse whatever they are called with.
    clear = pop = popitem = setdefault = update = _refuse  # pyright: ignore[reportAssignmentType]

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        # A copy, a deep copy or a pickle is an ordinary dict, which may change.
        return dict, (dict(self),)


def without_lists(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Give JSON with tuples for its arrays, which a parser gives as lists."""
    if isinstance(value, ReadOnlyDict):
        return ReadOnlyDict({name: without_lists(member) for name, member in value.items()})
    if isinstance(value, list):
        return tuple(map(without_lists, value))
    return value
