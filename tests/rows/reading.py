"""The paths that read: whatever they are built of, they show Alice's rows and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import orm

from tests.rows.path import Path

if TYPE_CHECKING:
    from types import SimpleNamespace

PG = "postgresql"
LITE = "sqlite"


def _core(m: SimpleNamespace, name: str) -> sa.Table:
    table: sa.Table = m.metadata.tables[name]
    return table


def light(*columns: str, name: str = "note", schema: str | None = None) -> Any:
    """Make a table() that knows nothing of owners."""
    return sa.table(name, *map(sa.column, columns), schema=schema)


def _lazy(s: Any, m: SimpleNamespace) -> object:
    return [(f, list(f.notes), [n.tags for n in f.notes]) for f in s.scalars(sa.select(m.Folder))]


def _many_to_one(s: Any, m: SimpleNamespace) -> object:
    return [(c.body, c.note.title, c.note.folder.name) for c in s.scalars(sa.select(m.Comment))]


def _deferred(s: Any, m: SimpleNamespace) -> object:
    return [note.secret for note in s.scalars(sa.select(m.Note))]


def _expired(s: Any, m: SimpleNamespace) -> object:
    notes = s.scalars(sa.select(m.Note)).all()
    s.expire_all()
    return [note.title for note in notes]


def _refreshed(s: Any, m: SimpleNamespace) -> object:
    note = s.get_one(m.Note, 1)
    s.refresh(note, ["title", "secret", "comments"])
    return (note.secret, list(note.comments))


def _forged_refresh(s: Any, m: SimpleNamespace) -> object:
    forged = m.Note(id=101, user_id="alice")
    orm.make_transient_to_detached(forged)
    s.add(forged)
    s.refresh(forged)
    return forged.title


def _forged_attribute(s: Any, m: SimpleNamespace) -> object:
    forged = m.Note(id=101, user_id="alice")
    orm.make_transient_to_detached(forged)
    s.add(forged)
    return forged.secret


def _forged_collection(s: Any, m: SimpleNamespace) -> object:
    forged = m.Note(id=101, user_id="alice")
    orm.make_transient_to_detached(forged)
    s.add(forged)
    return (list(forged.comments), list(forged.tags))


def _after_commit(s: Any, m: SimpleNamespace) -> object:
    first = list(s.scalars(sa.select(m.Note.title)))
    s.commit()
    return first + list(s.scalars(sa.select(m.Note.title)))


def _after_rollback(s: Any, m: SimpleNamespace) -> object:
    s.execute(sa.select(m.Note.id))
    s.rollback()
    return s.execute(sa.select(m.Note.title))


def _after_savepoint(s: Any, m: SimpleNamespace) -> object:
    inside = s.begin_nested()
    s.add(m.Folder(name="gone"))
    s.flush()
    inside.rollback()
    with s.begin_nested():
        s.add(m.Folder(name="kept"))
    return s.execute(sa.select(m.Folder.name))


def _recursive(s: Any, m: SimpleNamespace) -> object:
    base = sa.select(m.Note.id, m.Note.title).where(m.Note.id.in_([1, 101])).cte(recursive=True)
    other = sa.alias(_core(m, "note"))
    step = sa.select(other.c.id, other.c.title).where(other.c.id == base.c.id + 1)
    return s.execute(sa.select(base.union_all(step)))


def _cte_twice(s: Any, m: SimpleNamespace) -> object:
    notes = sa.select(m.Note.id, m.Note.title).cte("notes")
    again = notes.alias()
    return s.execute(sa.select(notes.c.title, again.c.title).join(again, notes.c.id == again.c.id))


def _nested_cte(s: Any, m: SimpleNamespace) -> object:
    inner = sa.select(m.Note.id, m.Note.title).cte("inner_notes", nesting=True)
    outer = sa.select(inner.c.title).subquery()
    return s.execute(sa.select(outer))


def _lateral(s: Any, m: SimpleNamespace) -> object:
    last = (
        sa.select(m.Comment.body)
        .where(m.Comment.note_id == m.Note.id)
        .order_by(m.Comment.id.desc())
        .limit(1)
        .lateral()
    )
    return s.execute(sa.select(m.Note.title, last.c.body).join(last, sa.true()))


def _lateral_from_shared(s: Any, m: SimpleNamespace) -> object:
    notes = sa.select(m.Note.title).where(m.Note.country_id == m.Country.id).lateral()
    return s.execute(sa.select(m.Country.name, notes.c.title).outerjoin(notes, sa.true()))


def _full_join_of_subqueries(s: Any, m: SimpleNamespace) -> object:
    notes, folders = sa.select(m.Note).subquery(), sa.select(m.Folder).subquery()
    joined = notes.join(folders, notes.c.folder_id == folders.c.id, full=True)
    return s.execute(sa.select(notes.c.title, folders.c.name).select_from(joined))


def _right_nested(s: Any, m: SimpleNamespace) -> object:
    inner = orm.join(m.Note, m.Comment, m.Comment.note_id == m.Note.id)
    joined = orm.outerjoin(m.Country, inner, m.Note.country_id == m.Country.id)
    return s.execute(sa.select(m.Country.name, m.Comment.body).select_from(joined))


def _self_join(s: Any, m: SimpleNamespace) -> object:
    one, other = orm.aliased(m.Note), orm.aliased(m.Note)
    return s.execute(sa.select(one.title, other.title).where(one.id != other.id))


def _union(s: Any, m: SimpleNamespace) -> object:
    return s.execute(sa.union(sa.select(m.Note.title), sa.select(m.Folder.name)))


def _except(s: Any, m: SimpleNamespace) -> object:
    return s.execute(sa.except_(sa.select(m.Note.id), sa.select(m.Tag.id).where(m.Tag.id == 2)))


def _union_minus(s: Any, m: SimpleNamespace) -> object:
    every = sa.select(m.Note.id).union_all(sa.select(m.Folder.id))
    some = sa.intersect(every, sa.select(m.Tag.id))
    return s.execute(sa.except_(some, sa.select(m.Note.id).where(m.Note.id == 2)))


def _entity_of_union(s: Any, m: SimpleNamespace) -> object:
    both = sa.union_all(sa.select(m.Note).where(m.Note.id < 3), sa.select(m.Note)).subquery()
    return s.scalars(sa.select(orm.aliased(m.Note, both)))


def _reflected(s: Any, _m: SimpleNamespace) -> object:
    table = sa.Table("note", sa.MetaData(), autoload_with=s.connection())
    return s.execute(sa.select(table.c.title))


def _flat_polymorphic(s: Any, m: SimpleNamespace) -> object:
    return s.scalars(sa.select(orm.with_polymorphic(m.Item, [m.Todo], flat=True)))


def _values(s: Any, m: SimpleNamespace) -> object:
    wanted = sa.values(sa.column("id", sa.Integer), name="wanted").data([(1,), (101,)])
    return s.execute(sa.select(m.Note.title).join(wanted, wanted.c.id == m.Note.id))


def _lambda(s: Any, m: SimpleNamespace) -> object:
    note = m.Note
    return s.execute(sa.lambda_stmt(lambda: sa.select(note.title)))


def _streamed(s: Any, m: SimpleNamespace) -> object:
    result = s.execute(sa.select(m.Note.title).execution_options(yield_per=2))
    return [list(part) for part in result.partitions(2)]


def _twice_from_cache(s: Any, m: SimpleNamespace) -> object:
    return [list(s.execute(sa.select(m.Note.title).where(m.Note.id > n))) for n in (0, 1, 100)]


def _conn(s: Any, m: SimpleNamespace) -> object:
    return s.connection().execute(sa.select(_core(m, "note").c.secret))


def _populate(s: Any, m: SimpleNamespace) -> object:
    s.scalars(sa.select(m.Note)).all()
    return s.scalars(sa.select(m.Note).execution_options(populate_existing=True))


def _implied(s: Any, m: SimpleNamespace) -> object:
    return s.execute(sa.select(m.Country.name).where(m.Note.country_id == m.Country.id))


READING = (
    # entities and columns
    Path("entity", lambda s, m: s.scalars(sa.select(m.Note))),
    Path("columns", lambda s, m: s.execute(sa.select(m.Note.title, m.Note.secret))),
    Path(
        "where-or",
        lambda s, m: s.scalars(sa.select(m.Note.id).where(sa.or_(m.Note.id > 0, sa.true()))),
    ),
    Path(
        "order-limit",
        lambda s, m: s.scalars(sa.select(m.Note.id).order_by(m.Note.id.desc()).limit(2)),
    ),
    Path("offset", lambda s, m: s.scalars(sa.select(m.Note.id).order_by(m.Note.id).offset(2))),
    Path("get-own", lambda s, m: s.get(m.Note, 1), leaks=False),
    Path("get-foreign", lambda s, m: s.get(m.Note, 101)),
    Path("get-foreign-child", lambda s, m: s.get(m.Comment, 1011)),
    Path("get-options", lambda s, m: s.get(m.Note, 101, options=[orm.joinedload(m.Note.comments)])),
    Path("get-for-update", lambda s, m: s.get(m.Note, 101, with_for_update=True)),
    Path(
        "one-or-none",
        lambda s, m: s.scalars(sa.select(m.Note).where(m.Note.id == 101)).one_or_none(),
    ),
    Path(
        "in-list",
        lambda s, m: s.scalars(sa.select(m.Note.title).where(m.Note.id.in_([1, 2, 101, 102]))),
    ),
    Path("string-order-by", lambda s, m: s.scalars(sa.select(m.Note.title).order_by("title"))),
    Path("harmless-text", lambda s, m: s.scalars(sa.select(m.Note.title).where(sa.text("1 = 1")))),
    Path(
        "literal-execute",
        lambda s, m: s.scalars(
            sa.select(m.Note.title).where(
                m.Note.id.in_(sa.bindparam("ids", [1, 101], expanding=True, literal_execute=True))
            )
        ),
    ),
    Path(
        "literal-naming-a-table",
        lambda s, m: s.execute(sa.select(sa.literal("note", literal_execute=True), m.Note.title)),
    ),
    Path(
        "label-naming-a-table",
        lambda s, m: s.execute(sa.select(m.Note.title.label("note"), m.Note.id.label("my note"))),
    ),
    # aggregates, windows, expressions
    Path("count-star", lambda s, m: s.scalar(sa.select(sa.func.count()).select_from(m.Note))),
    Path("count-column", lambda s, m: s.scalar(sa.select(sa.func.count(m.Note.id)))),
    Path(
        "count-distinct",
        lambda s, m: s.scalar(sa.select(sa.func.count(m.Note.country_id.distinct()))),
    ),
    Path(
        "aggregates",
        lambda s, m: s.execute(
            sa.select(sa.func.sum(m.Note.stars), sa.func.max(m.Note.id), sa.func.min(m.Note.title))
        ),
    ),
    Path(
        "group-having",
        lambda s, m: s.execute(
            sa.select(m.Note.country_id, sa.func.count())
            .group_by(m.Note.country_id)
            .having(sa.func.count() > 0)
        ),
    ),
    Path(
        "group-by-key",
        lambda s, m: s.execute(
            sa.select(m.Note.id, m.Note.title, sa.func.count(m.Comment.id))
            .join(m.Comment)
            .group_by(m.Note.id)
        ),
    ),
    Path("distinct", lambda s, m: s.scalars(sa.select(m.Note.title).distinct())),
    Path(
        "distinct-on",
        lambda s, m: s.execute(
            sa.select(m.Note.country_id, m.Note.title)
            .distinct(m.Note.country_id)
            .order_by(m.Note.country_id, m.Note.id.desc())
        ),
        only=PG,
    ),
    Path(
        "window", lambda s, m: s.execute(sa.select(sa.func.row_number().over(order_by=m.Note.id)))
    ),
    Path("window-sum", lambda s, m: s.execute(sa.select(sa.func.sum(m.Note.stars).over()))),
    Path(
        "window-lag",
        lambda s, m: s.execute(
            sa.select(m.Note.id, sa.func.lag(m.Note.secret).over(order_by=m.Note.id.desc()))
        ),
    ),
    Path("filter", lambda s, m: s.execute(sa.select(sa.func.count().filter(m.Note.stars > 1)))),
    Path(
        "within-group",
        lambda s, m: s.scalar(sa.select(sa.func.percentile_disc(0.1).within_group(m.Note.title))),
        only=PG,
    ),
    Path("array-agg", lambda s, m: s.scalar(sa.select(sa.func.array_agg(m.Note.title))), only=PG),
    Path(
        "string-agg",
        lambda s, m: s.scalar(sa.select(sa.func.string_agg(m.Note.secret, ",").label("all"))),
        only=PG,
    ),
    Path(
        "group-concat",
        lambda s, m: s.scalar(sa.select(sa.func.group_concat(m.Note.secret))),
        only=LITE,
    ),
    Path(
        "json-of-row",
        lambda s, m: s.scalars(sa.select(sa.func.row_to_json(m.Note.__table__.table_valued()))),
        only=PG,
    ),
    Path(
        "case-only",
        lambda s, m: s.scalars(sa.select(sa.case((m.Note.stars > 1, m.Note.title), else_="-"))),
    ),
    Path(
        "extract-only",
        lambda s, m: s.scalars(
            sa.select(sa.extract("year", sa.cast(sa.func.now(), sa.Date)) * 0 + m.Note.stars)
        ),
        only=PG,
    ),
    Path("cast-only", lambda s, m: s.scalars(sa.select(sa.cast(m.Note.stars, sa.Text)))),
    Path("coalesce-only", lambda s, m: s.scalars(sa.select(sa.func.coalesce(m.Note.secret, "-")))),
    Path("exists", lambda s, m: s.scalar(sa.select(sa.exists().where(m.Note.id == 101)))),
    Path(
        "exists-select",
        lambda s, m: s.scalar(
            sa.select(sa.select(m.Note.id).where(m.Note.title.like("BOBS%")).exists())
        ),
    ),
    # joins
    Path("join", lambda s, m: s.execute(sa.select(m.Note.title, m.Comment.body).join(m.Comment))),
    Path(
        "join-relationship",
        lambda s, m: s.execute(sa.select(m.Folder.name, m.Note.title).join(m.Folder.notes)),
    ),
    Path(
        "join-secondary",
        lambda s, m: s.execute(sa.select(m.Note.title, m.Tag.name).join(m.Note.tags)),
    ),
    Path(
        "join-three",
        lambda s, m: s.execute(
            sa.select(m.Reaction.emoji)
            .select_from(m.Note)
            .join(m.Comment)
            .join(m.Reaction, m.Reaction.comment_id == m.Comment.id)
        ),
    ),
    Path(
        "join-only-counts",
        lambda s, m: s.scalar(sa.select(sa.func.count()).select_from(m.Country).join(m.Note)),
    ),
    Path(
        "outer-join",
        lambda s, m: s.execute(
            sa.select(m.Note.title, m.Comment.body).outerjoin(
                m.Comment, sa.and_(m.Comment.note_id == m.Note.id, m.Comment.id > 15)
            )
        ),
    ),
    Path(
        "outer-join-from-shared",
        lambda s, m: s.execute(sa.select(m.Country.name, m.Note.title).outerjoin(m.Note)),
    ),
    Path(
        "outer-join-of-child",
        lambda s, m: s.execute(
            sa.select(m.Country.name, m.Comment.body).outerjoin(m.Comment, sa.true())
        ),
    ),
    Path(
        "outer-join-is-null",
        lambda s, m: s.scalars(
            sa.select(m.Country.name).outerjoin(m.Note).where(m.Note.id.is_(None))
        ),
    ),
    Path("right-nested-join", _right_nested),
    Path(
        "implicit-cross-join",
        lambda s, m: s.execute(
            sa.select(m.Note.title, m.Folder.name).where(m.Note.folder_id == m.Folder.id)
        ),
    ),
    Path("entity-only-in-where", _implied),
    Path(
        "orm-join",
        lambda s, m: s.execute(
            sa.select(m.Folder.name, m.Note.title).select_from(orm.join(m.Folder, m.Note))
        ),
    ),
    Path(
        "join-on-true",
        lambda s, m: s.execute(sa.select(m.Country.name, m.Note.title).join(m.Note, sa.true())),
    ),
    Path("self-join", _self_join),
    Path(
        "join-of-alias",
        lambda s, m: s.execute(
            sa.select(m.Country.name, (a := orm.aliased(m.Note)).title).join(
                a, a.country_id == m.Country.id
            )
        ),
    ),
    Path("full-join-of-subqueries", _full_join_of_subqueries, only=PG),
    Path("values-join", _values, only=PG),
    Path("lateral", _lateral, only=PG),
    Path("lateral-from-shared", _lateral_from_shared, only=PG),
    Path(
        "tablesample",
        lambda s, m: s.execute(sa.select(sa.tablesample(m.Note.__table__, 100).c.title)),
        only=PG,
    ),
    Path(
        "generate-series",
        lambda s, m: s.execute(
            sa.select(sa.func.generate_series(1, 2).column_valued("n"), m.Note.title)
        ),
        only=PG,
    ),
    # subqueries, CTEs, set operations
    Path("alias", lambda s, m: s.scalars(sa.select(orm.aliased(m.Note, name="n")))),
    Path("subquery", lambda s, m: s.execute(sa.select(sa.select(m.Note.title).subquery()))),
    Path(
        "subquery-with-limit",
        lambda s, m: s.execute(
            sa.select(sa.select(m.Note).order_by(m.Note.id.desc()).limit(2).subquery().c.title)
        ),
    ),
    Path(
        "scalar-subquery",
        lambda s, m: s.scalar(
            sa.select(sa.select(m.Note.secret).where(m.Note.id == 101).scalar_subquery())
        ),
    ),
    Path(
        "scalar-subquery-in-columns",
        lambda s, m: s.execute(
            sa.select(
                m.Country.name,
                sa.select(sa.func.count(m.Note.id))
                .where(m.Note.country_id == m.Country.id)
                .scalar_subquery(),
            )
        ),
    ),
    Path(
        "scalar-subquery-in-order-by",
        lambda s, m: s.scalars(
            sa.select(m.Country.name)
            .order_by(
                sa.select(sa.func.count(m.Note.id))
                .where(m.Note.country_id == m.Country.id)
                .scalar_subquery(),
                m.Country.id,
            )
            .limit(1)
        ),
    ),
    Path(
        "scalar-subquery-in-having",
        lambda s, m: s.scalars(
            sa.select(m.Country.id)
            .group_by(m.Country.id)
            .having(m.Country.id <= sa.select(sa.func.count(m.Note.id) - 3).scalar_subquery())
        ),
    ),
    Path(
        "scalar-subquery-in-function",
        lambda s, m: s.scalar(
            sa.select(sa.func.upper(sa.select(sa.func.min(m.Note.title)).scalar_subquery()))
        ),
    ),
    Path(
        "in-subquery",
        lambda s, m: s.scalars(
            sa.select(m.Country.name).where(m.Country.id.in_(sa.select(m.Note.country_id)))
        ),
    ),
    Path(
        "not-in-subquery",
        lambda s, m: s.scalars(
            sa.select(m.Country.name).where(m.Country.id.not_in(sa.select(m.Note.country_id)))
        ),
    ),
    Path(
        "correlated-exists",
        lambda s, m: s.scalars(
            sa.select(m.Country.name).where(sa.exists().where(m.Note.country_id == m.Country.id))
        ),
    ),
    Path(
        "any",
        lambda s, m: s.scalars(
            sa.select(m.Country.name).where(m.Country.notes.any(m.Note.stars > 1))
        ),
    ),
    Path(
        "not-any", lambda s, m: s.scalars(sa.select(m.Country.name).where(~m.Country.notes.any()))
    ),
    Path(
        "has",
        lambda s, m: s.scalars(
            sa.select(m.Comment.body).where(m.Comment.note.has(m.Note.stars > 0))
        ),
    ),
    Path(
        "proxy-contains",
        lambda s, m: s.scalars(
            sa.select(m.Note.title).where(m.Note.tag_names.contains("BOBS tag 101"))
        ),
    ),
    Path("cte", lambda s, m: s.execute(sa.select(sa.select(m.Note.title).cte()))),
    Path("cte-twice", _cte_twice),
    Path("cte-nesting", _nested_cte),
    Path("cte-recursive", _recursive),
    Path("union", _union),
    Path("except", _except),
    Path(
        "intersect",
        lambda s, m: s.execute(sa.intersect(sa.select(m.Note.id), sa.select(m.Comment.note_id))),
    ),
    Path("compound", _union_minus, only=PG),
    Path("entity-of-union", _entity_of_union),
    Path(
        "entity-of-subquery",
        lambda s, m: s.scalars(
            sa.select(orm.aliased(m.Note, sa.select(m.Note).where(m.Note.id > 1).subquery()))
        ),
    ),
    Path(
        "from-statement",
        lambda s, m: s.scalars(
            sa.select(m.Note).from_statement(sa.select(m.Note).order_by(m.Note.id))
        ),
    ),
    # Core
    Path("core-table", lambda s, m: s.execute(sa.select(_core(m, "note")))),
    Path("core-alias", lambda s, m: s.execute(sa.select(_core(m, "note").alias("x").c.title))),
    Path(
        "core-alias-of-alias",
        lambda s, m: s.execute(sa.select(_core(m, "note").alias("x").alias("y").c.title)),
    ),
    Path(
        "core-alias-like-another-table",
        lambda s, m: s.execute(sa.select(_core(m, "note").alias("country").c.title)),
    ),
    Path(
        "core-join", lambda s, m: s.execute(sa.select(_core(m, "note").join(_core(m, "comment"))))
    ),
    Path("light-table", lambda s, m: s.execute(sa.select(light("title")))),
    Path("light-table-alias", lambda s, m: s.execute(sa.select(light("title").alias("x").c.title))),
    Path("light-child", lambda s, m: s.execute(sa.select(light("body", name="comment")))),
    Path(
        "light-with-schema",
        lambda s, m: s.execute(sa.select(light("title", schema="public"))),
        only=PG,
    ),
    Path(
        "light-with-main",
        lambda s, m: s.execute(sa.select(light("title", schema="main"))),
        only=LITE,
    ),
    Path(
        "light-in-capitals",
        lambda s, m: s.execute(sa.select(light("title", name="NOTE"))),
        only=LITE,
    ),
    Path(
        "light-no-columns", lambda s, m: s.scalar(sa.select(sa.func.count()).select_from(light()))
    ),
    Path(
        "literal-column",
        lambda s, m: s.execute(sa.select(sa.literal_column("title")).select_from(m.Note)),
    ),
    Path("reflected", _reflected),
    Path("connection", _conn),
    # children
    Path("child", lambda s, m: s.scalars(sa.select(m.Comment))),
    Path("child-count", lambda s, m: s.scalar(sa.select(sa.func.count()).select_from(m.Comment))),
    Path("grandchild", lambda s, m: s.scalars(sa.select(m.Reaction.emoji))),
    Path("secondary", lambda s, m: s.execute(sa.select(m.note_tag))),
    Path("inherited", lambda s, m: s.scalars(sa.select(m.Todo))),
    Path("inherited-child-table", lambda s, m: s.execute(sa.select(m.Todo.__table__.c.due))),
    Path("inherited-base", lambda s, m: s.scalars(sa.select(m.Item).order_by(m.Item.id))),
    Path("with-polymorphic", lambda s, m: s.scalars(sa.select(orm.with_polymorphic(m.Item, "*")))),
    Path("with-polymorphic-flat", _flat_polymorphic),
    Path(
        "selectin-polymorphic",
        lambda s, m: s.scalars(
            sa.select(m.Item).options(orm.selectin_polymorphic(m.Item, [m.Todo]))
        ),
    ),
    # loading
    Path("lazy", _lazy),
    Path("many-to-one", _many_to_one),
    Path(
        "selectinload",
        lambda s, m: [
            (n, n.comments, n.tags)
            for n in s.scalars(sa.select(m.Note).options(orm.selectinload("*")))
        ],
    ),
    Path(
        "joinedload",
        lambda s, m: [
            (n, n.comments, n.folder)
            for n in s.scalars(
                sa.select(m.Note).options(
                    orm.joinedload(m.Note.comments), orm.joinedload(m.Note.folder)
                )
            ).unique()
        ],
    ),
    Path(
        "joinedload-limit",
        lambda s, m: [
            (n, n.comments)
            for n in s.scalars(
                sa.select(m.Note)
                .options(orm.joinedload(m.Note.comments))
                .order_by(m.Note.id.desc())
                .limit(1)
            ).unique()
        ],
    ),
    Path(
        "subqueryload",
        lambda s, m: [
            (n, n.comments)
            for n in s.scalars(sa.select(m.Note).options(orm.subqueryload(m.Note.comments)))
        ],
    ),
    Path(
        "load-from-shared",
        lambda s, m: [
            (c.name, c.notes)
            for c in s.scalars(sa.select(m.Country).options(orm.selectinload(m.Country.notes)))
        ],
    ),
    Path(
        "joined-from-shared",
        lambda s, m: [
            (c.name, c.notes)
            for c in s.scalars(
                sa.select(m.Country).options(orm.joinedload(m.Country.notes))
            ).unique()
        ],
    ),
    Path(
        "lazy-from-shared",
        lambda s, m: [(c.name, c.notes) for c in s.scalars(sa.select(m.Country))],
    ),
    Path(
        "contains-eager",
        lambda s, m: [
            (c.name, c.notes)
            for c in s.scalars(
                sa.select(m.Country)
                .join(m.Country.notes)
                .options(orm.contains_eager(m.Country.notes))
            ).unique()
        ],
    ),
    Path(
        "loader-criteria",
        lambda s, m: s.scalars(
            sa.select(m.Note).options(
                orm.with_loader_criteria(m.Note, lambda kind: kind.stars >= 0, include_aliases=True)
            )
        ),
    ),
    Path("deferred", _deferred),
    Path("column-property", lambda s, m: s.execute(sa.select(m.Note.shout, m.Note.comment_count))),
    Path("expired", _expired),
    Path("refreshed", _refreshed, leaks=False),
    Path("populate-existing", _populate),
    Path("forged-refresh", _forged_refresh),
    Path("forged-attribute", _forged_attribute),
    Path("forged-collection", _forged_collection),
    # the session and its transaction
    Path("query", lambda s, m: s.query(m.Note).all()),
    Path("query-count", lambda s, m: s.query(m.Note).count()),
    Path("query-filter-by", lambda s, m: s.query(m.Note).filter_by(id=101).first()),
    Path("query-join", lambda s, m: s.query(m.Note.title, m.Comment.body).join(m.Comment).all()),
    Path("lambda-statement", _lambda),
    Path("streamed", _streamed),
    Path("from-the-cache", _twice_from_cache),
    Path("for-update", lambda s, m: s.scalars(sa.select(m.Note.title).with_for_update())),
    Path(
        "for-update-of",
        lambda s, m: s.execute(
            sa.select(m.Note.title, m.Comment.body).join(m.Comment).with_for_update(of=m.Note)
        ),
        only=PG,
    ),
    Path("after-commit", _after_commit),
    Path("after-rollback", _after_rollback),
    Path("after-savepoint", _after_savepoint),
    Path(
        "option-of-a-statement",
        lambda s, m: s.execute(sa.select(m.Note.title).execution_options(betterguard_user="bob")),
    ),
    Path(
        "option-of-an-execution",
        lambda s, m: s.execute(
            sa.select(m.Note.title), execution_options={"betterguard_user": "bob"}
        ),
    ),
    Path(
        "parameter-of-the-user",
        lambda s, m: s.execute(sa.select(m.Note.title), {"betterguard_user": "bob"}),
    ),
)
