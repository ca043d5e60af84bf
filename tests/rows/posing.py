"""The paths of an application's own tables, types and settings, which pose as what was declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from betterguard.errors import UnsafeStatement
from tests.rows.path import Path
from tests.rows.reading import LITE, PG, light
from tests.rows.writing import upsert

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import SimpleNamespace

UNSAFE = (UnsafeStatement,)


class Agreeing(sa.Text.Comparator[str]):
    """Comparisons that are always true."""

    def operate(self, *_: Any, **__: Any) -> Any:
        return sa.true()


class Anything(sa.TypeDecorator[str]):
    """A type that is compared so."""

    impl = sa.Text
    cache_ok = True
    comparator_factory: Any = Agreeing


class Always(sa.TypeDecorator[Any]):
    """A type that makes one value of all."""

    impl: Any = sa.Text
    cache_ok = True

    def __init__(self, value: Any = "bob") -> None:
        super().__init__()
        self.value = value
        self.impl = sa.Text() if isinstance(value, str) else sa.Integer()

    def process_bind_param(self, value: Any, dialect: Any) -> Any:  # noqa: ARG002  # as declared
        return self.value


class Written(sa.types.UserDefinedType[str]):
    """A type whose literals are SQL."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "text"

    def literal_processor(self, dialect: Any) -> Any:  # noqa: ARG002  # as above
        return lambda _: "(SELECT min(secret) FROM note)"


def tag(*types: Any, **options: Any) -> sa.Table:
    """Copy the table of tags, with another owner column."""
    key = sa.Column("id", sa.Integer, primary_key=True)
    given: Any = types or (sa.Text,)
    own = sa.Column("user_id", *given, **options)
    return sa.Table("tag", sa.MetaData(), key, sa.Column("name", sa.Text), own)


def comment(*types: Any, **options: Any) -> sa.Table:
    """Copy the table of comments, with another parent column."""
    key = sa.Column("id", sa.Integer, primary_key=True)
    given: Any = types or (sa.Integer,)
    parent = sa.Column("note_id", *given, **options)
    return sa.Table("comment", sa.MetaData(), key, sa.Column("body", sa.Text), parent)


def _insert(table: sa.Table, **values: Any) -> Callable[[Any, SimpleNamespace], object]:
    return lambda s, _m: s.execute(sa.insert(table).values(id=900, **values)).close()


def _update(table: sa.Table, key: int, **values: Any) -> Callable[[Any, SimpleNamespace], object]:
    return lambda s, _m: s.execute(
        sa.update(table).where(table.c.id == key).values(**values)
    ).close()


def _text(sql: str) -> Callable[[Any, SimpleNamespace], object]:
    return lambda s, _m: s.execute(sa.text(sql)).close()


def _own_comparison(s: Any, _m: SimpleNamespace) -> object:
    columns = sa.Column("secret", sa.Text), sa.Column("user_id", Anything)
    return s.execute(sa.select(sa.Table("note", sa.MetaData(), *columns).c.secret))


def _own_comparison_of_parents(s: Any, _m: SimpleNamespace) -> object:
    columns = sa.Column("body", sa.Text), sa.Column("note_id", Anything)
    return s.execute(sa.select(sa.Table("comment", sa.MetaData(), *columns).c.body))


def _parent_in_cte(s: Any, m: SimpleNamespace) -> object:
    one = m.Comment.__table__
    moved = sa.update(one).where(one.c.id == 11).values(note_id=101).returning(one.c.id).cte()
    return s.execute(sa.select(moved))


def _parent_by_upsert(s: Any, m: SimpleNamespace) -> object:
    statement = upsert(s, m.Comment).values(id=11, note_id=1, body="x")
    return s.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={"note_id": 101})
    ).close()


def _two_phases(s: Any, m: SimpleNamespace) -> object:
    with s.get_bind().connect() as connection, connection.begin_twophase() as transaction:
        found = connection.execute(sa.select(m.Note.__table__.c.secret)).all()
        transaction.rollback()
        return found


POSING = (
    # copies of tables
    Path("copy-comparing-by-itself", _own_comparison),
    Path("copy-of-child-comparing-by-itself", _own_comparison_of_parents),
    Path("copy-with-type", _insert(tag(Always()), name="x", user_id="alice"), UNSAFE),
    Path("copy-with-default", _insert(tag(default="bob"), name="x"), UNSAFE),
    Path("copy-with-default-as-sql", _insert(tag(default=sa.text("'bob'")), name="x"), UNSAFE),
    Path("copy-with-parent-type", _insert(comment(Always(101)), note_id=1, body="x"), UNSAFE),
    Path("copy-with-parent-default", _insert(comment(default=101), body="BOBS"), UNSAFE),
    Path(
        "copy-with-parent-default-as-sql",
        _insert(comment(default=sa.text("101")), body="BOBS"),
        UNSAFE,
    ),
    Path("copy-with-onupdate", _update(tag(onupdate="bob"), 1, name="x"), UNSAFE),
    Path("copy-with-onupdate-as-sql", _update(tag(onupdate=sa.text("'bob'")), 1, name="x"), UNSAFE),
    Path(
        "copy-with-parent-onupdate",
        _update(comment(onupdate=101), 11, body="x"),
        UNSAFE,
        leaks=False,
    ),
    Path(
        "copy-with-parent-type-updated",
        _update(comment(Always(101)), 11, note_id=1),
        UNSAFE,
        leaks=False,
    ),
    # values that their own type changes
    Path(
        "value-with-type",
        lambda s, m: s.execute(
            sa.insert(m.Tag).values(id=900, name="x", user_id=sa.literal("alice", Always()))
        ).close(),
        UNSAFE,
    ),
    Path(
        "parent-with-type",
        lambda s, m: s.execute(
            sa.update(m.Comment.__table__)
            .where(m.Comment.__table__.c.id == 11)
            .values(note_id=sa.bindparam("n", 1, Always(101)))
        ).close(),
        UNSAFE,
        leaks=False,
    ),
    Path(
        "literal-of-own-type",
        lambda s, _m: s.execute(
            sa.select(
                sa.values(sa.column("x", sa.Text), name="v", literal_binds=True).data(
                    [(sa.literal("y", Written()),)]
                )
            )
        ),
        UNSAFE,
        only=PG,
        leaks=False,
    ),
    Path("parent-by-upsert", _parent_by_upsert, UNSAFE),
    Path(
        "insert-many-children",
        lambda s, m: s.execute(
            sa.insert(m.Comment).returning(m.Comment.note_id, m.Comment.body),
            [{"note_id": 1, "body": "a"}, {"note_id": 2, "body": "b"}],
        ),
        leaks=False,
    ),
    Path("parent-in-cte", _parent_in_cte, UNSAFE, only=PG, leaks=False),
    Path(
        "update-join",
        lambda s, m: s.execute(
            sa.update(sa.join(m.Note.__table__, m.Comment.__table__)).values(title="x")
        ).close(),
        UNSAFE,
        leaks=False,
    ),
    Path(
        "kept-for-the-next",
        lambda s, m: s.execute(
            sa.select(m.Note.secret, sa.text("1 AS one INTO TEMP kept"))
        ).close(),
        UNSAFE,
        only=PG,
        leaks=False,
    ),
    # counting what is others'
    Path(
        "counters",
        lambda s, _m: s.execute(
            sa.select(light("n_live_tup", name="pg_stat_user_tables", schema="pg_catalog"))
        ),
        UNSAFE,
        only=PG,
        leaks=False,
    ),
    Path(
        "counters-by-function",
        lambda s, _m: s.scalar(sa.select(sa.func.pg_stat_get_live_tuples(1))),
        UNSAFE,
        only=PG,
        leaks=False,
    ),
    Path(
        "estimates",
        lambda s, _m: s.execute(
            sa.select(light("reltuples", name="pg_class", schema="pg_catalog"))
        ),
        UNSAFE,
        only=PG,
        leaks=False,
    ),
    Path(
        "sizes",
        lambda s, _m: s.scalar(sa.select(sa.func.pg_table_size("note"))),
        UNSAFE,
        only=PG,
        leaks=False,
    ),
    Path("pages", _text("SELECT ncell FROM dbstat"), UNSAFE, only=LITE, leaks=False),
    Path("vacuum-into", _text("VACUUM INTO ''"), UNSAFE, only=LITE, leaks=False),
    # the role and the transaction
    Path("set-role-quoted", _text("SET \"role\" = 'none'"), UNSAFE, only=PG, leaks=False),
    Path("set-role-commented", _text("SET/**/LOCAL/**/ROLE none"), UNSAFE, only=PG, leaks=False),
    Path(
        "set-session-user",
        _text("SET session_authorization TO DEFAULT"),
        UNSAFE,
        only=PG,
        leaks=False,
    ),
    Path("reset-role", _text('RESET "role"'), UNSAFE, only=PG, leaks=False),
    Path("two-phases", _two_phases, UNSAFE, only=PG, leaks=False),
)
