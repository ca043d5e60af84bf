"""Wall 1: a SQL compiler that cannot write an owned table without its owner's filter.

It replaces an engine's ``dialect.statement_compiler``, so it sees every statement whatever
built it: ORM, Core, subquery, CTE, alias. Each occurrence of an owned table is *covered* by a
criterion in the WHERE or ON that belongs to it, and rendering one that is not covered raises.
The criterion compares with one bind parameter, which has no value in the compiled statement:
the connection gives the user at each execution, so the compiled cache never holds one.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import BindParameter, and_, bindparam
from sqlalchemy.sql.compiler import IdentifierPreparer, SQLCompiler
from sqlalchemy.sql.selectable import Join, TableClause

from betterguard.errors import Forbidden, Reason, UnsafeStatement
from betterguard.rows.froms import criterion, has_owned, leaf, leaves
from betterguard.rows.naming import named
from betterguard.rows.ownership import has_our_default
from betterguard.rows.rawsql import CatalogQuery

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, TextClause
    from sqlalchemy.engine.interfaces import Dialect
    from sqlalchemy.sql.dml import UpdateBase
    from sqlalchemy.sql.selectable import FromClause

    from betterguard.rows.froms import Leaf
    from betterguard.rows.ownership import Ownership, Rule
    from betterguard.rows.rawsql import RawSQL

__all__ = ["USER_PARAMETER", "IsolatingCompiler", "isolating"]

USER_PARAMETER = "betterguard_user"
"""The bind parameter that every execution fills with the connection's user."""


def isolating(dialect: Dialect, ownership: Ownership, raw_sql: RawSQL) -> type[IsolatingCompiler]:
    """Make the dialect's own compiler an isolating one, for these rules."""
    base: type[SQLCompiler] = dialect.statement_compiler
    body = {
        "ownership": ownership,
        "raw_sql": raw_sql,
        "user_parameter": bindparam(USER_PARAMETER, type_=ownership.user_type, required=True),
    }
    return type(f"Isolating{base.__name__}", (IsolatingCompiler, base), body)


class IsolatingCompiler(SQLCompiler):
    """The mix-in part of an isolating compiler; ``isolating`` joins it to a dialect's own."""

    ownership: ClassVar[Ownership]
    raw_sql: ClassVar[RawSQL]
    user_parameter: ClassVar[BindParameter[Any]]

    needs_user = False
    """Whether the statement touches owned tables, so that it may not run without a user."""

    _frames: list[list[FromClause]] | None = None  # None until the outermost process() begins

    # --- the text as a whole

    def process(self, obj: Any, **kwargs: Any) -> str:
        """Compile ``obj``; the outermost call also refuses raw SQL that names owned tables."""
        if self._frames is not None:
            return super().process(obj, **kwargs)
        self._frames = []
        plain, self.preparer = self.preparer, _marking(self.preparer, self.raw_sql)
        try:
            text = super().process(obj, **kwargs)
        finally:
            self._frames, self.preparer = None, plain
        self.raw_sql.refuse(text)
        self._unmark_insert_batches()
        return self.raw_sql.unmark(text)

    def _unmark_insert_batches(self) -> None:
        batches = self._insertmanyvalues
        if batches is None:
            return
        unmark = self.raw_sql.unmark
        self._insertmanyvalues = batches._replace(
            single_values_expr=unmark(batches.single_values_expr),
            insert_crud_params=[
                (column, unmark(name), unmark(value), binds)
                for column, name, value, binds in batches.insert_crud_params
            ],
        )

    def visit_bindparam(self, bindparam: BindParameter[Any], *args: Any, **kwargs: Any) -> str:
        """Write a bind parameter's place, unless it poses as the user's: its type decides."""
        if bindparam.key == USER_PARAMETER and bindparam.type is not self.user_parameter.type:
            msg = f"bind parameter {USER_PARAMETER!r} is the user's: give yours another name"
            raise UnsafeStatement(msg)
        parent: Any = super()
        text: str = parent.visit_bindparam(bindparam, *args, **kwargs)
        return text

    def bindparam_string(self, name: str, *args: Any, **kwargs: Any) -> str:
        """Write a bind parameter's place; its name is a column's, not raw SQL."""
        text = super().bindparam_string(name, *args, **kwargs)
        return text if self._frames is None else self.raw_sql.mark(text)

    def render_literal_value(self, value: Any, type_: Any) -> str:
        """Write a value into the statement; it is data, not raw SQL."""
        text = super().render_literal_value(value, type_)
        return text if self._frames is None else self.raw_sql.mark_strings(text)

    def visit_textclause(self, textclause: TextClause, *args: Any, **kwargs: Any) -> str:
        """Write raw SQL, to be searched afterwards, unless it is a question of our own."""
        parent: Any = super()
        text: str = parent.visit_textclause(textclause, *args, **kwargs)
        return self.raw_sql.mark(text) if isinstance(textclause, CatalogQuery) else text

    def visit_function(self, func: Any, *args: Any, **kwargs: Any) -> str:
        """Write a function's call, unless it runs SQL or changes the user."""
        self.raw_sql.refuse_function(func.name)
        return super().visit_function(func, *args, **kwargs)

    # --- covering

    def _cover(self, found: Iterable[Leaf]) -> list[ColumnElement[bool]]:
        """Note the tables as covered and give their criteria."""
        assert self._frames is not None
        criteria = []
        for one in found:
            self.needs_user = True
            self._frames[-1].append(one.rendered)
            criteria.append(criterion(one, self.user_parameter))
        return criteria

    def _take_cover(self, rendered: FromClause) -> bool:
        """Use up the cover of one table: it is good for being written once."""
        frame = self._frames[-1] if self._frames else []
        for position, covered in enumerate(frame):
            # An annotated copy has the original's hash and is another object.
            if covered is rendered or hash(covered) == hash(rendered):
                del frame[position]
                return True
        return False

    def visit_table(self, table: TableClause, *args: Any, **kwargs: Any) -> str:
        """Write a table's name; raise UnsafeStatement for an owned one that is not covered."""
        spelled = kwargs.get("within_tstring", False)
        if (kwargs.get("asfrom", False) or spelled) and self._is_owned(table):
            alias: Any = kwargs.get("enclosing_alias")
            own_alias = getattr(alias, "element", None) is table
            if spelled or not self._take_cover(alias if own_alias else table):
                raise _uncovered(table)
        parent: Any = super()
        text: str = parent.visit_table(table, *args, **kwargs)
        return text

    def _is_owned(self, table: TableClause) -> bool:
        return self.ownership.rule_for(table) is not None

    # --- SELECT

    def _compose_select_body(  # noqa: PLR0913, PLR0917  # SQLAlchemy's signature
        self,
        text: str,
        select: Any,
        compile_state: Any,
        inner_columns: Any,
        froms: Any,
        byfrom: Any,
        toplevel: Any,
        kwargs: Any,
    ) -> str:
        assert self._frames is not None
        self._frames.append([])
        found = [one for element in froms for one in leaves(self.ownership, element)]
        criteria = self._cover(found)
        if criteria:
            select = select._clone()  # noqa: SLF001  # no public copy exists
            select._where_criteria += tuple(criteria)  # noqa: SLF001  # where() would look for FROMs
        parent: Any = super()
        body = (select, compile_state, inner_columns, froms, byfrom, toplevel, kwargs)
        composed: str = parent._compose_select_body(text, *body)  # noqa: SLF001  # overridden here
        self._frames.pop()
        return composed

    def visit_join(self, join: Join, *args: Any, **kwargs: Any) -> str:
        """Write a join; the filter of its right side goes into ON, so outer joins keep rows."""
        if has_owned(self.ownership, join) and self._frames:
            criteria = self._cover(leaves(self.ownership, join.right))
            if criteria:
                join = join._clone()  # noqa: SLF001  # no public copy exists
                given: Any = join.onclause
                join.onclause = and_(given, *criteria)
        parent: Any = super()
        text: str = parent.visit_join(join, *args, **kwargs)
        return text

    # --- UPDATE and DELETE

    def visit_update(self, update_stmt: Any, *args: Any, **kwargs: Any) -> str:
        """Write an UPDATE of the user's own rows that leaves their owner as it is."""
        state = self._state_of(update_stmt, kwargs)
        nested = bool(self.stack) or kwargs.get("visiting_cte") is not None
        self._refuse_new_owner(state, nested=nested)
        return self._visit_filtered(super().visit_update, update_stmt, state, args, kwargs)

    def visit_delete(self, delete_stmt: Any, *args: Any, **kwargs: Any) -> str:
        """Write a DELETE of the user's own rows."""
        state = self._state_of(delete_stmt, kwargs)
        return self._visit_filtered(super().visit_delete, delete_stmt, state, args, kwargs)

    def _state_of(self, statement: UpdateBase, kwargs: dict[str, Any]) -> Any:
        # What SQLAlchemy's own visit method builds first; it knows the FROMs to be written.
        factory: Any = statement._compile_state_factory  # noqa: SLF001  # as above
        without = {name: value for name, value in kwargs.items() if name != "visiting_cte"}
        return factory(statement, self, **without)

    def _visit_filtered(
        self, visit: Any, statement: Any, state: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> str:
        target = state.statement.table
        if isinstance(target, Join):
            msg = "UPDATE or DELETE of a join: name one table, and the others in where()"
            raise UnsafeStatement(msg)
        self._refuse_replacing(state.statement)
        assert self._frames is not None
        self._frames.append([])
        froms = [target, *state._extra_froms]  # noqa: SLF001  # what will be written
        criteria = self._cover(found for one in froms for found in leaves(self.ownership, one))
        text: str = visit(statement.where(*criteria), *args, **kwargs)
        self._frames.pop()
        return text

    def _refuse_new_owner(self, state: Any, *, nested: bool) -> None:
        rule = self._rule_of(state.statement.table)
        if rule is None:
            return
        table = state.statement.table
        _refuse_other_ways(rule, table)
        keys = [*(state._dict_parameters or ())]  # noqa: SLF001  # the SET clause
        if not nested:
            keys += self.column_keys or ()
        names = named(table, keys)
        _refuse_owner(rule, names)
        # By itself an UPDATE has its parents looked for before it runs.
        if nested and rule.deciding.keys() & names:
            msg = f"{rule.table.name}: the new parent of a row cannot be read from this UPDATE"
            raise UnsafeStatement(msg)

    def _rule_of(self, table: Any) -> Rule | None:
        found = leaf(self.ownership, table)
        return None if found is None else found.rule

    def _refuse_replacing(self, statement: Any) -> None:
        # SQLite's OR REPLACE deletes the row that is in the way, whoever owns it.
        for prefix, _ in statement._prefixes:  # noqa: SLF001  # no public reading
            if "replace" in str(prefix).casefold() and self._rule_of(statement.table):
                msg = "OR REPLACE may delete another user's row: use on_conflict_do_update()"
                raise UnsafeStatement(msg)

    # --- INSERT

    def visit_insert(self, insert_stmt: Any, *args: Any, **kwargs: Any) -> str:
        """Write an INSERT; whose the new rows are is checked at each execution."""
        state = self._state_of(insert_stmt, kwargs)
        rule = self._rule_of(state.statement.table)
        if rule is not None:
            nested = bool(self.stack) or kwargs.get("visiting_cte") is not None
            self._refuse_insert(rule, state.statement, nested=nested)
            self.needs_user = True
        parent: Any = super()
        text: str = parent.visit_insert(insert_stmt, *args, **kwargs)
        return text

    def _refuse_insert(self, rule: Rule, statement: Any, *, nested: bool) -> None:
        name = rule.table.name
        if nested:
            msg = f"INSERT into {name!r} inside another statement: insert it by itself, returning()"
            raise UnsafeStatement(msg)
        _refuse_other_ways(rule, statement.table)
        self._refuse_replacing(statement)
        selected = named(statement.table, statement._select_names or ())  # noqa: SLF001
        _refuse_owner(rule, selected)
        if rule.deciding.keys() & selected:
            msg = f"INSERT … SELECT into {name!r} computes its parents: select their ids first"
            raise UnsafeStatement(msg)

    def visit_on_conflict_do_update(self, on_conflict: Any, **kwargs: Any) -> str:
        """Write an upsert that updates the row in the way only if it is the user's."""
        statement: Any = self.stack[-1]["selectable"]
        found = leaf(self.ownership, statement.table)
        if found is not None:
            pairs = _pairs(on_conflict.update_values_to_set)
            self._refuse_upsert(found.rule, named(statement.table, [key for key, _ in pairs]))
            condition = criterion(found, self.user_parameter)
            given = on_conflict.update_whereclause
            on_conflict = on_conflict._clone()  # noqa: SLF001  # no public copy exists
            on_conflict.update_whereclause = condition if given is None else and_(given, condition)
        # SQLCompiler has no such method, the PostgreSQL and SQLite compilers have.
        parent: Any = super()
        text: str = parent.visit_on_conflict_do_update(on_conflict, **kwargs)
        return text

    @staticmethod
    def _refuse_upsert(rule: Rule, updated: set[str]) -> None:
        _refuse_owner(rule, updated)
        if rule.deciding.keys() & updated:
            msg = f"ON CONFLICT may not give a row of {rule.table.name!r} another parent"
            raise UnsafeStatement(msg)


class _Marking:
    """What makes an identifier preparer mark the owned names that it writes."""

    raw_sql: RawSQL

    def quote(self, ident: str, *args: Any, **kwargs: Any) -> str:
        parent: Any = super()
        text: str = parent.quote(ident, *args, **kwargs)
        # An identifier that was told not to be quoted may be any text: only a plain one passes.
        written = text != ident or ident.replace("$", "_").isidentifier()
        return self.raw_sql.mark(text) if written else text

    def quote_identifier(self, value: str) -> str:
        parent: Any = super()
        return self.raw_sql.mark(parent.quote_identifier(value))


def _marking(preparer: IdentifierPreparer, raw_sql: RawSQL) -> IdentifierPreparer:
    marking = copy.copy(preparer)
    base = type(preparer)
    marking.__class__ = type(f"Marking{base.__name__}", (_Marking, base), {"raw_sql": raw_sql})
    return marking


def _pairs(values: Any) -> Iterable[tuple[Any, Any]]:
    return values.items() if isinstance(values, dict) else values


def _refuse_owner(rule: Rule, names: set[str]) -> None:
    if rule.owner is not None and rule.owner.name.casefold() in names:
        hint = f"the owner of a row of {rule.table.name} may not be set"
        raise Forbidden(Reason.OWNER_SET, hint)


def _refuse_other_ways(rule: Rule, table: FromClause) -> None:
    """Refuse a copy of the table that decides for itself whose its rows are.

    Its defaults and its types' conversions come behind every check of the values that are given.
    """
    for column in table.c:
        name = rule.deciding.get(column.name.casefold())
        if name is None:
            continue
        ours = column.default is None or (rule.owner is not None and has_our_default(column))
        if not ours or column.onupdate is not None or not rule.takes(name, column.type):
            msg = (
                f"{rule.table.name}.{column.name} has a default, an onupdate or a type of its own "
                "in this statement's table: use the declared one"
            )
            raise UnsafeStatement(msg)


def _uncovered(table: TableClause) -> UnsafeStatement:
    return UnsafeStatement(
        f"owned table {table.name!r} would be written without its owner's filter: name it in "
        "select(), join() or where() of a statement"
    )
