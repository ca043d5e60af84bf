"""The paths of odd shapes: what SQLAlchemy and the databases also let an application write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc, orm
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.elements import quoted_name

from betterguard.errors import Forbidden, UnsafeStatement
from tests.rows.path import Path, Wall
from tests.rows.reading import LITE, PG, light
from tests.rows.writing import NEW, upsert

if TYPE_CHECKING:
    from types import SimpleNamespace

FORBIDDEN = (Forbidden,)
UNSAFE = (UnsafeStatement,)
SECRET = "SELECT secret FROM note"


class Disguised(sa.TypeDecorator[str]):
    """A type that makes Bob of whoever it is."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str:  # noqa: ARG002  # as declared
        return "bob"


def _stolen(m: SimpleNamespace) -> Any:
    """A scalar subquery for one of Bob's secrets."""
    return sa.select(m.Note.secret).where(m.Note.id == 101).scalar_subquery()


def _every_secret(m: SimpleNamespace) -> Any:
    return sa.select(m.Note.secret).scalar_subquery()


def _raw(sql: str) -> Any:
    return lambda s, _m: s.connection().exec_driver_sql(sql)


def _text(sql: str) -> Any:
    return lambda s, _m: s.execute(sa.text(sql))


def _as_driver_says(sql: str, then: str) -> Any:
    """Run a statement that may change what the next one sees, past SQLAlchemy."""

    def run(s: Any, _m: SimpleNamespace) -> object:
        s.connection().exec_driver_sql(sql)
        cursor = s.connection().connection.cursor()
        cursor.execute(then)
        return cursor.fetchall()

    return run


def _settings_view(s: Any, _m: SimpleNamespace) -> object:
    view = light("name", "setting", name="pg_settings", schema="pg_catalog")
    s.execute(sa.update(view).where(view.c.name == "app.user_id").values(setting="bob")).close()
    cursor = s.connection().connection.cursor()
    cursor.execute("SELECT secret FROM note")
    return cursor.fetchall()


def _own_key(name: str, key: str) -> sa.Table:
    """A copy of a table whose owner column has another key."""
    columns = sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text)
    return sa.Table(name, sa.MetaData(), *columns, sa.Column("user_id", sa.Text, key=key))


def _compiled(statement: Any) -> Any:
    return lambda s, m: s.connection().execute(statement(m).compile(s.get_bind())).close()


def _with_parent(s: Any, m: SimpleNamespace) -> object:
    folder = s.get_one(m.Folder, 1)
    return s.scalars(sa.select(m.Note.title).where(orm.with_parent(folder, m.Folder.notes)))


def _contains(s: Any, m: SimpleNamespace) -> object:
    tag = m.Tag(id=101, user_id="alice")
    orm.make_transient_to_detached(tag)
    s.add(tag)
    return s.scalars(sa.select(m.Note.title).where(m.Note.tags.contains(tag)))


def _query_union(s: Any, m: SimpleNamespace) -> object:
    return s.query(m.Note.title).union(s.query(m.Folder.name)).all()


def _lateral_values(s: Any, m: SimpleNamespace) -> object:
    pairs = sa.values(sa.column("x", sa.Text), name="pairs").data([(_stolen(m),)])
    return s.execute(sa.select(pairs.c.x))


def _array_of_select(s: Any, m: SimpleNamespace) -> object:
    each = sa.func.unnest(sa.func.array(_every_secret(m))).column_valued("x")
    return s.execute(sa.select(each))


def _json_elements(s: Any, m: SimpleNamespace) -> object:
    gathered = sa.select(sa.func.json_agg(m.Note.secret)).scalar_subquery()
    return s.execute(sa.select(sa.func.json_array_elements_text(gathered).column_valued("x")))


def _cte_of_update_and_select(s: Any, m: SimpleNamespace) -> object:
    changed = sa.update(m.Note).values(title="x").returning(m.Note.id).cte("changed")
    return s.execute(
        sa.select(m.Folder.name, changed.c.id).join(changed, changed.c.id == m.Folder.id)
    )


def _add_cte(s: Any, m: SimpleNamespace) -> object:
    gone = sa.delete(m.Reaction).returning(m.Reaction.emoji).cte("gone")
    return s.execute(sa.select(m.Country.name).add_cte(gone))


def _dml_with_cte(s: Any, m: SimpleNamespace) -> object:
    notes = sa.select(m.Note.id, m.Note.secret).cte("notes")
    statement = sa.update(m.Folder).where(m.Folder.id == notes.c.id).values(name=notes.c.secret)
    s.execute(statement.execution_options(synchronize_session=False)).close()
    return s.execute(sa.select(m.Folder.name))


def _steal(s: Any, m: SimpleNamespace) -> object:
    s.execute(
        sa.insert(m.Tag).values(name=sa.func.coalesce(_stolen(m), "-")).returning(m.Tag.name)
    ).close()
    return s.execute(sa.select(m.Tag.name))


def _steal_by_returning(s: Any, m: SimpleNamespace) -> object:
    return s.execute(sa.insert(m.Tag).values(name="x").returning(_every_secret_count(m)))


def _every_secret_count(m: SimpleNamespace) -> Any:
    return sa.select(sa.func.count(m.Note.secret)).scalar_subquery()


def _upsert_where(s: Any, m: SimpleNamespace) -> object:
    statement = upsert(s, m.Note).values(id=1, **NEW)
    statement = statement.on_conflict_do_update(
        index_elements=["id"],
        set_={m.Note.title: statement.excluded.title, "secret": sa.func.coalesce(_stolen(m), "-")},
        where=sa.exists().where(m.Comment.id == 1011),
    )
    s.execute(statement).close()
    return s.execute(sa.select(m.Note.title, m.Note.secret))


def _upsert_expression(s: Any, m: SimpleNamespace) -> object:
    statement = upsert(s, m.Tag).values(id=1, name="x")
    return s.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_={sa.literal_column("user_id"): "bob"}
        )
    ).close()


def _upsert_capitals(s: Any, _m: SimpleNamespace) -> object:
    statement = upsert(s, light("id", "name", "USER_ID", name="tag")).values(
        id=1, name="x", USER_ID="alice"
    )
    return s.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={"USER_ID": "bob"})
    ).close()


def _polymorphic_alias(s: Any, m: SimpleNamespace) -> object:
    todo = orm.aliased(m.Todo, flat=True)
    return s.execute(sa.select(m.Note.title, todo.due).join(todo, todo.id == m.Note.id))


def _sampled(s: Any, m: SimpleNamespace) -> object:
    sampled = sa.tablesample(m.Note.__table__.alias("n"), sa.func.bernoulli(100), name="s")
    return s.scalars(sa.select(orm.aliased(m.Note, sampled)))


def _evaluated(s: Any, m: SimpleNamespace) -> object:
    notes = list(s.scalars(sa.select(m.Note)))
    s.execute(
        sa.update(m.Note).values(title="x").execution_options(synchronize_session="evaluate")
    ).close()
    return [note.title for note in notes]


def _merge_tree(s: Any, m: SimpleNamespace) -> object:
    s.merge(m.Folder(id=1, name="mine", notes=[m.Note(id=101, title="x")]))
    s.flush()
    return None


def _translated(schema: str, to: str | None) -> Any:
    def run(s: Any, _m: SimpleNamespace) -> object:
        table = sa.Table("note", sa.MetaData(), sa.Column("secret", sa.Text), schema=schema)
        s.connection(execution_options={"schema_translate_map": {schema: to}})
        return s.execute(sa.select(table.c.secret))

    return run


def _create_as(s: Any, m: SimpleNamespace) -> object:
    create_as: Any = getattr(sa, "CreateTableAs", None)  # SQLAlchemy 2.1
    if create_as is not None:
        return s.execute(create_as(sa.select(m.Note.__table__), "stolen"))
    ddl: Any = sa.schema.DDL
    return s.execute(ddl("CREATE TABLE stolen AS SELECT * FROM note"))


SHAPING = (
    # reading
    Path("values-of-subquery", _lateral_values, only=PG),
    Path("unnest-of-subquery", _array_of_select, only=PG),
    Path("json-of-subquery", _json_elements, only=PG),
    Path(
        "ordered-aggregate",
        lambda s, m: s.scalar(
            sa.select(
                sa.func.string_agg(
                    m.Note.secret, postgresql.aggregate_order_by(sa.literal(","), m.Note.id)
                )
            )
        ),
        only=PG,
    ),
    Path(
        "grouping-sets",
        lambda s, m: s.execute(
            sa.select(m.Note.title, sa.func.count()).group_by(
                sa.func.grouping_sets(sa.tuple_(m.Note.title), sa.tuple_())
            )
        ),
        only=PG,
    ),
    Path(
        "any-of-subquery",
        lambda s, m: s.scalars(
            sa.select(m.Country.name).where(
                m.Country.id == sa.any_(sa.select(m.Note.country_id).scalar_subquery())
            )
        ),
        only=PG,
    ),
    Path(
        "tuple-in-subquery",
        lambda s, m: s.scalars(
            sa.select(m.Country.id).where(
                sa.tuple_(m.Country.id, 1).in_(sa.select(m.Note.country_id, sa.literal(1)))
            )
        ),
    ),
    Path("tablesample-of-alias", _sampled, only=PG),
    Path("polymorphic-alias", _polymorphic_alias),
    Path(
        "bundle",
        lambda s, m: s.execute(sa.select(orm.Bundle("b", m.Note.id, m.Note.secret))),
    ),
    Path(
        "from-statement-of-union",
        lambda s, m: s.scalars(
            sa.select(m.Note).from_statement(
                sa.union_all(sa.select(m.Note), sa.select(m.Note).where(m.Note.id > 100))
            )
        ),
    ),
    Path("with-parent", _with_parent, leaks=False),
    Path("contains", _contains),
    Path(
        "any-secondary",
        lambda s, m: s.scalars(
            sa.select(m.Country.name).where(m.Country.notes.any(m.Note.tags.any(m.Tag.id > 0)))
        ),
    ),
    Path(
        "immediateload",
        lambda s, m: [
            (c.name, c.notes)
            for c in s.scalars(sa.select(m.Country).options(orm.immediateload(m.Country.notes)))
        ],
    ),
    Path(
        "undefer",
        lambda s, m: s.scalars(sa.select(m.Note).options(orm.undefer(m.Note.secret))),
    ),
    Path("query-union", _query_union),
    Path("query-exists", lambda s, m: s.query(s.query(m.Note).filter_by(id=101).exists()).scalar()),
    Path(
        "query-from-statement",
        lambda s, m: s.query(m.Note).from_statement(sa.select(m.Note)).all(),
    ),
    Path(
        "for-update-of-alias",
        lambda s, m: s.execute(
            sa.select((n := orm.aliased(m.Note)).secret).with_for_update(of=n, skip_locked=True)
        ),
        only=PG,
    ),
    Path(
        "hint",
        lambda s, m: s.execute(sa.select(m.Note.secret).with_hint(m.Note, "ONLY", PG)),
        only=PG,
    ),
    Path(
        "correlate-nothing",
        lambda s, m: s.execute(
            sa.select(
                m.Note.id,
                sa.select(sa.func.count(m.Note.id)).correlate(None).scalar_subquery(),
            )
        ),
    ),
    Path(
        "subquery-in-on",
        lambda s, m: s.execute(
            sa.select(m.Country.name, m.Folder.name).join(
                m.Folder, m.Folder.id == sa.select(sa.func.count(m.Note.id)).scalar_subquery()
            )
        ),
    ),
    Path(
        "subquery-in-limit",
        lambda s, m: s.scalars(
            sa.select(m.Country.id)
            .order_by(m.Country.id)
            .limit(sa.select(sa.func.count(m.Note.id) - 3).scalar_subquery())
        ),
    ),
    # writing
    Path("insert-of-subquery", _steal),
    Path("insert-returning-subquery", _steal_by_returning),
    Path("upsert-where", _upsert_where),
    Path("update-with-cte", _dml_with_cte),
    Path("update-in-cte-joined", _cte_of_update_and_select, only=PG),
    Path("added-cte", _add_cte, only=PG),
    Path("update-evaluated", _evaluated),
    Path("merge-tree", _merge_tree, untouched=True, leaks=False),
    Path(
        "update-or-replace",
        lambda s, m: s.execute(
            sa.update(m.Note.__table__)
            .prefix_with("OR REPLACE")
            .where(m.Note.id == 1)
            .values(id=101)
        ).close(),
        UNSAFE,
        only=LITE,
        leaks=False,
    ),
    # the owner by another name
    Path(
        "owner-in-tuple",
        lambda s, m: s.execute(
            sa.update(m.Tag.__table__).values(
                {
                    sa.tuple_(m.Tag.__table__.c.user_id, m.Tag.__table__.c.name): sa.tuple_(
                        "bob", "x"
                    )
                }
            )
        ).close(),
        (*FORBIDDEN, *UNSAFE),
        only=PG,
    ),
    Path(
        "owner-as-text",
        lambda s, m: s.execute(
            sa.update(m.Tag.__table__).values({sa.literal_column('"user_id"'): "bob"})
        ).close(),
        (*FORBIDDEN, *UNSAFE),
        leaks=False,
    ),
    Path(
        "owner-in-capitals",
        lambda s, m: s.execute(
            sa.update(light("USER_ID", name="tag")).values(USER_ID="bob")
        ).close(),
        FORBIDDEN,
        only=LITE,
    ),
    Path(
        "owner-in-capitals-parameter",
        lambda s, m: (
            s.connection()
            .execute(sa.update(light("USER_ID", name="tag")), {"USER_ID": "bob"})
            .close()
        ),
        FORBIDDEN,
        only=LITE,
    ),
    Path(
        "owner-of-another-key",
        lambda s, m: s.execute(sa.update(_own_key("tag", "whose")).values(whose="bob")).close(),
        FORBIDDEN,
    ),
    Path(
        "forge-in-capitals",
        lambda s, m: s.execute(
            sa.insert(light("id", "name", "USER_ID", name="tag")).values(
                id=900, name="a", USER_ID="bob"
            )
        ).close(),
        FORBIDDEN,
        only=LITE,
    ),
    Path(
        "forge-in-capitals-parameter",
        lambda s, m: s.execute(
            sa.insert(light("id", "name", "USER_ID", name="tag")),
            [{"id": 900, "name": "a", "USER_ID": "bob"}],
        ).close(),
        FORBIDDEN,
        only=LITE,
    ),
    Path(
        "forge-of-another-key",
        lambda s, m: s.execute(
            sa.insert(_own_key("tag", "whose")).values(id=900, name="a", whose="bob")
        ).close(),
        FORBIDDEN,
    ),
    Path(
        "forge-of-another-key-parameter",
        lambda s, m: s.execute(
            sa.insert(_own_key("tag", "whose")), [{"id": 900, "name": "a", "whose": "bob"}]
        ).close(),
        FORBIDDEN,
    ),
    Path(
        "forge-from-select-of-another-key",
        lambda s, m: s.execute(
            sa.insert(_own_key("tag", "whose")).from_select(
                ["name", "whose"], sa.select(m.Note.title, sa.literal("bob"))
            )
        ).close(),
        FORBIDDEN,
    ),
    Path(
        "forge-no-owner",
        lambda s, m: s.execute(
            sa.insert(light("id", "name", name="tag")).values(id=900, name="a")
        ).close(),
        (exc.DBAPIError,),
        leaks=False,
    ),
    Path(
        "parent-in-capitals",
        lambda s, m: s.execute(
            sa.insert(light("NOTE_ID", "body", name="comment")).values(NOTE_ID=101, body="x")
        ).close(),
        FORBIDDEN,
        only=LITE,
    ),
    Path(
        "parent-in-tuple",
        lambda s, m: s.execute(
            sa.update(m.Comment.__table__).values(
                {
                    sa.tuple_(m.Comment.__table__.c.note_id, m.Comment.__table__.c.body): sa.tuple_(
                        101, "x"
                    )
                }
            )
        ).close(),
        (*FORBIDDEN, *UNSAFE),
        only=PG,
    ),
    Path(
        "upsert-owner-as-text",
        _upsert_expression,
        (*FORBIDDEN, *UNSAFE, exc.ArgumentError),
        leaks=False,
    ),
    Path("upsert-owner-in-capitals", _upsert_capitals, FORBIDDEN, only=LITE),
    # compiled beforehand
    Path(
        "compiled-forged",
        _compiled(
            lambda m: sa.insert(m.Folder.__table__).values(name="a", user_id=sa.func.lower("BOB"))
        ),
        (*UNSAFE, exc.ObjectNotExecutableError),
        leaks=False,
    ),
    Path(
        "compiled-parent",
        _compiled(
            lambda m: sa.update(m.Comment.__table__).where(m.Comment.id == 11).values(note_id=101)
        ),
        (*UNSAFE, exc.ObjectNotExecutableError),
        leaks=False,
    ),
    Path("create-table-as", _create_as, UNSAFE, leaks=False),
    # raw SQL that hides what it names
    Path("text-escaped-name", _raw('SELECT secret FROM U&"not\\0065"'), UNSAFE, only=PG),
    Path(
        "text-with-the-mark",
        _text("SELECT secret FROM \ue0bdnote"),
        (*UNSAFE, exc.DBAPIError),
        leaks=False,
    ),
    Path(
        "text-do",
        _text("/* a */ DO $$ BEGIN EXECUTE 'UPDATE no' || 'te SET title = 1'; END $$"),
        UNSAFE,
        only=PG,
    ),
    Path(
        "text-do-second",
        _raw("SELECT 1; DO $$ BEGIN EXECUTE 'UPDATE no' || 'te SET title = 1'; END $$"),
        UNSAFE,
        only=PG,
    ),
    Path(
        "text-create",
        _text("CREATE VIEW stolen AS SELECT 1"),
        UNSAFE,
        leaks=False,
    ),
    Path(
        "set-user-with-spaces",
        _as_driver_says("SET LOCAL app . user_id = 'bob'", SECRET),
        UNSAFE,
        only=PG,
        alone=Wall.COMPILER,
    ),
    Path(
        "set-user-quoted",
        _as_driver_says("""SET LOCAL "app"."user_id" = 'bob'""", SECRET),
        UNSAFE,
        only=PG,
        alone=Wall.COMPILER,
    ),
    Path("set-user-by-view", _settings_view, UNSAFE, only=PG, leaks=False),
    Path(
        "set-user-by-view-as-text",
        _as_driver_says(
            "UPDATE pg_settings SET setting = 'bob' WHERE name = 'app.' || 'user_id'", SECRET
        ),
        UNSAFE,
        only=PG,
        leaks=False,
    ),
    Path(
        "others-queries",
        lambda s, m: s.execute(
            sa.select(light("query", name="pg_stat_activity", schema="pg_catalog"))
        ),
        UNSAFE,
        only=PG,
        leaks=False,
    ),
    Path(
        "others-queries-by-function",
        lambda s, m: s.execute(sa.select(sa.func.pg_stat_get_activity(None))),
        UNSAFE,
        only=PG,
        leaks=False,
    ),
    Path("translated-catalog", _translated("pg_catalog", "public"), UNSAFE, only=PG),
    Path("translated-schema", _translated("other", None), UNSAFE),
    Path(
        "unquoted-alias",
        lambda s, m: s.execute(
            sa.select(m.Country.__table__.alias(quoted_name("c, note", quote=False)).c.name)
        ),
        (*UNSAFE, exc.DBAPIError),
        leaks=False,
    ),
    Path(
        "bind-of-the-user",
        lambda s, m: s.execute(
            sa.select(m.Note.title).where(
                m.Note.user_id == sa.bindparam("betterguard_user", "bob")
            ),
            {"betterguard_user": "bob"},
        ),
        UNSAFE,
    ),
    Path(
        "bind-of-the-user-in-disguise",
        lambda s, m: s.scalars(
            sa.select(m.Note.secret).where(
                sa.bindparam("betterguard_user", type_=Disguised()).is_not(None)
            )
        ),
        UNSAFE,
        leaks=False,
    ),
)
