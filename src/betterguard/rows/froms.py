"""The owned tables in a FROM clause, and the criterion that keeps one to its owner's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnClause, and_, select, tuple_
from sqlalchemy.sql.selectable import Alias, FromGrouping, Join, TableClause, TableSample

from betterguard.errors import UnsafeStatement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import BindParameter, ColumnElement
    from sqlalchemy.sql.selectable import FromClause

    from betterguard.rows.ownership import Ownership, Parent, Rule

__all__ = ["Leaf", "criterion", "has_owned", "leaf", "leaves"]


@dataclass(frozen=True)
class Leaf:
    """One occurrence of an owned table.

    ``element`` is what columns are taken from (the table or its outermost alias),
    ``rendered`` what the compiler will write the table for (it or its innermost alias).
    """

    element: FromClause
    rendered: FromClause
    rule: Rule


def leaf(ownership: Ownership, element: FromClause) -> Leaf | None:
    """Look through aliases and brackets: is this an owned table? Raises for a closed one."""
    while isinstance(element, FromGrouping):
        element = element.element
    base, rendered = element, element
    while isinstance(base, Alias | TableSample | FromGrouping):
        rendered, base = base, base.element
    rule = ownership.rule_for(base) if isinstance(base, TableClause) else None
    if rule is None:
        return None
    if rule.closed:
        msg = f"table {rule.table.name!r} is closed to users' sessions"
        raise UnsafeStatement(msg)
    return Leaf(element, rendered, rule)


def leaves(ownership: Ownership, element: FromClause) -> Iterator[Leaf]:
    """Find the owned table whose filter belongs outside of ``element``: its leftmost.

    The others stand on the right of a join, and their filter goes into that join's ON.
    """
    while isinstance(element, FromGrouping):
        element = element.element
    if isinstance(element, Join):
        if element.full and has_owned(ownership, element):
            msg = "FULL JOIN of owned tables: join subqueries of them instead"
            raise UnsafeStatement(msg)
        yield from leaves(ownership, element.left)
        return
    found = leaf(ownership, element)
    if found is not None:
        yield found


def has_owned(ownership: Ownership, element: FromClause) -> bool:
    """Tell whether an owned table stands anywhere in a join."""
    while isinstance(element, FromGrouping):
        element = element.element
    if isinstance(element, Join):
        return has_owned(ownership, element.left) or has_owned(ownership, element.right)
    return leaf(ownership, element) is not None


def criterion(found: Leaf, user: BindParameter[Any]) -> ColumnElement[bool]:
    """Give the condition under which a row is the user's."""
    if found.rule.owner is not None:
        return _column(found.element, found.rule.owner.name) == user
    return and_(*(_has_parent(found.element, parent) for parent in found.rule.parents))


def _has_parent(child: FromClause, parent: Parent) -> ColumnElement[bool]:
    # No filter on the parent here: the compiler adds it when it comes to this inner SELECT.
    # IN rather than EXISTS: it names the child outside of the SELECT only, so that it means the
    # same in ON CONFLICT, where SQLAlchemy correlates nothing.
    other = parent.table.alias()
    here = [_column(child, name) for name in parent.columns]
    there = select(*(_column(other, name) for name in parent.referred))
    return here[0].in_(there) if len(here) == 1 else tuple_(*here).in_(there)


def _column(element: FromClause, name: str) -> ColumnElement[Any]:
    # Not the column that the statement's own table lists: a lightweight table() need not have it,
    # and the type of a copy may compare as it likes.
    return ColumnClause(name, _selectable=element)
