"""Random statements as Alice give what they give on a database that holds only her rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from betterguard import rows
from tests.rows.world import (
    ALICE,
    BOBS,
    models,
    postgres_world,
    sqlite_world,
    with_foreign_keys,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.rows.world import World
    from tests.servers.postgres import Postgres

TABLES = models(keys=True).metadata.tables
READ = ["note", "folder", "comment", "reaction", "tag", "note_tag", "item", "todo", "country"]
CHANGED = {"note": "title", "tag": "name", "comment": "body", "reaction": "emoji", "todo": "due"}
KEYS = [0, 1, 2, 3, 11, 12, 101, 102, 103, 1011]
pytestmark = pytest.mark.filterwarnings("ignore:.*cartesian product:sqlalchemy.exc.SAWarning")
Draw = Any


def numbers(source: Any) -> list[Any]:
    return [column for column in source.c if isinstance(column.type, sa.Integer)]


@st.composite
def sources(draw: Draw, depth: int = 2) -> Any:
    """Draw something to select from: a table, an alias, a subquery, a CTE, a join."""
    kind = draw(
        st.sampled_from(["table", "alias", "light"] + ["subquery", "cte", "join"] * (depth > 0))
    )
    if kind in {"subquery", "cte"}:
        inner = draw(selects(depth - 1))
        return inner.subquery() if kind == "subquery" else inner.cte()
    if kind == "join":
        left, right = draw(sources(depth - 1)).alias(), draw(sources(depth - 1)).alias()
        onclause = draw(st.sampled_from(numbers(left))) == draw(st.sampled_from(numbers(right)))
        joined = sa.join(left, right, onclause, isouter=draw(st.booleans()))
        chosen = [column.label(f"c{n}") for n, column in enumerate([*left.c, *right.c])]
        return sa.select(*chosen).select_from(joined).subquery()
    table = TABLES[draw(st.sampled_from(READ))]
    if kind == "light":
        return sa.table(table.name, *(sa.column(c.name, c.type) for c in table.c)).alias()
    return table.alias() if kind == "alias" else table


@st.composite
def conditions(draw: Draw, source: Any, depth: int) -> Any:
    """Draw a condition on a source's rows, maybe by what is elsewhere."""
    kinds = ["compare", "or"] + ["in", "exists", "scalar"] * (depth > 0)
    column = draw(st.sampled_from(numbers(source)))
    match draw(st.sampled_from(kinds)):
        case "compare":
            return column >= draw(st.sampled_from(KEYS))
        case "or":
            return sa.or_(column == draw(st.sampled_from(KEYS)), sa.not_(column.is_(None)))
        case "in":
            other = draw(sources(depth - 1)).alias()
            inside = column.in_(sa.select(draw(st.sampled_from(numbers(other)))))
            return inside if draw(st.booleans()) else sa.not_(inside)
        case "exists":
            other = draw(sources(depth - 1)).alias()
            found = sa.exists().where(draw(st.sampled_from(numbers(other))) == column)
            return found if draw(st.booleans()) else sa.not_(found)
        case _:
            other = draw(sources(depth - 1)).alias()
            counted = sa.select(sa.func.count()).select_from(other).scalar_subquery()
            return column <= counted


@st.composite
def selects(draw: Draw, depth: int = 2) -> Any:
    """Draw a SELECT of named columns, or of aggregates, or a union."""
    source = draw(sources(depth))
    chosen = [column.label(f"k{n}") for n, column in enumerate(numbers(source))]
    statement = sa.select(*chosen)
    if draw(st.booleans()):
        statement = statement.where(draw(conditions(source, depth)))
    match draw(st.sampled_from(["plain", "count", "union", "distinct", "group"])):
        case "count":
            counted = statement.subquery()
            return sa.select(sa.func.count().label("k0"), sa.func.max(counted.c.k0).label("k1"))
        case "union":
            other = draw(sources(0))
            first = statement.subquery()
            united = sa.union_all(sa.select(first.c.k0), sa.select(numbers(other)[0])).subquery()
            return sa.select(united.c.k0)
        case "distinct":
            return statement.distinct()
        case "group":
            first = statement.subquery()
            return sa.select(first.c.k0, sa.func.count().label("k1")).group_by(first.c.k0)
        case _:
            return statement


@st.composite
def changes(draw: Draw) -> Any:
    """Draw an UPDATE or DELETE, its condition reaching into other tables."""
    name = draw(st.sampled_from(sorted(CHANGED)))
    table = TABLES[name]
    condition = draw(conditions(table, 1))
    if draw(st.booleans()) and name in {"reaction", "todo"}:
        return sa.delete(table).where(condition)
    return sa.update(table).where(condition).values({CHANGED[name]: "changed"})


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, World, sa.Engine]]:
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("random")
        both, alone = sqlite_world(folder / "a"), sqlite_world(folder / "b", users=(ALICE,))
    else:
        server: Postgres = request.getfixturevalue("postgres")
        both, alone = postgres_world(server), postgres_world(server, users=(ALICE,))
    engine = (
        with_foreign_keys(sa.create_engine(both.app_url))
        if request.param == "sqlite"
        else (sa.create_engine(both.app_url))
    )
    both.reset()
    alone.reset()
    yield both, alone, rows.isolate(engine, both.models.metadata)
    engine.dispose()
    both.dispose()
    alone.dispose()


LIMITS = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@LIMITS
@given(statement=selects())
def test_random_selects(pair: tuple[World, World, sa.Engine], statement: Any) -> None:
    _, alone, engine = pair
    with rows.session(engine, ALICE) as session:
        got = sorted(map(tuple, session.execute(statement)), key=repr)
    with alone.owner.connect() as connection:
        assert got == sorted(map(tuple, connection.execute(statement)), key=repr)


@LIMITS
@given(statement=changes())
def test_random_changes(pair: tuple[World, World, sa.Engine], statement: Any) -> None:
    _, alone, engine = pair
    every = sa.select(statement.table)
    with rows.session(engine, ALICE) as session:
        session.execute(statement)
        got = sorted(map(tuple, session.execute(every)), key=repr)
        session.rollback()
    with alone.owner.connect() as connection:
        connection.execute(statement)
        assert got == sorted(map(tuple, connection.execute(every)), key=repr)
        connection.rollback()
    assert BOBS not in repr(got)
