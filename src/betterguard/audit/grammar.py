"""The numbers that the Python grammar gives to its kinds of nodes and to their fields.

A node tells its number in half the time of its name, and the walk asks every node of a project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import tree_sitter_python
from tree_sitter import Language

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

PYTHON = Language(tree_sitter_python.language())

_ERROR = 0xFFFF
"""Of ``ERROR``, which stands in no grammar."""


def _numbers() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {"ERROR": (_ERROR,)}
    for number in range(PYTHON.node_kind_count):
        name = PYTHON.node_kind_for_id(number)
        if name is not None:
            found[name] = (*found.get(name, ()), number)
    return found


_NUMBERS = _numbers()


MEANT = frozenset(
    [
        number
        for number in range(PYTHON.node_kind_count)
        if PYTHON.node_kind_is_named(number) and PYTHON.node_kind_for_id(number) != "comment"
    ]
    + [_ERROR]
)
"""Of all nodes but signs, keywords and comments."""
SIGNS = {
    number: PYTHON.node_kind_for_id(number) or ""
    for number in range(PYTHON.node_kind_count)
    if not PYTHON.node_kind_is_named(number)
}
"""Of operators, brackets and keywords, with their text."""


def by_number(named: Mapping[str, T]) -> dict[int, T]:
    """Turn a table by the names of kinds into one by their numbers."""
    return {number: value for name, value in named.items() for number in _NUMBERS[name]}


def kinds(*names: str) -> frozenset[int]:
    """Give the numbers of kinds."""
    return frozenset(number for name in names for number in _NUMBERS[name])


def number(name: str) -> int:
    """Give the number of a kind; of a keyword and a named kind of the same name, the latter's."""
    return _NUMBERS[name][-1]


def field(name: str) -> int:
    """Give the number of a field."""
    number = PYTHON.field_id_for_name(name)
    if number is None:
        msg = f"the grammar knows no field {name}"
        raise LookupError(msg)
    return number
