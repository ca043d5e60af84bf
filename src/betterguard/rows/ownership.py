"""Whose a row is: every table is owned, reached via an owned parent, shared or closed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Column, ForeignKeyConstraint, MetaData, Table, Text
from sqlalchemy.orm import Mapped, mapped_column

from betterguard.errors import ConfigurationError, MissingToken, Reason, UnsafeStatement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy.sql.expression import TableClause
    from sqlalchemy.types import TypeEngine

__all__ = [
    "USER_OPTION",
    "Owned",
    "Ownership",
    "Parent",
    "Rule",
    "UserId",
    "closed",
    "owner",
    "shared",
    "via",
]

UserId = str | int | UUID

USER_OPTION = "betterguard_user"
"""The execution option of a connection that holds the user."""

_INFO = "betterguard"
_BETTER_AUTH_INFO = "betterguard.better_auth"  # what betterguard.schema writes on its tables
_CATALOGS = frozenset({"pg_catalog", "information_schema"})

OPEN_CATALOGS = frozenset({"pg_prepared_statements", "pg_cursors", "pg_settings"})
"""PostgreSQL's catalogs that hold others' statements or, updated, change a setting."""


class _Mark(StrEnum):
    """What a column's or a table's ``info`` says."""

    OWNER = "owner"
    SHARED = "shared"
    CLOSED = "closed"

    def __repr__(self) -> str:
        return repr(self.value)  # Alembic writes a table's info into migrations


def owner_of_connection(context: Any) -> UserId:
    """Give a new row the user of the connection that inserts it: a column default.

    Only the connection's own options count, so that the options of a single statement cannot
    choose another owner.
    """
    user: UserId | None = context.root_connection.get_execution_options().get(USER_OPTION)
    if user is None:
        raise no_user()
    return user


def no_user() -> MissingToken:
    """Give the error of a statement on owned rows whose connection has no user."""
    return MissingToken(
        Reason.USER_MISSING,
        "open the session with rows.session(engine, user_id) or user_session(...)",
    )


def owner() -> dict[str, Any]:
    """Give the keywords that make a column the owner column, of whatever name and type.

    They suit ``mapped_column(Uuid, **owner())``, ``Column("user_id", Text, **owner())`` and
    SQLModel's ``Field(sa_column_kwargs=owner())``. The owner is never NULL, and a new row gets
    the connection's user.
    """
    return {"default": owner_of_connection, "nullable": False, "info": {_INFO: _Mark.OWNER}}


def via(*columns: str) -> dict[str, Any]:
    """Give the table ``info`` of a child: its row is its parents' owner's.

    ``columns`` are the child's foreign keys to owned parents (or to children of such). With
    several, as in an association table, all the parents must be the user's.
    """
    return {_INFO: columns}


def shared() -> dict[str, Any]:
    """Give the table ``info`` of a table whose rows belong to no user: everyone sees them."""
    return {_INFO: _Mark.SHARED}


def closed() -> dict[str, Any]:
    """Give the table ``info`` of a table that no user's session may touch at all."""
    return {_INFO: _Mark.CLOSED}


class Owned:
    """A declarative mixin: the row belongs to the user whose id is in ``user_id``."""

    user_id: Mapped[str] = mapped_column(Text, sort_order=-1, **owner())


@dataclass(frozen=True)
class Parent:
    """One foreign key from a child to the parent whose owner is the child's too."""

    columns: tuple[str, ...]
    table: Table
    referred: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """Whose the rows of one table are: its owner column's, or its parents' owner's."""

    table: Table
    owner: Column[Any] | None = None
    parents: tuple[Parent, ...] = ()
    closed: bool = False

    @property
    def given_columns(self) -> tuple[str, ...]:
        """Name the columns that decide whose a row is."""
        own = () if self.owner is None else (self.owner.name,)
        return (*own, *(name for parent in self.parents for name in parent.columns))

    def takes(self, name: str, kind: TypeEngine[Any]) -> bool:
        """Tell whether values of a type reach a deciding column as they are.

        Types of SQLAlchemy's own do, those of an application where the column is declared with it.
        """
        declared = named_column(self.table, name)
        return type(kind).__module__.partition(".")[0] == "sqlalchemy" or (
            declared is not None and type(kind) is type(declared.type)
        )

    @cached_property
    def deciding(self) -> dict[str, str]:
        """Give the same names by their lower case: SQLite takes them in any."""
        return {name.casefold(): name for name in self.given_columns}


class Ownership:
    """The rules of all tables of one metadata.

    Raises ConfigurationError that names every table which says nothing, whose owner may be
    NULL, or whose parents lead to no owner.
    """

    def __init__(self, metadata: MetaData) -> None:
        self.metadata = metadata
        faults: list[str] = []
        self._rules: dict[str, Rule] = {}
        self._shared: set[str] = set()
        for table in metadata.tables.values():
            faults.extend(self._classify(table))
        faults.extend(self._unowned_parents())
        faults.extend(_mixed_types(self.owner_columns))
        if not self.owner_columns and not faults:
            faults.append("the metadata has no owned table: give one an owner column")
        if faults:
            raise ConfigurationError(faults)
        self._bare = {rule.table.name.casefold(): rule for rule in self._rules.values()}
        self._bare_shared = {name.rpartition(".")[2] for name in self._shared}

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Give the rules of all tables but the shared ones, in the metadata's order."""
        return tuple(self._rules.values())

    @property
    def shared_tables(self) -> tuple[Table, ...]:
        """Give the tables that everyone sees."""
        tables = self.metadata.tables.values()
        return tuple(table for table in tables if table.fullname.casefold() in self._shared)

    @property
    def owner_columns(self) -> tuple[Column[Any], ...]:
        """Give the owner column of every owned table."""
        return tuple(rule.owner for rule in self._rules.values() if rule.owner is not None)

    @property
    def user_type(self) -> TypeEngine[Any]:
        """Give the SQL type of a user's id."""
        found: TypeEngine[Any] = self.owner_columns[0].type
        return found

    def rule_for(self, table: TableClause) -> Rule | None:
        """Find the rule of a table by its name, or None for a shared one.

        A name counts whatever object carries it: a mapped table, ``table("note")`` or a
        reflected copy. Raises UnsafeStatement for a table that the metadata does not have.
        """
        name = table.name.casefold()
        schema = getattr(table, "schema", None)
        full = f"{schema}.{name}".casefold() if schema else name
        if full in self._rules:
            return self._rules[full]
        if full in self._shared or (schema in _CATALOGS and name not in OPEN_CATALOGS):
            return None
        if name in self._bare:
            return self._bare[name]
        if name in self._bare_shared:
            return None
        msg = (
            f"table {table.name!r} is not in the isolated metadata: declare it there, with shared()"
        )
        raise UnsafeStatement(msg)

    def user_value(self, user_id: str | int | UUID) -> UserId:
        """Convert a user's id to the owner column's Python type, or raise MissingToken."""
        kind = python_type(self.user_type)
        try:
            value = user_id if isinstance(user_id, kind) else _read_id(kind, str(user_id))
        except ValueError as err:
            hint = f"the owner column holds {kind.__name__} values and this id is none"
            raise MissingToken(Reason.USER_MISSING, hint) from err
        if isinstance(value, str) and (not value or "\0" in value):
            raise MissingToken(Reason.USER_MISSING, "the user's id is empty or holds a null byte")
        return value

    def _classify(self, table: Table) -> Iterator[str]:
        owners = [column for column in table.columns if column.info.get(_INFO) is _Mark.OWNER]
        # Sessions and accounts hold tokens: Better Auth's tables are closed unless told otherwise.
        unsaid = _Mark.CLOSED if _BETTER_AUTH_INFO in table.info and not owners else None
        mark = table.info.get(_INFO, unsaid)
        if len(owners) + (mark is not None) != 1:
            yield _miscounted(table, owners, mark)
        elif owners:
            self._add(Rule(table, owner=owners[0]))
            yield from _owner_faults(owners[0])
        elif mark is _Mark.SHARED:
            self._shared.add(table.fullname.casefold())
        elif mark is _Mark.CLOSED:
            self._add(Rule(table, closed=True))
        else:
            yield from self._classify_child(table, mark)

    def _classify_child(self, table: Table, columns: object) -> Iterator[str]:
        parents = []
        for name in columns if isinstance(columns, tuple) else ():
            parent = _parent(table, name)
            if isinstance(parent, str):
                yield parent
            else:
                parents.append(parent)
        self._add(Rule(table, parents=tuple(parents)))

    def _add(self, rule: Rule) -> None:
        self._rules[rule.table.fullname.casefold()] = rule

    def _unowned_parents(self) -> Iterator[str]:
        for rule in self._rules.values():
            for parent in rule.parents:
                if not self._leads_to_owner(parent.table, {rule.table}):
                    yield (
                        f"{rule.table.fullname}.{parent.columns[0]} leads to "
                        f"{parent.table.fullname}, which no one owns"
                    )

    def _leads_to_owner(self, table: Table, seen: set[Table]) -> bool:
        rule = self._rules.get(table.fullname.casefold())
        if rule is None or table in seen:
            return False
        if rule.owner is not None:
            return True
        return bool(rule.parents) and all(
            self._leads_to_owner(parent.table, {*seen, table}) for parent in rule.parents
        )


def python_type(sql_type: TypeEngine[Any]) -> type[str | int | UUID]:
    """Give the Python type of a user's id: ``str``, ``int`` or ``UUID``."""
    try:
        found = sql_type.python_type
    except NotImplementedError:
        return str
    return found if found in {int, UUID} else str


def _read_id(kind: Any, text: str) -> UserId:
    value: UserId = kind(text)
    if kind is int and str(value) != text:
        raise ValueError(text)  # int() takes "01" and "1_0", and two ids would be one user's
    return value


def _miscounted(table: Table, owners: list[Column[Any]], mark: object) -> str:
    if not owners and mark is None:
        return (
            f"table {table.fullname} says nothing of its owner: give it an owner column "
            "(Owned, owner()) or an info of via(...), shared() or closed()"
        )
    names = ", ".join(column.name for column in owners) or "none"
    return f"table {table.fullname} says two things: owner columns {names}, and its info"


def _owner_faults(column: Column[Any]) -> Iterator[str]:
    where = f"{column.table.fullname}.{column.name}"
    if column.nullable:
        yield f"owner column {where} may be NULL: make it NOT NULL"
    if column.server_default is not None:
        yield f"owner column {where} has a server default: remove it, the session gives the owner"
    if not has_our_default(column):
        yield f"owner column {where} has no or another default: declare it with **owner()"
    if column.onupdate is not None:
        yield f"owner column {where} has an onupdate: remove it, rows keep their owner"


def has_our_default(column: Any) -> bool:
    """Tell whether new rows get the connection's user by this column's default."""
    # SQLAlchemy wraps the callable; functools.wraps leaves its name and module.
    function = getattr(column.default, "arg", None)
    return getattr(function, "__name__", None) == owner_of_connection.__name__


def _mixed_types(columns: tuple[Column[Any], ...]) -> Iterator[str]:
    kinds: Mapping[str, str] = {
        python_type(column.type).__name__: f"{column.table.fullname}.{column.name}"
        for column in columns
    }
    if len(kinds) > 1:
        listed = ", ".join(f"{where} is {kind}" for kind, where in kinds.items())
        yield f"owner columns are of several types ({listed}): a user's id has one type"


def named_column(table: Table, name: str) -> Column[Any] | None:
    """Find a column by its name in the database, whatever its key in Python is."""
    return next((column for column in table.columns if column.name == name), None)


def _parent(table: Table, name: str) -> Parent | str:
    column = named_column(table, name)
    if column is None:
        return f"table {table.fullname} is via({name!r}) but has no such column"
    keys = [key for key in table.foreign_key_constraints if column in list(key.columns)]
    if len(keys) != 1:
        return f"{table.fullname}.{name} needs exactly one foreign key, it has {len(keys)}"
    if any(local.nullable for local in keys[0].columns):
        return f"{table.fullname}.{name} may be NULL: a row without a parent has no owner"
    if any(given is not None for given in (column.default, column.server_default, column.onupdate)):
        return f"{table.fullname}.{name} has a default or onupdate: a parent is always named"
    return _parent_of(keys[0])


def _parent_of(key: ForeignKeyConstraint) -> Parent:
    columns = tuple(element.parent.name for element in key.elements)
    referred = tuple(element.column.name for element in key.elements)
    return Parent(columns, key.referred_table, referred)
