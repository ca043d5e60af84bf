"""The paths that write: they change Alice's rows and no others, and forge no owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc, orm
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm.exc import StaleDataError

from betterguard.errors import Forbidden, UnsafeStatement
from tests.rows.path import Path, Wall
from tests.rows.reading import LITE, PG, light

if TYPE_CHECKING:
    from types import SimpleNamespace

NEW: dict[str, Any] = {"title": "new", "secret": "s", "slug": "new", "country_id": 1}
FORGED: dict[str, Any] = {**NEW, "user_id": "bob"}
FORBIDDEN = (Forbidden,)
UNSAFE = (UnsafeStatement,)
STALE = (StaleDataError,)
KEY = (exc.IntegrityError,)


def _flushed(s: Any, *objects: object) -> object:
    s.add_all(objects)
    s.flush()
    return [sa.inspect(one).dict.get("user_id") for one in objects]


def _forged(s: Any, kind: Any, key: int, **values: Any) -> Any:
    """Make an object that pretends to have been loaded."""
    one = kind(id=key, **values)
    orm.make_transient_to_detached(one)
    s.add(one)
    return one


def _note(m: SimpleNamespace) -> Any:
    return m.Note.__table__


def upsert(s: Any, kind: Any) -> Any:
    dialect: Any = {PG: postgresql, LITE: sqlite}[s.get_bind().dialect.name]
    return dialect.insert(kind)


def _update_forged(s: Any, m: SimpleNamespace) -> object:
    _forged(s, m.Note, 101, user_id="alice").title = "taken"
    s.flush()
    return None


def _update_forged_child(s: Any, m: SimpleNamespace) -> object:
    _forged(s, m.Comment, 1011, note_id=1).body = "taken"
    s.flush()
    return None


def _change_owner(s: Any, m: SimpleNamespace) -> object:
    s.get_one(m.Tag, 1).user_id = "bob"
    s.flush()
    return None


def _change_parent(s: Any, m: SimpleNamespace) -> object:
    s.get_one(m.Comment, 11).note_id = 101
    s.flush()
    return None


def _move_within(s: Any, m: SimpleNamespace) -> object:
    s.get_one(m.Comment, 11).note_id = 2
    s.flush()
    return s.scalars(sa.select(m.Comment.body).where(m.Comment.note_id == 2))


def _foreign_object(s: Any, m: SimpleNamespace) -> object:
    s.add(m.Note(id=900, **FORGED))
    s.flush()
    return None


def _foreign_detached(s: Any, m: SimpleNamespace) -> object:
    _forged(s, m.Note, 101, user_id="bob", title="BOBS").title = "taken"
    s.flush()
    return None


def _unknown_detached(s: Any, m: SimpleNamespace) -> object:
    _forged(s, m.Note, 101).title = "taken"
    s.flush()
    return None


def _merge(s: Any, note: object) -> object:
    s.merge(note)
    s.flush()
    return None


def _append_foreign_tag(s: Any, m: SimpleNamespace) -> object:
    note, tag = s.get_one(m.Note, 1), _forged(s, m.Tag, 101, user_id="alice")
    note.tags.append(tag)
    s.flush()
    return None


def _append_own_tag(s: Any, m: SimpleNamespace) -> object:
    note = s.get_one(m.Note, 1)
    note.tags.append(s.get_one(m.Tag, 3))
    s.flush()
    s.expire_all()
    return note.tags


def _append_foreign_note(s: Any, m: SimpleNamespace) -> object:
    folder = s.get_one(m.Folder, 1)
    folder.notes.append(_forged(s, m.Note, 101, user_id="alice", folder_id=None))
    s.flush()
    return None


def _into_foreign_folder(s: Any, m: SimpleNamespace) -> object:
    s.get_one(m.Note, 1).folder_id = 101
    s.flush()
    return None


def _delete_own(s: Any, m: SimpleNamespace) -> object:
    s.execute(sa.delete(m.Reaction))
    s.delete(s.get_one(m.Note, 2))
    s.flush()
    return s.scalars(sa.select(m.Comment.id))


def _delete_orphan(s: Any, m: SimpleNamespace) -> object:
    note = s.get_one(m.Note, 3)
    del note.comments[1]
    s.flush()
    return s.scalars(sa.select(m.Comment.body))


def _edit_own(s: Any, m: SimpleNamespace) -> object:
    note = s.get_one(m.Note, 1)
    note.title, note.folder_id = "edited", 2
    note.comments.append(m.Comment(body="more"))
    s.flush()
    s.refresh(note)
    return (note.title, note.folder, [c.body for c in note.comments])


def _inherited(s: Any, m: SimpleNamespace) -> object:
    s.add(m.Todo(label="new", due="today"))
    todo = s.get_one(m.Todo, 1)
    todo.label, todo.due = "a", "b"
    s.flush()
    s.delete(s.get_one(m.Todo, 2))
    s.flush()
    return s.execute(sa.select(m.Todo.label, m.Todo.due, m.Todo.user_id))


def _update_from_parent(s: Any, m: SimpleNamespace) -> object:
    statement = sa.update(m.Note).values(title=m.Folder.name).where(m.Folder.id == m.Note.folder_id)
    s.execute(statement.execution_options(synchronize_session=False))
    return s.execute(sa.select(m.Note.title))


def _update_from_foreign(s: Any, m: SimpleNamespace) -> object:
    note, folder = _note(m), m.Folder.__table__
    s.execute(note.update().values(title=folder.c.name).where(folder.c.id == 101))
    return s.execute(sa.select(m.Note.title))


def _steal_by_subquery(s: Any, m: SimpleNamespace) -> object:
    other = orm.aliased(m.Note)
    secret = sa.select(other.secret).where(other.id == 101).scalar_subquery()
    s.execute(sa.update(m.Note).values(title=sa.func.coalesce(secret, "none")))
    return s.execute(sa.select(m.Note.title))


def _copy_by_select(s: Any, m: SimpleNamespace) -> object:
    names = sa.select(m.Note.title.concat(" copied"))
    s.execute(sa.insert(m.Folder).from_select(["name"], names))
    return s.execute(sa.select(m.Folder.name, m.Folder.user_id))


def _update_in_cte(s: Any, m: SimpleNamespace) -> object:
    changed = sa.update(m.Note).values(stars=9).returning(m.Note.title).cte()
    return s.execute(sa.select(changed))


def _delete_in_cte(s: Any, m: SimpleNamespace) -> object:
    gone = sa.delete(m.note_tag).returning(m.note_tag.c.tag_id).cte()
    return s.execute(sa.select(gone))


def _owner_in_cte(s: Any, m: SimpleNamespace) -> object:
    changed = sa.update(m.Tag).values(user_id="bob").returning(m.Tag.id).cte()
    return s.execute(sa.select(changed))


def _insert_in_cte(s: Any, m: SimpleNamespace) -> object:
    new = sa.insert(m.Folder).values(name="new", user_id="bob").returning(m.Folder.id).cte()
    return s.execute(sa.select(new))


def _bulk_update(s: Any, m: SimpleNamespace, key: int) -> object:
    s.execute(sa.update(m.Note), [{"id": 1, "title": "a"}, {"id": key, "title": "b"}])
    return s.execute(sa.select(m.Note.title))


def _core_many(s: Any, m: SimpleNamespace) -> object:
    statement = _note(m).update().where(_note(m).c.id == sa.bindparam("key"))
    s.connection().execute(statement, [{"key": 1, "title": "a"}, {"key": 101, "title": "b"}])
    return s.execute(sa.select(m.Note.title))


def _upserted(s: Any, m: SimpleNamespace, row: dict[str, Any], **more: Any) -> object:
    statement = upsert(s, m.Note).values(**row)
    statement = statement.on_conflict_do_update(
        index_elements=["id"], set_=more.pop("set_", {"title": "upserted"}), **more
    )
    return s.execute(statement.returning(m.Note.title))


def _upsert_child(s: Any, m: SimpleNamespace, key: int) -> object:
    statement = upsert(s, m.Comment).values(id=key, note_id=1, body="new")
    statement = statement.on_conflict_do_update(index_elements=["id"], set_={"body": "upserted"})
    return s.execute(statement.returning(m.Comment.body))


def _unique_oracle(s: Any, m: SimpleNamespace) -> object:
    s.add(m.Note(**{**NEW, "slug": "BOBS-101"}))
    s.flush()
    return None


def _country_gone(s: Any, m: SimpleNamespace) -> object:
    s.execute(sa.delete(m.Country).where(m.Country.id == 2))
    return None


WRITING = (
    # new rows are Alice's
    Path("add", lambda s, m: _flushed(s, m.Note(**NEW)), leaks=False),
    Path("add-own-owner", lambda s, m: _flushed(s, m.Note(**NEW, user_id="alice")), leaks=False),
    Path(
        "add-tree",
        lambda s, m: _flushed(
            s, m.Note(**NEW, comments=[m.Comment(body="a")], tags=[m.Tag(name="t")])
        ),
        leaks=False,
    ),
    Path(
        "bulk-save",
        lambda s, m: s.bulk_save_objects([m.Folder(name="a"), m.Folder(name="b")]),
        leaks=False,
    ),
    Path(
        "bulk-insert",
        lambda s, m: s.bulk_insert_mappings(m.Folder, [{"name": "a"}, {"name": "b"}]),
        leaks=False,
    ),
    Path(
        "insert",
        lambda s, m: s.execute(sa.insert(m.Folder).values(name="a").returning(m.Folder.user_id)),
        leaks=False,
    ),
    Path(
        "insert-many",
        lambda s, m: s.execute(
            sa.insert(m.Folder).returning(m.Folder.user_id, m.Folder.name),
            [{"name": "a"}, {"name": "b"}],
        ),
        leaks=False,
    ),
    Path(
        "insert-values-list",
        lambda s, m: s.execute(
            sa.insert(m.Folder).values([{"name": "a"}, {"name": "b"}]).returning(m.Folder.user_id)
        ),
        leaks=False,
    ),
    Path(
        "insert-many-own-owner",
        lambda s, m: s.execute(sa.insert(m.Folder), [{"name": "a", "user_id": "alice"}]).close(),
        leaks=False,
    ),
    Path(
        "insert-core",
        lambda s, m: (
            s.connection()
            .execute(m.Folder.__table__.insert(), [{"name": "a"}, {"name": "b"}])
            .close()
        ),
        leaks=False,
    ),
    Path("insert-from-select", _copy_by_select),
    Path(
        "insert-light",
        lambda s, m: s.execute(
            sa.insert(light("id", "name", "user_id", name="folder")).values(
                id=900, name="a", user_id="alice"
            )
        ).close(),
        leaks=False,
    ),
    Path("edit", _edit_own, leaks=False),
    Path("edit-inherited", _inherited),
    Path("edit-tags", _append_own_tag, leaks=False),
    Path("move-child", _move_within, leaks=False),
    Path("delete-own", _delete_own),
    Path("delete-orphan", _delete_orphan),
    Path("merge-own", lambda s, m: _merge(s, m.Note(id=1, title="merged")), leaks=False),
    Path("insert-same-slug", _unique_oracle, leaks=False, alone=Wall.KEYS),
    # forged owners
    Path("forge-add", _foreign_object, FORBIDDEN),
    Path(
        "forge-values",
        lambda s, m: s.execute(sa.insert(m.Note).values(**FORGED)).close(),
        FORBIDDEN,
    ),
    Path("forge-parameters", lambda s, m: s.execute(sa.insert(m.Note), FORGED).close(), FORBIDDEN),
    Path(
        "forge-second-row",
        lambda s, m: s.execute(
            sa.insert(m.Note), [{**NEW, "user_id": "alice"}, {**FORGED, "slug": "x"}]
        ).close(),
        FORBIDDEN,
    ),
    Path(
        "forge-values-list",
        lambda s, m: s.execute(
            sa.insert(m.Note).values([{**NEW, "user_id": "alice"}, {**FORGED, "slug": "x"}])
        ).close(),
        FORBIDDEN,
    ),
    Path(
        "forge-tuples",
        lambda s, m: s.execute(
            sa.insert(m.Folder.__table__).values([(sa.literal("bob"), 900, "a")])
        ).close(),
        (Forbidden, UnsafeStatement, exc.SQLAlchemyError),
    ),
    Path(
        "forge-returning",
        lambda s, m: s.execute(sa.insert(m.Note).values(**FORGED).returning(m.Note.id)),
        FORBIDDEN,
    ),
    Path(
        "forge-core",
        lambda s, m: s.connection().execute(_note(m).insert(), FORGED).close(),
        FORBIDDEN,
    ),
    Path(
        "forge-core-column",
        lambda s, m: s.execute(
            _note(m).insert().values({_note(m).c.user_id: "bob", **NEW})
        ).close(),
        FORBIDDEN,
    ),
    Path(
        "forge-light",
        lambda s, m: s.execute(
            sa.insert(light("id", "name", "user_id", name="folder")).values(
                id=900, name="a", user_id="bob"
            )
        ).close(),
        FORBIDDEN,
    ),
    Path(
        "forge-bound",
        lambda s, m: s.execute(
            sa.insert(m.Folder).values(name="a", user_id=sa.bindparam("who")), {"who": "bob"}
        ).close(),
        FORBIDDEN,
    ),
    Path(
        "forge-literal",
        lambda s, m: s.execute(
            sa.insert(m.Folder).values(name="a", user_id=sa.literal("bob"))
        ).close(),
        FORBIDDEN,
    ),
    Path(
        "forge-expression",
        lambda s, m: s.execute(
            sa.insert(m.Folder).values(name="a", user_id=sa.func.lower("BOB"))
        ).close(),
        UNSAFE,
    ),
    Path(
        "forge-literal-column",
        lambda s, m: s.execute(
            sa.insert(m.Folder).values(name="a", user_id=sa.literal_column("'bob'"))
        ).close(),
        UNSAFE,
    ),
    Path(
        "forge-bulk-insert",
        lambda s, m: s.bulk_insert_mappings(m.Folder, [{"name": "a", "user_id": "bob"}]),
        FORBIDDEN,
    ),
    Path(
        "forge-bulk-save",
        lambda s, m: s.bulk_save_objects([m.Folder(name="a", user_id="bob")]),
        FORBIDDEN,
    ),
    Path(
        "forge-from-select",
        lambda s, m: s.execute(
            sa.insert(m.Folder).from_select(
                ["name", "user_id"], sa.select(m.Note.title, sa.literal("bob"))
            )
        ).close(),
        FORBIDDEN,
    ),
    Path("forge-in-cte", _insert_in_cte, UNSAFE, only=PG),
    Path(
        "forge-option",
        lambda s, m: s.execute(
            sa.insert(m.Folder).values(name="a").returning(m.Folder.user_id),
            execution_options={"betterguard_user": "bob"},
        ),
        leaks=False,
    ),
    Path("forge-merge", lambda s, m: _merge(s, m.Note(id=900, **FORGED)), FORBIDDEN),
    Path("owner-change", _change_owner, FORBIDDEN),
    Path(
        "owner-update",
        lambda s, m: s.execute(sa.update(m.Tag).values(user_id="bob")).close(),
        FORBIDDEN,
    ),
    Path(
        "owner-update-parameter",
        lambda s, m: s.connection().execute(m.Tag.__table__.update(), {"user_id": "bob"}).close(),
        FORBIDDEN,
    ),
    Path(
        "owner-ordered-values",
        lambda s, m: s.execute(
            sa.update(m.Tag).ordered_values((m.Tag.name, "x"), (m.Tag.user_id, "bob"))
        ).close(),
        FORBIDDEN,
    ),
    Path(
        "owner-bulk-update",
        lambda s, m: s.execute(sa.update(m.Tag), [{"id": 1, "user_id": "bob"}]) and None,
        FORBIDDEN,
    ),
    Path(
        "owner-bulk-mappings",
        lambda s, m: s.bulk_update_mappings(m.Tag, [{"id": 1, "user_id": "bob"}]),
        FORBIDDEN,
    ),
    Path(
        "owner-light",
        lambda s, m: s.execute(
            sa.update(light("user_id", name="tag")).values(user_id="bob")
        ).close(),
        FORBIDDEN,
    ),
    Path("owner-in-cte", _owner_in_cte, FORBIDDEN, only=PG),
    Path(
        "owner-upsert",
        lambda s, m: _upserted(s, m, {"id": 1, **NEW}, set_={"user_id": "bob", "folder_id": None}),
        FORBIDDEN,
    ),
    # UPDATE
    Path("update-all", lambda s, m: s.execute(sa.update(m.Note).values(title="x")).rowcount),
    Path(
        "update-foreign",
        lambda s, m: (
            s.execute(sa.update(m.Note).where(m.Note.id == 101).values(title="x")).rowcount
        ),
    ),
    Path(
        "update-returning",
        lambda s, m: s.execute(
            sa.update(m.Note).values(stars=m.Note.stars + 1).returning(m.Note.title, m.Note.stars)
        ),
    ),
    Path(
        "update-fetch",
        lambda s, m: (
            s.execute(
                sa.update(m.Note).values(title="x").execution_options(synchronize_session="fetch")
            ).rowcount
        ),
    ),
    Path("update-core", lambda s, m: s.execute(_note(m).update().values(title="x")).rowcount),
    Path(
        "update-light", lambda s, m: s.execute(sa.update(light("title")).values(title="x")).rowcount
    ),
    Path(
        "update-alias",
        lambda s, m: s.execute(sa.update(_note(m).alias("n")).values(title="x")).rowcount,
    ),
    Path("update-child", lambda s, m: s.execute(sa.update(m.Comment).values(body="x")).rowcount),
    Path(
        "update-grandchild",
        lambda s, m: s.execute(sa.update(m.Reaction).values(emoji="x")).rowcount,
    ),
    Path(
        "update-inherited",
        lambda s, m: s.execute(sa.update(m.Todo.__table__).values(due="x")).rowcount,
    ),
    Path("update-query", lambda s, m: s.query(m.Note).filter(m.Note.id > 0).update({"title": "x"})),
    Path("update-many-core", _core_many),
    Path("update-bulk-own", lambda s, m: _bulk_update(s, m, 2), leaks=False),
    Path("update-bulk-foreign", lambda s, m: _bulk_update(s, m, 101), untouched=True),
    Path(
        "update-bulk-mappings",
        lambda s, m: s.bulk_update_mappings(m.Note, [{"id": 101, "title": "x"}]),
        STALE,
    ),
    Path("update-from", _update_from_parent),
    Path("update-from-foreign", _update_from_foreign),
    Path(
        "update-where-subquery",
        lambda s, m: (
            s.execute(
                sa.update(m.Note)
                .where(m.Note.id.in_(sa.select(m.Comment.note_id)))
                .values(title="x")
                .execution_options(synchronize_session=False)
            ).rowcount
        ),
    ),
    Path("update-steals", _steal_by_subquery),
    Path("update-in-cte", _update_in_cte, only=PG),
    Path("update-forged", _update_forged, STALE),
    Path("update-forged-child", _update_forged_child, FORBIDDEN),
    Path("flush-foreign", _foreign_detached, FORBIDDEN),
    Path("flush-unknown", _unknown_detached, FORBIDDEN),
    Path("merge-foreign", lambda s, m: _merge(s, m.Note(id=101, title="x")), untouched=True),
    # DELETE
    Path("delete-secondary", lambda s, m: s.execute(sa.delete(m.note_tag)).rowcount),
    Path(
        "delete-all",
        lambda s, m: (
            s.execute(sa.delete(m.Reaction)).rowcount,
            s.execute(sa.delete(m.Comment)).rowcount,
        ),
    ),
    Path(
        "delete-foreign",
        lambda s, m: s.execute(sa.delete(m.Reaction).where(m.Reaction.id == 101)).rowcount,
    ),
    Path(
        "delete-returning",
        lambda s, m: s.execute(sa.delete(m.Reaction).returning(m.Reaction.emoji)),
    ),
    Path("delete-core", lambda s, m: s.execute(m.Todo.__table__.delete()).rowcount),
    Path("delete-light", lambda s, m: s.execute(sa.delete(light(name="reaction"))).rowcount),
    Path("delete-query", lambda s, m: s.query(m.Reaction).delete()),
    Path(
        "delete-using",
        lambda s, m: (
            s.execute(
                sa.delete(m.Reaction)
                .where(m.Comment.id == m.Reaction.comment_id)
                .execution_options(synchronize_session=False)
            ).rowcount
        ),
        only=PG,
    ),
    Path(
        "delete-where-subquery",
        lambda s, m: (
            s.execute(
                sa.delete(m.Reaction)
                .where(m.Reaction.comment_id.in_(sa.select(m.Comment.id)))
                .execution_options(synchronize_session=False)
            ).rowcount
        ),
    ),
    Path("delete-in-cte", _delete_in_cte, only=PG),
    # ON CONFLICT
    Path("upsert-own", lambda s, m: _upserted(s, m, {"id": 1, **NEW}), leaks=False),
    Path("upsert-foreign", lambda s, m: _upserted(s, m, {"id": 101, **NEW}), untouched=True),
    Path(
        "upsert-foreign-excluded",
        lambda s, m: _upserted(
            s, m, {"id": 101, **NEW}, set_={"title": "x", "stars": 0}, where=sa.true()
        ),
        untouched=True,
    ),
    Path(
        "upsert-steals",
        lambda s, m: _upserted(
            s,
            m,
            {"id": 1, **NEW},
            set_={
                "title": sa.func.coalesce(
                    sa.select((n := orm.aliased(m.Note)).secret)
                    .where(n.id == 101)
                    .scalar_subquery(),
                    "-",
                )
            },
        ),
    ),
    Path("upsert-foreign-child", lambda s, m: _upsert_child(s, m, 1011), untouched=True),
    Path("upsert-own-child", lambda s, m: _upsert_child(s, m, 11), leaks=False),
    Path(
        "upsert-nothing",
        lambda s, m: s.execute(
            upsert(s, m.Note).values(id=101, **NEW).on_conflict_do_nothing().returning(m.Note.title)
        ),
        untouched=True,
        leaks=False,
    ),
    Path(
        "or-replace",
        lambda s, m: s.execute(
            _note(m).insert().prefix_with("OR REPLACE").values(id=101, **NEW)
        ).close(),
        UNSAFE,
        only=LITE,
    ),
    # other people's parents
    Path("parent-insert", lambda s, m: _flushed(s, m.Comment(note_id=101, body="x")), FORBIDDEN),
    Path(
        "parent-insert-many",
        lambda s, m: s.execute(
            sa.insert(m.Comment), [{"note_id": 1, "body": "x"}, {"note_id": 101, "body": "x"}]
        ).close(),
        FORBIDDEN,
    ),
    Path(
        "parent-values-list",
        lambda s, m: s.execute(
            sa.insert(m.Comment).values(
                [{"note_id": 1, "body": "x"}, {"note_id": 101, "body": "x"}]
            )
        ).close(),
        FORBIDDEN,
    ),
    Path(
        "parent-expression",
        lambda s, m: s.execute(
            sa.insert(m.Comment).values(note_id=sa.literal(100) + 1, body="x")
        ).close(),
        UNSAFE,
    ),
    Path(
        "parent-from-select",
        lambda s, m: s.execute(
            sa.insert(m.Comment).from_select(
                ["note_id", "body"], sa.select(sa.literal(101), sa.literal("x"))
            )
        ).close(),
        UNSAFE,
    ),
    Path("parent-change", _change_parent, FORBIDDEN),
    Path(
        "parent-update",
        lambda s, m: s.execute(
            sa.update(m.Comment).where(m.Comment.id == 11).values(note_id=101)
        ).close(),
        FORBIDDEN,
    ),
    Path(
        "parent-grandchild",
        lambda s, m: _flushed(s, m.Reaction(comment_id=1011, emoji="x")),
        FORBIDDEN,
    ),
    Path(
        "parent-secondary",
        lambda s, m: s.execute(m.note_tag.insert().values(note_id=1, tag_id=101)).close(),
        FORBIDDEN,
    ),
    Path(
        "parent-secondary-other-side",
        lambda s, m: s.execute(m.note_tag.insert().values(note_id=101, tag_id=1)).close(),
        FORBIDDEN,
    ),
    Path("append-foreign-tag", _append_foreign_tag, FORBIDDEN),
    Path("append-foreign-note", _append_foreign_note, STALE),
    Path("reference-foreign-folder", _into_foreign_folder, KEY, alone=Wall.KEYS),
    Path(
        "reference-on-insert",
        lambda s, m: _flushed(s, m.Note(**NEW, folder_id=101)),
        KEY,
        alone=Wall.KEYS,
    ),
    Path("shared-parent-gone", _country_gone, (exc.DBAPIError,), leaks=True),
)
