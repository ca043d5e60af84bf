"""Which columns do the keys of a statement's values name, however they are written?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnClause, TextClause
from sqlalchemy.sql import visitors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.sql.selectable import FromClause

__all__ = ["named"]


def named(table: FromClause, keys: Iterable[Any]) -> set[str]:
    """Give the names, in lower case, of all columns that the keys may stand for.

    A key is a column's name or key, a column, a mapped attribute, or an expression that holds
    columns, as ``tuple_(a, b)`` does. SQLite takes a name in any case.
    """
    return {name.casefold() for key in keys for name in _names(table, key)}


def _names(table: FromClause, key: Any) -> Iterable[str]:
    if isinstance(key, str):
        column = table.c.get(key)
        return [key] if column is None else [key, column.name]
    return [name for part in visitors.iterate(_element(key)) for name in _names_in(part)]


def _names_in(part: Any) -> list[str]:
    if isinstance(part, TextClause):
        return re.findall(r"\w+", part.text)
    if isinstance(part, ColumnClause):
        return re.findall(r"\w+", part.name) if part.is_literal else [part.name]
    return []


def _element(key: Any) -> Any:
    inner = getattr(key, "__clause_element__", None)
    return inner() if inner is not None else key
