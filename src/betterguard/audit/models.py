"""The tables of a project: columns through bases, whose rows they hold, what they hang on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from betterguard.audit.facts import Class
from betterguard.audit.knowledge import OWNER_COLUMNS
from betterguard.audit.symbols import ClassRef
from betterguard.audit.visit import fields, keyword, method, names_in, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.facts import Expr, Stmt
    from betterguard.audit.project import Project
    from betterguard.audit.symbols import File

_USER_TABLE = re.compile(r"^(?:auth_?)?(?:user|account|member|profile)s?$", re.IGNORECASE)
_OWNING = re.compile(
    r"^(?:owner|user|account|customer|client|member|profile|person|patient|student|subscriber)"
    r"(?:_?(?:id|uuid|pk|fk))?$",
    re.IGNORECASE,
)
"""Names of a column that, when it points to the users' table, tells whose a row is."""
_PEOPLE = re.compile(r"user|account|member|profile|person|people|customer|owner", re.IGNORECASE)
_ADDRESS = re.compile(r"^(?:e_?mail|phone)(?:_?(?:address|number))?$", re.IGNORECASE)
_SQL_WORDS = frozenset({"INSERT INTO", "insert into", "CREATE TABLE", "create table"})
_MAKES = re.compile(
    r"(?:insert\s+into|create\s+table(?:\s+if\s+not\s+exists)?)\s+"
    r"(?:\w+\.)?[\"`]?(\w+)[\"`]?\s*\(([^;]*?)\)\s*(?:values|select|returning|;|$)",
    re.IGNORECASE,
)
_COLUMN_CALLS = frozenset({"Field", "Column", "mapped_column", "Relationship", "relationship"})
_ZONED_TYPES = re.compile(
    r"(?:^|\.)(?:UtcDateTime|UTCDateTime|TIMESTAMPTZ|AwareDateTime|TZDateTime)$"
)
_DATE_TYPES = frozenset({"DateTime", "TIMESTAMP", "UTCDateTime", "UtcDateTime", "TIMESTAMPTZ"})


@dataclass(frozen=True)
class Column:
    """One column: where it is written and what its declaration says."""

    name: str
    file: File
    stmt: Stmt
    note: Expr | None
    value: Expr | None

    @property
    def pos(self) -> int:
        """Where it is written."""
        return self.stmt.pos

    @cached_property
    def expressions(self) -> tuple[Expr, ...]:
        """Everything in the declaration's value and annotation."""
        said = [expr for expr in (self.value, self.note) if expr is not None]
        return tuple([part for expr in said for part in subexpressions(expr)])

    @cached_property
    def names(self) -> set[str]:
        """Give the last part of every name in the declaration."""
        found: set[str] = set()
        for expr in (self.value, self.note):
            if expr is not None:
                found.update(name.rsplit(".", 1)[-1] for name in names_in(expr))
        if self.note is not None:
            found.update(p.text for p in subexpressions(self.note) if p.kind == "str")
        return found

    @cached_property
    def is_datetime(self) -> bool:
        """Whether it holds a date or a time."""
        names = self.names
        if self.note is not None:
            noted = {name.rsplit(".", 1)[-1] for name in names_in(self.note)}
            if "datetime" in noted:
                return True
        return bool(names & _DATE_TYPES)

    @property
    def is_zoned(self) -> bool:
        """Declared with a time zone, or with a type that takes care of one."""
        if any(_ZONED_TYPES.search(name) for name in self.names):
            return True
        return any(
            part.kind == "call"
            and (zone := keyword(part, "timezone")) is not None
            and zone.text == "True"
            for part in self.expressions
        )

    @property
    def has_explicit_type(self) -> bool:
        """Whether its SQL type is written out."""
        return bool(self.names & _DATE_TYPES)

    @property
    def foreign_key(self) -> str:
        """``table.column`` of a foreign key, else empty."""
        for part in self.expressions:
            if part.kind == "call":
                if method(part) == "ForeignKey" and part.parts and part.parts[0].kind == "str":
                    return part.parts[0].text
                named = keyword(part, "foreign_key")
                if named is not None and named.kind == "str":
                    return named.text
        return ""

    @property
    def is_primary(self) -> bool:
        """Whether it belongs to the primary key."""
        return self._says("primary_key")

    def _says(self, option: str) -> bool:
        return any(
            part.kind == "call"
            and (value := keyword(part, option)) is not None
            and value.text == "True"
            for part in self.expressions
        )

    def option(self, *names: str) -> Expr | None:
        """Give the value of the first of these options that the declaration gives."""
        for part in self.expressions:
            if part.kind in {"call", "dict"}:
                for name in names:
                    if (value := keyword(part, name)) is not None:
                        return value
        return None

    @property
    def is_relationship(self) -> bool:
        """Whether it is no column but a relation."""
        return self.value is not None and method(self.value).lower() in {
            "relationship",
            "association_proxy",
            "hybrid_property",
        }


@dataclass(eq=False)
class Model:
    """One mapped table."""

    ref: ClassRef
    table: str
    columns: dict[str, Column]
    owner: str
    """Its owner column, empty when rows belong to nobody in particular."""
    is_sqlmodel: bool

    @property
    def name(self) -> str:
        """Its name."""
        return self.ref.name

    @cached_property
    def is_user(self) -> bool:
        """Whether it is the table of users."""
        return bool(_USER_TABLE.match(self.table) or _USER_TABLE.match(self.name))

    @property
    def holds_people(self) -> bool:
        """Whether rows tell how to reach a person."""
        return any(_ADDRESS.match(name) for name in self.columns)

    @property
    def owner_is_optional(self) -> bool:
        """Whether rows may belong to nobody, as guests' rows do."""
        column = self.columns.get(self.owner)
        if column is None:
            return False
        nullable = column.option("nullable")
        noted = column.note is not None and any(
            part.text in {"None", "Optional"} for part in subexpressions(column.note)
        )
        return noted or (nullable is not None and nullable.text == "True")

    @property
    def is_link(self) -> bool:
        """Nothing but foreign keys and one other column: an association table."""
        own = [c for c in self.columns.values() if not c.is_relationship]
        keys = [c for c in own if c.foreign_key]
        return len(keys) > 1 and all(c.foreign_key or c.is_datetime for c in own)

    def parents(self) -> set[str]:
        """Tables that its foreign keys point to."""
        keys = (column.foreign_key for column in self.columns.values())
        return {key.rsplit(".", 1)[0].rsplit(".", 1)[-1] for key in keys if key}


class Models:
    """All tables of a project."""

    def __init__(self, project: Project, owners: frozenset[str] = OWNER_COLUMNS) -> None:
        self.project = project
        self.owners = owners
        self.all: dict[int, Model] = {}
        for ref in project.classes:
            if ref.file.facts.words & {"sqlmodel", "sqlalchemy"} or ref.klass.keywords:
                model = self._read(ref)
                if model is not None:
                    self.all[id(ref)] = model

    @cached_property
    def textual(self) -> dict[str, Model]:
        """Tables with an owner that no class maps, as SQL in the code makes or fills them."""
        mapped = {model.table for model in self.all.values()}
        found: dict[str, Model] = {}
        for file in self.project.files.values():
            if not file.facts.words & _SQL_WORDS:
                continue
            for expr in file.expressions:
                if expr.kind in {"str", "fstr"}:
                    for table, owner in _owned_in(expr.text, self.owners):
                        if table not in mapped and not _USER_TABLE.match(table):
                            found.setdefault(table, _unmapped(file, expr, table, owner))
        return found

    @property
    def any_owned(self) -> bool:
        """Whether any table tells whose its rows are."""
        return any(model.owner for model in self.all.values()) or bool(self.textual)

    def get(self, ref: object) -> Model | None:
        """Give the model of a class, if it is one."""
        return self.all.get(id(ref))

    @cached_property
    def dates(self) -> tuple[tuple[Model, Column], ...]:
        """Every date column with its table; a column of a base once for each table."""
        return tuple(
            (model, column)
            for model in self.all.values()
            for column in model.columns.values()
            if column.is_datetime and not column.is_relationship
        )

    @cached_property
    def dated(self) -> dict[str, list[Model]]:
        """The tables that have a date column of a name."""
        found: dict[str, list[Model]] = {}
        for model, column in self.dates:
            found.setdefault(column.name, []).append(model)
        return found

    def by_table(self, table: str) -> Model | None:
        """Give the model of a table's name."""
        mapped = next((model for model in self.all.values() if model.table == table), None)
        return mapped or self.textual.get(table)

    def _read(self, ref: ClassRef) -> Model | None:
        if not ref.klass.bases and not ref.klass.keywords:
            return None
        keywords = dict(ref.klass.keywords)
        table_flag = keywords.get("table")
        sqlmodel = table_flag is not None and table_flag.text == "True"
        columns = self._columns(ref)
        own = {s.exprs[0].text: s for s in fields(ref.klass)}
        if not sqlmodel:
            mapped = any(
                c.value is not None
                and method(c.value) in {"Column", "mapped_column"}
                and c.value.kind == "call"
                for c in columns.values()
            )
            if not mapped or "__abstract__" in own:
                return None
            if not ("__tablename__" in own or any(c.is_primary for c in columns.values())):
                return None
        return Model(ref, _table(ref, own), columns, self._owner(columns), sqlmodel)

    def _columns(self, ref: ClassRef) -> dict[str, Column]:
        found: dict[str, Column] = {}
        for ancestor in reversed(tuple(self.project.ancestry(ref))):
            for stmt in fields(ancestor.klass):
                name = stmt.exprs[0].text
                if name.startswith("__") or name in {"model_config", "metadata"}:
                    continue
                value = stmt.exprs[-1] if stmt.kind == "assign" else None
                if stmt.note is None and not _is_column(value):
                    continue
                found[name] = Column(name, ancestor.file, stmt, stmt.note, value)
        return found

    def _owner(self, columns: dict[str, Column]) -> str:
        for name, column in columns.items():
            if name in self.owners and not column.is_relationship and _is_persons(column):
                return name
        for name, column in columns.items():
            if _OWNING.match(name) and _USER_TABLE.match(_table_of(column.foreign_key)):
                return name
        return ""


def _is_persons(column: Column) -> bool:
    """Whether an ``owner_id`` points to people: to a service or a team is none of the caller's."""
    table = _table_of(column.foreign_key)
    return not table or bool(_PEOPLE.search(table))


def _table_of(foreign_key: str) -> str:
    """Give the table that a foreign key points to, without its schema."""
    return foreign_key.rpartition(".")[0].rpartition(".")[2]


def _owned_in(sql: str, owners: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Give the tables that a text creates or fills with an owner column, and that column."""
    for found in _MAKES.finditer(sql):
        columns = set(re.findall(r"\w+", found[2]))
        for owner in sorted(owners & columns):
            yield found[1], owner
            break


def _unmapped(file: File, place: Expr, table: str, owner: str) -> Model:
    klass = Class(table, place.pos, place.end, (), (), (), ())
    return Model(ClassRef(file, klass), table, {}, owner, is_sqlmodel=False)


def _is_column(value: Expr | None) -> bool:
    return value is not None and value.kind == "call" and method(value) in _COLUMN_CALLS


def _table(ref: ClassRef, own: dict[str, Stmt]) -> str:
    stmt = own.get("__tablename__")
    if stmt is not None and stmt.exprs[-1].kind == "str":
        return stmt.exprs[-1].text
    return ref.name.lower()
