"""The paths that no filter can be put into: they are refused before they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import quoted_name

from betterguard.errors import UnsafeStatement
from tests.rows.path import Path, Wall
from tests.rows.reading import LITE, PG, light

if TYPE_CHECKING:
    from types import SimpleNamespace

UNSAFE = (UnsafeStatement,)
XML = (True, False, "")


class Spelled(sa.ColumnElement[str]):
    """A construct of an application's own, which writes SQL as it likes."""

    inherit_cache = False
    type = sa.Text()


@compiles(Spelled)
def _spell(_element: Spelled, _compiler: Any, **_: Any) -> str:
    return "(SELECT min(secret) FROM note)"


class Tabled(sa.ColumnElement[str]):
    """A construct that lets the compiler write a table, in no FROM clause."""

    inherit_cache = False
    type = sa.Text()

    def __init__(self, table: Any) -> None:
        self.table = table


@compiles(Tabled)
def _table_out(element: Tabled, compiler: Any, **_: Any) -> str:
    return f"(SELECT min(secret) FROM {compiler.process(element.table, asfrom=True)})"


def _text(sql: str, **parameters: Any) -> Any:
    return lambda s, _m: s.execute(sa.text(sql), parameters)


def _driver(sql: str) -> Any:
    return lambda s, _m: s.connection().exec_driver_sql(sql)


def _raw_cursor(s: Any, _m: SimpleNamespace) -> object:
    engine: Any = s.get_bind()
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT secret FROM note")
        return cursor.fetchall()
    finally:
        connection.close()


def _own_cursor(s: Any, _m: SimpleNamespace) -> object:
    cursor = s.connection().connection.cursor()
    cursor.execute("SELECT secret FROM note")
    return cursor.fetchall()


def _textual(s: Any, m: SimpleNamespace) -> object:
    selected = sa.text("SELECT * FROM note").columns(m.Note.id, m.Note.title)
    return s.execute(sa.select(selected.subquery().c.title))


def _compiled_elsewhere(s: Any, m: SimpleNamespace) -> object:
    compiled = sa.select(m.Note.title).compile(dialect=type(s.get_bind().dialect)())
    return s.connection().execute(compiled)


def _full_join(s: Any, m: SimpleNamespace) -> object:
    joined = sa.join(m.Note.__table__, m.Folder.__table__, sa.true(), full=True)
    return s.execute(sa.select(m.Note.title, m.Folder.name).select_from(joined))


def _other_user(s: Any, m: SimpleNamespace) -> object:
    s.connection(execution_options={"betterguard_user": "bob"})
    return s.execute(sa.select(m.Note.title))


def _other_user_on_connection(s: Any, m: SimpleNamespace) -> object:
    connection = s.connection().execution_options(betterguard_user="bob")
    return connection.execute(sa.select(m.Note.__table__.c.title))


def _set_by_function(s: Any, m: SimpleNamespace) -> object:
    s.execute(sa.select(sa.func.set_config("app.user_id", "bob", sa.true())))
    return s.execute(sa.select(m.Note.title))


def _set_by_text(s: Any, m: SimpleNamespace) -> object:
    s.execute(sa.text("SET LOCAL app.user_id = 'bob'"))
    return s.execute(sa.select(m.Note.title))


def _drop(s: Any, m: SimpleNamespace) -> object:
    m.Reaction.__table__.drop(s.connection())
    return None


def _autocommit(s: Any, m: SimpleNamespace) -> object:
    s.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
    return s.execute(sa.select(m.Note.title))


REFUSING = (
    Path("text", _text("SELECT * FROM note"), UNSAFE),
    Path("text-quoted", _text('SELECT * FROM "note"'), UNSAFE),
    Path("text-capitals", _text("SELECT * FROM NOTE"), UNSAFE),
    Path("text-schema", _text("SELECT * FROM public.note"), UNSAFE, only=PG),
    Path("text-child", _text("SELECT * FROM comment"), UNSAFE),
    Path("text-parameter", _text("SELECT secret FROM note WHERE id = :id", id=101), UNSAFE),
    Path("text-update", _text("UPDATE note SET title = 'x'"), UNSAFE),
    Path("text-delete", _text("DELETE FROM reaction"), UNSAFE),
    Path(
        "text-insert",
        _text("INSERT INTO folder (id, name, user_id) VALUES (900, 'x', 'bob')"),
        UNSAFE,
    ),
    Path(
        "text-two-statements",
        _text("SELECT 1; SELECT secret FROM note"),
        UNSAFE,
        only=PG,
        leaks=False,
    ),
    Path("text-explain", _text("EXPLAIN SELECT 1 FROM note"), UNSAFE, leaks=False),
    Path("text-copy", _text("COPY (TABLE note) TO STDOUT"), UNSAFE, only=PG, leaks=False),
    Path(
        "text-merge",
        _text(
            "MERGE INTO folder f USING note n ON f.id = n.folder_id"
            " WHEN MATCHED THEN UPDATE SET name = n.secret"
        ),
        UNSAFE,
        only=PG,
    ),
    Path(
        "text-union",
        lambda s, m: s.execute(
            sa.select(m.Country.name).where(sa.text("false UNION SELECT secret FROM note"))
        ),
        UNSAFE,
    ),
    Path(
        "text-in-where",
        lambda s, m: s.execute(
            sa.select(m.Country.name).where(sa.text("EXISTS (SELECT 1 FROM note WHERE id = 101)"))
        ),
        UNSAFE,
    ),
    Path(
        "text-in-columns",
        lambda s, m: s.execute(sa.select(sa.text("(SELECT min(secret) FROM note)"))),
        UNSAFE,
    ),
    Path(
        "text-in-from",
        lambda s, m: s.execute(sa.select(sa.text("secret")).select_from(sa.text("note"))),
        UNSAFE,
    ),
    Path(
        "text-in-order-by",
        lambda s, m: s.scalars(
            sa.select(m.Country.name)
            .order_by(
                sa.text("(SELECT count(*) FROM note WHERE country_id = country.id)"), m.Country.id
            )
            .limit(1)
        ),
        UNSAFE,
    ),
    Path(
        "text-from-statement",
        lambda s, m: s.scalars(sa.select(m.Note).from_statement(sa.text("SELECT * FROM note"))),
        UNSAFE,
    ),
    Path("text-subquery", _textual, UNSAFE),
    Path(
        "literal-column-select",
        lambda s, m: s.execute(sa.select(sa.literal_column("(SELECT min(secret) FROM note)"))),
        UNSAFE,
    ),
    Path(
        "operator",
        lambda s, m: s.execute(
            sa.select(m.Country.name).where(
                m.Country.id.op("< (SELECT count(*) FROM note) AND 0 <")(1)
            )
        ),
        UNSAFE,
    ),
    Path(
        "prefix",
        lambda s, m: s.execute(
            sa.select(m.Country.id).prefix_with("(SELECT min(secret) FROM note) ||")
        ),
        UNSAFE,
    ),
    Path(
        "suffix",
        lambda s, m: s.execute(
            sa.select(m.Country.name).suffix_with("UNION SELECT secret FROM note")
        ),
        UNSAFE,
    ),
    Path(
        "statement-hint",
        lambda s, m: s.execute(
            sa.select(m.Country.name).with_statement_hint("UNION SELECT secret FROM note")
        ),
        UNSAFE,
    ),
    Path(
        "unquoted-table",
        lambda s, m: s.execute(
            sa.select(sa.literal_column("secret")).select_from(
                sa.table(quoted_name("note, country AS c", quote=False))
            )
        ),
        UNSAFE,
    ),
    Path(
        "unquoted-column",
        lambda s, m: s.execute(
            sa.select(sa.column(quoted_name("(SELECT min(secret) FROM note)", quote=False)))
        ),
        UNSAFE,
    ),
    Path("own-construct", lambda s, m: s.execute(sa.select(Spelled())), UNSAFE),
    Path(
        "own-construct-of-a-table",
        lambda s, m: s.execute(sa.select(Tabled(m.Note.__table__))),
        UNSAFE,
    ),
    Path(
        "own-construct-beside-the-table",
        lambda s, m: s.execute(sa.select(m.Note.id, Tabled(m.Note.__table__))),
        UNSAFE,
    ),
    Path(
        "own-construct-in-where",
        lambda s, m: s.execute(sa.select(m.Note.id).where(Tabled(m.Note.__table__).is_not(None))),
        UNSAFE,
        leaks=False,
    ),
    Path("driver-sql", _driver("SELECT secret FROM note"), UNSAFE),
    Path(
        "compiled-elsewhere",
        _compiled_elsewhere,
        (UnsafeStatement, exc.ObjectNotExecutableError),
        leaks=False,
    ),
    Path("full-join", _full_join, UNSAFE, only=PG),
    Path(
        "unknown-table",
        lambda s, m: s.execute(sa.select(light("name", name="sqlite_master"))),
        UNSAFE,
        only=LITE,
        leaks=False,
    ),
    Path(
        "unknown-view",
        lambda s, m: s.execute(sa.select(light("secret", name="note_view"))),
        UNSAFE,
        leaks=False,
    ),
    Path("closed", lambda s, m: s.scalars(sa.select(m.Credential.password)), UNSAFE),
    Path(
        "closed-light",
        lambda s, m: s.execute(sa.select(light("password", name="credential"))),
        UNSAFE,
    ),
    Path("closed-text", _text("SELECT password FROM credential"), UNSAFE),
    Path(
        "closed-insert",
        lambda s, m: s.execute(sa.insert(m.Credential).values(password="x")).close(),
        UNSAFE,
        leaks=False,
    ),
    Path(
        "closed-subquery",
        lambda s, m: s.scalars(
            sa.select(m.Country.id).where(sa.exists().where(m.Credential.password == "BOBS"))
        ),
        UNSAFE,
        leaks=False,
    ),
    Path("ddl", _drop, UNSAFE, leaks=False),
    Path("other-user", _other_user, UNSAFE),
    Path("other-user-on-connection", _other_user_on_connection, UNSAFE),
    # The tests' server has no XML, so these show nothing even without a wall.
    Path(
        "sql-in-function",
        lambda s, m: s.scalar(
            sa.select(sa.cast(sa.func.query_to_xml("SELECT secret FROM note", *XML), sa.Text))
        ),
        UNSAFE,
        only=PG,
        leaks=False,
    ),
    Path(
        "sql-in-text-function",
        _text(
            "SELECT query_to_xml(:query, true, false, '')::text", query="SELECT secret FROM note"
        ),
        UNSAFE,
        only=PG,
        leaks=False,
    ),
    Path(
        "table-in-function",
        lambda s, m: s.scalar(sa.select(sa.cast(sa.func.table_to_xml("note", *XML), sa.Text))),
        UNSAFE,
        only=PG,
        leaks=False,
    ),
    Path("set-user", _set_by_function, UNSAFE, only=PG, alone=Wall.COMPILER),
    Path("set-user-by-text", _set_by_text, UNSAFE, only=PG, alone=Wall.COMPILER),
    Path("set-role", _text("SET ROLE postgres"), UNSAFE, only=PG, leaks=False),
    Path(
        "statistics",
        lambda s, m: s.execute(sa.select(light("tablename", schema="pg_catalog", name="pg_stats"))),
        UNSAFE,
        only=PG,
        leaks=False,
    ),
    Path("autocommit", _autocommit, UNSAFE, only=PG),
    Path("raw-cursor", _raw_cursor, (exc.DBAPIError, Exception), only=PG, alone=Wall.POLICIES),
    Path("own-cursor", _own_cursor, only=PG, alone=Wall.POLICIES),
)
