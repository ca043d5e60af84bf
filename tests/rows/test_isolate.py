"""What `isolate` and the declarations take, and what they refuse."""

from __future__ import annotations

import pickle
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.declarative import ConcreteBase
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlmodel import Field, SQLModel
from sqlmodel import Session as SQLModelSession
from sqlmodel import select as select_model

from betterguard import rows
from betterguard.errors import ConfigurationError, Forbidden, MissingToken, UnsafeStatement
from betterguard.rows import Owned, owned_index, owner, shared, via
from betterguard.rows.compiler import USER_PARAMETER, IsolatingCompiler
from betterguard.rows.sqlmodels import OwnedModel
from betterguard.schema import map_better_auth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def table(metadata: sa.MetaData, name: str, *columns: Any, **options: Any) -> sa.Table:
    return sa.Table(
        name, metadata, sa.Column("id", sa.Integer, primary_key=True), *columns, **options
    )


def owned(metadata: sa.MetaData, name: str = "own", kind: Any = sa.Text) -> sa.Table:
    return table(metadata, name, sa.Column("user_id", kind, **owner()), sa.Column("x", sa.Text))


def _unclassified(metadata: sa.MetaData) -> None:
    table(metadata, "lost")
    table(metadata, "stray")


def _nullable(metadata: sa.MetaData) -> None:
    table(metadata, "bad", sa.Column("user_id", sa.Text, **{**owner(), "nullable": True}))


def _other_default(metadata: sa.MetaData) -> None:
    table(metadata, "bad", sa.Column("user_id", sa.Text, **{**owner(), "default": "admin"}))


def _server_default(metadata: sa.MetaData) -> None:
    table(metadata, "bad", sa.Column("user_id", sa.Text, **owner(), server_default="admin"))


def _onupdate(metadata: sa.MetaData) -> None:
    table(metadata, "bad", sa.Column("user_id", sa.Text, **owner(), onupdate="admin"))


def _onupdate_of_parent(metadata: sa.MetaData) -> None:
    key: sa.Column[int] = sa.Column(
        "own_id", sa.ForeignKey("own.id"), nullable=False, onupdate=lambda: 1
    )
    table(metadata, "bad", key, info=via("own_id"))


def _no_column(metadata: sa.MetaData) -> None:
    table(metadata, "bad", info=via("own_id"))


def _no_key(metadata: sa.MetaData) -> None:
    table(metadata, "bad", sa.Column("own_id", sa.Integer, nullable=False), info=via("own_id"))


def _nullable_parent(metadata: sa.MetaData) -> None:
    table(metadata, "bad", sa.Column("own_id", sa.ForeignKey("own.id")), info=via("own_id"))


def _shared_parent(metadata: sa.MetaData) -> None:
    table(metadata, "all", info=shared())
    key: sa.Column[int] = sa.Column("all_id", sa.ForeignKey("all.id"), nullable=False)
    table(metadata, "bad", key, info=via("all_id"))


def _two_things(metadata: sa.MetaData) -> None:
    table(metadata, "bad", sa.Column("user_id", sa.Text, **owner()), info=shared())


def _two_types(metadata: sa.MetaData) -> None:
    owned(metadata, "other", sa.Integer)


@pytest.mark.parametrize(
    ("declare", "faults"),
    [
        pytest.param(
            _unclassified, ["table lost says nothing", "table stray says"], id="unclassified"
        ),
        pytest.param(_nullable, ["bad.user_id may be NULL"], id="nullable-owner"),
        pytest.param(_other_default, ["bad.user_id has no or another default"], id="default"),
        pytest.param(_server_default, ["bad.user_id has a server default"], id="server-default"),
        pytest.param(_onupdate, ["bad.user_id has an onupdate"], id="onupdate"),
        pytest.param(_onupdate_of_parent, ["has a default or onupdate"], id="via-onupdate"),
        pytest.param(_no_column, ["no such column"], id="via-no-column"),
        pytest.param(_no_key, ["exactly one foreign key"], id="via-no-key"),
        pytest.param(_nullable_parent, ["may be NULL: a row without a parent"], id="via-nullable"),
        pytest.param(_shared_parent, ["leads to all, which no one owns"], id="via-shared"),
        pytest.param(_two_things, ["says two things"], id="two-things"),
        pytest.param(_two_types, ["owner columns are of several types"], id="two-types"),
    ],
)
def test_wrong_declarations_stop_the_start(
    declare: Callable[[sa.MetaData], None], faults: list[str]
) -> None:
    metadata = sa.MetaData()
    owned(metadata)
    declare(metadata)
    with pytest.raises(ConfigurationError) as raised:
        rows.isolate(sa.create_engine("sqlite://"), metadata)
    assert len(raised.value.faults) == len(faults)
    for fault, expected in zip(raised.value.faults, faults, strict=True):
        assert expected in fault


def test_metadata_without_owners_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="no owned table"):
        rows.isolate(sa.create_engine("sqlite://"), sa.MetaData())


def test_an_engine_is_isolated_once() -> None:
    metadata = sa.MetaData()
    owned(metadata)
    engine = rows.isolate(sa.create_engine("sqlite://"), metadata)
    with pytest.raises(ConfigurationError, match="already"):
        rows.isolate(engine, metadata)


def test_an_unknown_database_stops_the_start() -> None:
    metadata = sa.MetaData()
    owned(metadata)
    engine = sa.create_mock_engine("mysql://", lambda *_: None)
    with pytest.raises(ConfigurationError, match="not mysql"):
        rows.isolate(engine, metadata)  # type: ignore[type-var]  # no MySQL driver is installed


def test_a_session_needs_an_isolated_engine() -> None:
    with pytest.raises(ConfigurationError, match="not isolated"):
        rows.session(sa.create_engine("sqlite://"), "alice")


def test_a_session_has_one_engine_and_ordinary_transactions() -> None:
    metadata = sa.MetaData()
    note = owned(metadata)
    engine, other = (
        rows.isolate(sa.create_engine("sqlite://"), metadata),
        sa.create_engine("sqlite://"),
    )
    with pytest.raises(ConfigurationError, match="takes no binds") as raised:
        rows.session(engine, "alice", binds={note: other}, twophase=True)
    assert len(raised.value.faults) == 2


def test_a_compiler_that_forgets_the_filter_stops_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metadata = sa.MetaData()
    owned(metadata)
    monkeypatch.delattr(IsolatingCompiler, "_compose_select_body")
    monkeypatch.delattr(IsolatingCompiler, "visit_table")
    with pytest.raises(ConfigurationError, match="without the owner's filter"):
        rows.isolate(sa.create_engine("sqlite://"), metadata)


def test_a_compiler_that_forgets_a_table_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = sa.MetaData()
    note = owned(metadata)
    engine = rows.isolate(sa.create_engine("sqlite://"), metadata)
    monkeypatch.delattr(IsolatingCompiler, "_compose_select_body")
    with pytest.raises(UnsafeStatement, match="without its owner's filter"):
        sa.select(note).compile(engine)


def test_other_engines_stay_as_they_are(tmp_path: Path) -> None:
    metadata = sa.MetaData()
    note = owned(metadata)
    url = f"sqlite:///{tmp_path / 'a.db'}"
    other = sa.create_engine(url)
    rows.isolate(sa.create_engine(url), metadata)
    metadata.create_all(other)
    with other.begin() as connection:
        connection.execute(note.insert(), [{"user_id": "bob", "x": "y"}])
        assert connection.execute(sa.text("SELECT user_id FROM own")).all() == [("bob",)]
    other.dispose()


def test_the_compiled_cache_holds_no_user(tmp_path: Path) -> None:
    metadata = sa.MetaData()
    note = owned(metadata)
    url = f"sqlite:///{tmp_path / 'a.db'}"
    owner_engine = sa.create_engine(url)
    metadata.create_all(owner_engine)
    cache: dict[Any, Any] = {}
    engine = rows.isolate(sa.create_engine(url), metadata).execution_options(compiled_cache=cache)
    for user in ("alice", "bob"):
        with rows.session(engine, user) as session:
            session.execute(sa.insert(note).values(x=user))
            assert session.scalars(sa.select(note.c.user_id)).all() == [user]
            session.commit()
    compiled = [one for one in cache.values() if USER_PARAMETER in one.binds]
    assert len(compiled) == 1
    assert compiled[0].binds[USER_PARAMETER].value is None
    assert not any("alice" in repr(vars(bind)) for bind in compiled[0].binds.values())
    engine.dispose()
    owner_engine.dispose()


IDS = [
    pytest.param(sa.Text, "alice", "bob", id="text"),
    pytest.param(sa.Integer, 1, 2, id="integer"),
    pytest.param(sa.Integer, "1", "2", id="integer-of-a-token"),
    pytest.param(sa.Uuid, uuid.UUID(int=1), uuid.UUID(int=2), id="uuid"),
    pytest.param(sa.Uuid, str(uuid.UUID(int=1)), str(uuid.UUID(int=2)), id="uuid-of-a-token"),
    pytest.param(
        sa.Uuid(as_uuid=False), str(uuid.UUID(int=1)), str(uuid.UUID(int=2)), id="uuid-text"
    ),
]


@pytest.mark.parametrize(("kind", "one", "other"), IDS)
def test_the_owner_may_be_of_any_type(tmp_path: Path, kind: Any, one: Any, other: Any) -> None:
    metadata = sa.MetaData()
    note = owned(metadata, kind=kind)
    url = f"sqlite:///{tmp_path / 'a.db'}"
    plain = sa.create_engine(url)
    metadata.create_all(plain)
    engine = rows.isolate(sa.create_engine(url), metadata)
    for user in (one, other):
        with rows.session(engine, user) as session:
            session.execute(sa.insert(note), [{"x": str(user)}])
            assert session.scalars(sa.select(note.c.x)).all() == [str(user)]
            with pytest.raises(Forbidden):
                session.execute(
                    sa.insert(note), [{"user_id": other if user == one else one, "x": "y"}]
                )
            session.commit()
    engine.dispose()
    plain.dispose()


@pytest.mark.parametrize(
    ("kind", "user"),
    [
        pytest.param(sa.Integer, "alice", id="not-an-integer"),
        pytest.param(sa.Integer, "01", id="another-spelling"),
        pytest.param(sa.Integer, "1_0", id="ten-in-python"),
        pytest.param(sa.Uuid, "alice", id="not-a-uuid"),
        pytest.param(sa.Text, "", id="empty"),
        pytest.param(sa.Text, "a\0b", id="null-byte"),
        pytest.param(sa.Text, None, id="none"),
    ],
)
def test_an_id_of_another_type_opens_no_session(kind: Any, user: Any) -> None:
    metadata = sa.MetaData()
    owned(metadata, kind=kind)
    engine = rows.isolate(sa.create_engine("sqlite://"), metadata)
    with pytest.raises(MissingToken):
        rows.session(engine, user)


AWKWARD = ["order", "user", "count", "text", "date", "my-notes", "Notes", "filter", "group"]


@pytest.mark.parametrize("name", AWKWARD)
def test_a_table_may_have_the_name_of_a_sql_word(tmp_path: Path, name: str) -> None:
    metadata = sa.MetaData()
    note = owned(metadata, name)
    url = f"sqlite:///{tmp_path / 'a.db'}"
    plain = sa.create_engine(url)
    metadata.create_all(plain)
    engine = rows.isolate(sa.create_engine(url), metadata)
    with rows.session(engine, "alice") as session:
        session.execute(sa.insert(note), [{"x": "1"}, {"x": "2"}])
        counted = sa.select(note.c.x, sa.func.count()).group_by(note.c.x).order_by(note.c.x)
        assert session.execute(counted).all() == [("1", 1), ("2", 1)]
        assert session.scalar(sa.select(sa.cast(sa.func.count(), sa.Text)).select_from(note)) == "2"
        with pytest.raises(UnsafeStatement):
            session.execute(sa.text(f'SELECT * FROM "{name}"'))
    engine.dispose()
    plain.dispose()


@pytest.mark.parametrize("name", ["role", "row_security"])
def test_a_column_may_have_the_name_of_a_setting(tmp_path: Path, name: str) -> None:
    metadata = sa.MetaData()
    member = table(
        metadata, "member", sa.Column("user_id", sa.Text, **owner()), sa.Column(name, sa.Text)
    )
    url = f"sqlite:///{tmp_path / 'a.db'}"
    plain = sa.create_engine(url)
    metadata.create_all(plain)
    engine = rows.isolate(sa.create_engine(url), metadata)
    with rows.session(engine, "alice") as session:
        session.execute(sa.insert(member).values({name: "a"}))
        session.execute(sa.update(member).values({name: "b"}))
        assert session.scalars(sa.select(member.alias("app").c[name])).all() == ["b"]
    engine.dispose()
    plain.dispose()


def test_a_table_may_be_called_as_the_setting_begins() -> None:
    metadata = sa.MetaData()
    own = owned(metadata)
    engine = rows.isolate(sa.create_engine("sqlite://"), metadata)
    assert "app.user_id" in str(sa.select(own.alias("app")).compile(engine))


def test_values_in_a_statement_may_say_anything() -> None:
    metadata = sa.MetaData()
    owned(metadata)
    engine = rows.isolate(sa.create_engine("sqlite://"), metadata)
    said = "I'd own it; do SET ROLE x, RESET ALL"
    written = sa.values(sa.column("x", sa.Text), name="v", literal_binds=True).data([(said,)])
    assert said.replace("'", "''") in str(sa.select(written).compile(engine))


def test_columns_may_have_other_keys_in_python(tmp_path: Path) -> None:
    metadata = sa.MetaData()
    key = sa.Column("memo_id", sa.Integer, primary_key=True, key="number")
    memo = sa.Table("memo", metadata, key, sa.Column("owner", sa.Text, key="whose", **owner()))
    line = table(
        metadata,
        "line",
        sa.Column("memo_id", sa.ForeignKey("memo.number"), key="of", nullable=False),
        info=via("memo_id"),
    )
    url = f"sqlite:///{tmp_path / 'a.db'}"
    plain = sa.create_engine(url)
    metadata.create_all(plain)
    engine = rows.isolate(sa.create_engine(url), metadata)
    for number, user in enumerate(["alice", "bob"]):
        with rows.session(engine, user) as session:
            session.execute(sa.insert(memo).values(number=number))
            session.execute(sa.insert(line).values(of=number))
            assert session.execute(sa.select(memo.c.whose, line.c.of).join(line)).all() == [
                (user, number)
            ]
            with pytest.raises(Forbidden):
                session.execute(sa.insert(line).values(of=1 - number))
            session.commit()
    engine.dispose()
    plain.dispose()


class Tables(SQLModel):
    """The base of this module's models: a metadata of their own."""

    metadata = sa.MetaData()


class Memo(OwnedModel, Tables, table=True):
    id: int | None = Field(default=None, primary_key=True)
    text: str


class Line(Tables, table=True):
    __table_args__ = {"info": via("memo_id")}
    id: int | None = Field(default=None, primary_key=True)
    memo_id: int = Field(foreign_key="memo.id")
    text: str


def test_concrete_inheritance(tmp_path: Path) -> None:
    class Base(DeclarativeBase):
        pass

    class Paper(ConcreteBase, Owned, Base):
        __tablename__ = "paper"
        __mapper_args__ = {"polymorphic_identity": "P", "concrete": True}
        id: Mapped[int] = mapped_column(primary_key=True)

    class Memo(Paper):
        __tablename__ = "memo"
        __mapper_args__ = {"polymorphic_identity": "M", "concrete": True}
        id: Mapped[int] = mapped_column(primary_key=True)
        user_id: Mapped[str] = mapped_column(**owner())

    url = f"sqlite:///{tmp_path / 'concrete.db'}"
    Base.metadata.create_all(sa.create_engine(url))
    engine = rows.isolate(sa.create_engine(url), Base.metadata)
    for user, number in (("ada", 1), ("bob", 2)):
        with rows.session(engine, user) as session:
            session.add_all([Paper(id=number), Memo(id=number)])
            session.commit()
    with rows.session(engine, "bob") as session:
        found = session.scalars(sa.select(Paper)).all()
        assert sorted((type(one).__name__, one.id) for one in found) == [("Memo", 2), ("Paper", 2)]
        assert [one.id for one in session.scalars(sa.select(Memo))] == [2]
        assert (session.get(Paper, 1), session.get(Memo, 1)) == (None, None)


def test_sqlmodel(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    plain = sa.create_engine(url)
    Tables.metadata.create_all(plain)
    engine = rows.isolate(sa.create_engine(url), Tables.metadata)
    ids = {}
    for user in ("alice", "bob"):
        with rows.session(engine, user, session_class=SQLModelSession) as session:
            assert isinstance(session, SQLModelSession)
            memo = Memo(text=user)
            session.add(memo)
            session.flush()
            assert memo.id is not None
            session.add(Line(memo_id=memo.id, text=user))
            session.commit()
            session.refresh(memo)
            assert memo.user_id == user
            ids[user] = memo.id
            assert [one.text for one in session.exec(select_model(Memo))] == [user]
            assert [one.text for one in session.exec(select_model(Line))] == [user]
    with rows.session(engine, "alice", session_class=SQLModelSession) as session:
        assert session.get(Memo, ids["bob"]) is None
        with pytest.raises(Forbidden):
            session.add(Memo(user_id="bob", text="forged"))
    engine.dispose()
    plain.dispose()


def test_better_auths_tables_are_closed() -> None:
    class Base(DeclarativeBase):
        pass

    class Note(Owned, Base):
        __tablename__ = "note"
        id: Mapped[int] = mapped_column(primary_key=True)

    session = map_better_auth(Base).session
    engine = rows.isolate(sa.create_engine("sqlite://"), Base.metadata)
    with rows.session(engine, "ada") as opened, pytest.raises(UnsafeStatement, match="closed"):
        opened.scalars(sa.select(session.id))


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[sa.Engine]:
    """An isolated engine on lines of Alice's memo and of Bob's; the numbers are 0 and 1."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    plain = sa.create_engine(url)
    Tables.metadata.create_all(plain)
    with Session(plain) as session:
        for number, user in enumerate(["alice", "bob"]):
            session.add(Memo(id=number, user_id=user, text=user))
            session.add(Line(id=number, memo_id=number, text=user))
        session.commit()
    plain.dispose()
    engine = rows.isolate(sa.create_engine(url), Tables.metadata)
    yield engine
    engine.dispose()


def test_a_foreign_child_is_not_attached(lines: sa.Engine) -> None:
    with rows.session(lines, "bob") as session:
        foreign = session.get_one(Line, 1)
    with rows.session(lines, "alice") as session, pytest.raises(Forbidden):
        session.add(foreign)
    with rows.session(lines, "alice") as session, pytest.raises(Forbidden):
        session.delete(foreign)
    with rows.session(lines, "alice") as session, pytest.raises(Forbidden):
        session.merge(foreign, load=False)


def test_an_own_child_may_come_back(lines: sa.Engine) -> None:
    with rows.session(lines, "alice", expire_on_commit=False) as session:
        loaded, new = session.get_one(Line, 0), Line(memo_id=0, text="new")
        session.add(new)
        session.commit()
    with rows.session(lines, "alice") as session:
        for number, line in enumerate([pickle.loads(pickle.dumps(loaded)), new]):  # noqa: S301  # ours
            session.add(line)
            line.text = f"changed {number}"
        session.commit()
        texts = session.scalars(sa.select(Line.text).order_by(Line.id))  # type: ignore[call-overload]
        assert texts.all() == ["changed 0", "changed 1"]


class Linked(DeclarativeBase):
    """The base of two owned tables and of their links, whose attributes have names of their own."""


class Left(Owned, Linked):
    __tablename__ = "left_side"
    id: Mapped[int] = mapped_column(primary_key=True)


class Right(Owned, Linked):
    __tablename__ = "right_side"
    id: Mapped[int] = mapped_column(primary_key=True)


class Link(Linked):
    __tablename__ = "link"
    __table_args__ = {"info": via("left_id", "right_id")}
    id: Mapped[int] = mapped_column(primary_key=True)
    one: Mapped[int] = mapped_column("left_id", sa.ForeignKey("left_side.id"))
    other: Mapped[int] = mapped_column("right_id", sa.ForeignKey("right_side.id"))


@pytest.fixture
def links(tmp_path: Path) -> Iterator[sa.Engine]:
    """An isolated engine on links of Alice's and Bob's rows, 0 and 1, in all ways."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    plain = sa.create_engine(url)
    Linked.metadata.create_all(plain)
    with Session(plain) as session:
        for number, user in enumerate(["alice", "bob"]):
            session.add_all([Left(id=number, user_id=user), Right(id=number, user_id=user)])
        session.flush()
        session.add_all([Link(id=10 * n + m, one=n, other=m) for n in (0, 1) for m in (0, 1)])
        session.commit()
    plain.dispose()
    engine = rows.isolate(sa.create_engine(url), Linked.metadata)
    yield engine
    engine.dispose()


def test_a_child_of_two_needs_both_to_be_own(links: sa.Engine) -> None:
    for user, own in (("alice", 0), ("bob", 11)):
        with rows.session(links, user) as session:
            assert session.scalars(sa.select(Link.id)).all() == [own]


def test_a_parent_may_have_another_name_in_python(links: sa.Engine) -> None:
    with rows.session(links, "alice") as session:
        for foreign in ({"one": 1, "other": 0}, {"one": 0, "other": 1}):
            with pytest.raises(Forbidden):
                session.execute(sa.insert(Link).values(foreign))
            with pytest.raises(Forbidden):
                session.execute(sa.update(Link).values(foreign))


def test_a_foreign_object_is_not_attached(tmp_path: Path) -> None:
    class Base(DeclarativeBase):
        pass

    class Note(Owned, Base):
        __tablename__ = "note"
        __table_args__ = (owned_index("note_by_title", "title"),)
        id: Mapped[int] = mapped_column(primary_key=True)
        title: Mapped[str]

    url = f"sqlite:///{tmp_path / 'a.db'}"
    plain = sa.create_engine(url)
    Base.metadata.create_all(plain)
    engine = rows.isolate(sa.create_engine(url), Base.metadata)
    with Session(plain) as session:
        session.add(Note(id=1, title="x", user_id="bob"))
        session.commit()
        foreign = session.get_one(Note, 1)
    with rows.session(engine, "alice") as session, pytest.raises(Forbidden):
        session.add(foreign)
    with rows.session(engine, "alice") as session, pytest.raises(Forbidden):
        session.merge(foreign, load=False)
    engine.dispose()
    plain.dispose()
