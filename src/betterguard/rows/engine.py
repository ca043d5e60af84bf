"""An engine on which a statement touches only the rows of its connection's user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Engine, Insert, Update, delete, event, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.compiler import Compiled, DDLCompiler
from sqlalchemy.sql.ddl import ExecutableDDLElement

from betterguard.errors import ConfigurationError, UnsafeStatement
from betterguard.rows.compiler import USER_PARAMETER, IsolatingCompiler, isolating
from betterguard.rows.inspection import refuse_faults
from betterguard.rows.ownership import USER_OPTION, Ownership, no_user
from betterguard.rows.rawsql import RawSQL
from betterguard.rows.transactions import tell_the_user
from betterguard.rows.writes import check_bound_owner, check_write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection, MetaData
    from sqlalchemy.sql import Executable

    from betterguard.rows.ownership import Rule, UserId

__all__ = ["engine_of", "isolate", "ownership_of"]

_DIALECTS = frozenset({"postgresql", "sqlite"})

AnyEngine = TypeVar("AnyEngine", Engine, AsyncEngine)


def isolate(engine: AnyEngine, metadata: MetaData, *, verify: bool = False) -> AnyEngine:
    """Let statements on ``engine`` touch only the rows of the user of their connection.

    ``metadata`` says whose the rows of each table are (``Owned``, ``owner()``, ``via()``,
    ``shared()``, ``closed()``). On PostgreSQL each transaction also tells the database who the
    user is, for the policies of ``policies()``. With ``verify`` the database is inspected, at
    once on an Engine and at the first connection of an AsyncEngine.

    Returns the same engine. Other engines are left as they are, so migrations and jobs use one
    of their own. Raises ConfigurationError that lists everything wrong with the declarations,
    with this SQLAlchemy (the filter is looked for in compiled statements) or the database.
    """
    sync = engine_of(engine)
    _refuse_engine(sync)
    ownership = Ownership(metadata)
    raw_sql = RawSQL(rule.table.name for rule in ownership.rules)
    sync.dialect.statement_compiler = isolating(sync.dialect, ownership, raw_sql)
    sync.clear_compiled_cache()
    _refuse_leaky_compiler(sync, ownership)
    _Watch(ownership, raw_sql).listen(sync)
    if sync.dialect.name == "postgresql":
        tell_the_user(sync)
    if verify:
        _verify(sync, metadata, at_once=isinstance(engine, Engine))
    return engine


def engine_of(engine: Engine | AsyncEngine) -> Engine:
    """Give the synchronous engine that does the work."""
    return engine.sync_engine if isinstance(engine, AsyncEngine) else engine


def ownership_of(engine: Engine | AsyncEngine) -> Ownership:
    """Give the rules of an isolated engine; raise ConfigurationError for another one."""
    compiler = engine_of(engine).dialect.statement_compiler
    if not issubclass(compiler, IsolatingCompiler):
        raise ConfigurationError(["the engine is not isolated: call isolate(engine, metadata)"])
    return compiler.ownership


class _Watch:
    """What happens at each execution: the user goes in, and what is not compiled is searched."""

    def __init__(self, ownership: Ownership, raw_sql: RawSQL) -> None:
        self.ownership = ownership
        self.raw_sql = raw_sql

    def listen(self, engine: Engine) -> None:
        event.listen(engine, "before_execute", self.before_execute, retval=True)
        event.listen(engine, "before_cursor_execute", self.before_cursor_execute)
        event.listen(engine, "set_connection_execution_options", self.keep_user)

    def before_execute(
        self,
        connection: Connection,
        statement: Executable,
        several: Sequence[Mapping[str, Any]],
        single: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> tuple[Executable, Sequence[Mapping[str, Any]], Mapping[str, Any]]:
        user = user_of(connection)
        _refuse_kind(statement, options)
        if isinstance(statement, Insert | Update):
            rows = several or ([single] if single else [])
            check_write(self.ownership, connection, statement, rows, user)
        given = {USER_PARAMETER: user}
        if several:
            return statement, [{**row, **given} for row in several], {}
        return statement, [], {**single, **given}

    def before_cursor_execute(  # SQLAlchemy's signature
        self,
        connection: Connection,
        _cursor: object,
        sql: str,
        _parameters: object,
        context: Any,
        _many: object,
    ) -> None:
        compiled = context.compiled
        if not isinstance(compiled, IsolatingCompiler) or isinstance(compiled, DDLCompiler):
            self._check_raw(sql)
            return
        user = user_of(connection)
        if compiled.needs_user and user is None:
            raise no_user()
        if compiled.isinsert:
            table = compiled.compile_state.statement.table  # type: ignore[union-attr]
            check_bound_owner(self.ownership, table, context.compiled_parameters, user)

    def keep_user(self, connection: Connection, options: Mapping[str, Any]) -> None:
        """Refuse another user on a connection that has been opened already."""
        if USER_OPTION in options and options[USER_OPTION] != user_of(connection):
            msg = "a connection keeps its user: open a session of the other user"
            raise UnsafeStatement(msg)

    def _check_raw(self, sql: str) -> None:
        # SQLite's reflection; a PRAGMA tells of tables and never of rows.
        if not sql.lstrip().casefold().startswith("pragma "):
            self.raw_sql.refuse(sql)


def user_of(connection: Connection) -> UserId | None:
    """Give the user whom a connection was opened for."""
    user: UserId | None = connection.get_execution_options().get(USER_OPTION)
    return user


def _refuse_kind(statement: object, options: Mapping[str, Any]) -> None:
    """Refuse what no compiler of ours has the last word on."""
    if isinstance(statement, ExecutableDDLElement):
        msg = "DDL on an isolated engine: use the engine of the role that owns the tables"
        raise UnsafeStatement(msg)
    if isinstance(statement, Compiled):  # SQLAlchemy 2.0 runs one, and what it writes is unchecked
        msg = "a statement that was compiled beforehand: execute the statement itself"
        raise UnsafeStatement(msg)
    if options.get("schema_translate_map"):
        msg = "schema_translate_map gives a table another name after its owner was looked up"
        raise UnsafeStatement(msg)


def _refuse_engine(engine: Engine) -> None:
    name = engine.dialect.name
    if name not in _DIALECTS:
        listed = " and ".join(sorted(_DIALECTS))
        raise ConfigurationError([f"isolate() knows {listed}, not {name}"])
    if issubclass(engine.dialect.statement_compiler, IsolatingCompiler):
        raise ConfigurationError(["the engine is isolated already: call isolate() once"])
    if USER_OPTION in engine.get_execution_options():
        raise ConfigurationError(["isolate() takes the engine itself, not one of a user"])


def _refuse_leaky_compiler(engine: Engine, ownership: Ownership) -> None:
    """Compile statements on every owned table and look for the filter in them.

    SQLAlchemy's compiler is no public interface: a release that changes it must stop the
    start, not the filter.
    """
    faults = [
        f"SQLAlchemy compiles {what} of {rule.table.fullname} without the owner's filter"
        for rule in ownership.rules
        if not rule.closed
        for what, statement in _canaries(rule)
        if USER_PARAMETER not in statement.compile(engine).binds
    ]
    try:
        text(f"SELECT * FROM {ownership.rules[0].table.name}").compile(engine)  # noqa: S608  # never run
        faults.append("SQLAlchemy compiles raw SQL on an owned table")
    except UnsafeStatement:
        pass
    if faults:
        raise ConfigurationError(faults)


def _canaries(rule: Rule) -> Iterator[tuple[str, Any]]:
    table, alias = rule.table, rule.table.alias()
    yield "SELECT", select(table)
    yield "SELECT of an alias", select(alias)
    yield "a subquery", select(select(table).subquery())
    yield "DELETE", delete(table)
    free = [column for column in table.c if column.name not in rule.given_columns]
    if free:
        yield "UPDATE", update(table).values({free[0]: None})


def _verify(engine: Engine, metadata: MetaData, *, at_once: bool) -> None:
    if at_once:
        with engine.connect() as connection:
            refuse_faults(connection, metadata)
        return

    event.listen(engine, "engine_connect", _FirstConnection(metadata).inspect)


class _FirstConnection:
    """Inspects the database when the first connection is made; again, while it is refused."""

    def __init__(self, metadata: MetaData) -> None:
        self.metadata = metadata
        self.verified = False

    def inspect(self, connection: Connection) -> None:
        if self.verified:
            return
        try:
            refuse_faults(connection, self.metadata)
        except ConfigurationError:
            connection.close()
            raise
        connection.rollback()  # the transaction that follows is the application's own
        self.verified = True
