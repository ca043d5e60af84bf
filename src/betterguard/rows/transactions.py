"""Each PostgreSQL transaction is told who its user is, for the policies of wall 2.

The setting ends with the transaction, so it survives neither COMMIT nor the return to a pool
or to PgBouncer, and a savepoint's rollback does not undo it. psycopg sends it together with
BEGIN; the other drivers with one more round trip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from betterguard.errors import ConfigurationError, UnsafeStatement
from betterguard.rows.ownership import USER_OPTION
from betterguard.rows.rawsql import USER_SETTING

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["tell_the_user"]

_PLACES = {"asyncpg": "$1", "psycopg": "%s", "psycopg_async": "%s", "psycopg2": "%s"}

_OURS = "betterguard_begins"  # in the info of a pooled connection: we have put it into autocommit


def tell_the_user(engine: Engine) -> None:
    """Listen for the begin of transactions and set the user in each."""
    driver = engine.dialect.driver
    if driver not in _PLACES:
        listed = ", ".join(sorted(_PLACES))
        raise ConfigurationError([f"isolate() knows the drivers {listed}, not {driver}"])
    begin = _begin_with_user if driver in {"psycopg", "psycopg_async"} else _set_user

    def begun(connection: Connection, *_: object) -> None:
        user = connection.get_execution_options().get(USER_OPTION)
        told = None if user is None else str(user)
        try:
            begin(connection, told, autocommit=_autocommits(connection))
        except connection.dialect.loaded_dbapi.Error as error:
            # As SQLAlchemy does with its own BEGIN: its errors, and no more of a lost connection.
            connection._handle_dbapi_exception(error, None, None, None, None)  # noqa: SLF001

    event.listen(engine, "begin", begun)
    if begin is _begin_with_user:
        event.listen(engine, "checkout", _leave_begin_to_driver)
    event.listen(engine, "begin_twophase", _refuse_two_phases)


def _autocommits(connection: Connection) -> bool:
    options = connection.get_execution_options()
    # Private, and the only place that create_engine(isolation_level=...) leaves a trace in.
    default = getattr(connection.dialect, "_on_connect_isolation_level", None)
    return bool(options.get("isolation_level", default) == "AUTOCOMMIT")


def _set_user(connection: Connection, user: str | None, *, autocommit: bool) -> None:
    if user is None:
        return
    if autocommit:
        raise _no_transaction()
    place = _PLACES[connection.dialect.driver]
    cursor = connection.connection.cursor()
    try:
        cursor.execute(f"SELECT set_config('{USER_SETTING}', {place}, true)", (user,))  # constants
    finally:
        cursor.close()


def _begin_with_user(connection: Connection, user: str | None, *, autocommit: bool) -> None:
    """Send BEGIN and the user together, with the driver in autocommit so that BEGIN is ours."""
    adapted: Any = connection.connection.dbapi_connection
    if autocommit or _begin_says_more(connection):
        _leave_begin_to_driver(adapted, connection.connection)
        _set_user(connection, user, autocommit=autocommit)
        return
    if not adapted.autocommit:
        adapted.autocommit = connection.info[_OURS] = True
    setting = "" if user is None else f"; SET LOCAL {USER_SETTING} = {_literal(user)}"
    cursor = adapted.cursor()
    try:
        # Without parameters psycopg sends several statements in one simple query.
        cursor.execute(f"BEGIN{setting}")
    finally:
        cursor.close()


def _leave_begin_to_driver(adapted: Any, record: Any, *_: object) -> None:
    """Take back that BEGIN is ours: who asks the pool for a raw connection expects transactions."""
    if record.info.pop(_OURS, False):
        adapted.autocommit = False


def _begin_says_more(connection: Connection) -> bool:
    """Tell whether the driver's own BEGIN names an isolation level or the like."""
    driver: Any = connection.connection.driver_connection
    said = (driver.isolation_level, driver.read_only, driver.deferrable)
    return any(value is not None for value in said)


def _literal(user: str) -> str:
    # Doubled quotes and no backslashes are a literal whatever the server's settings are.
    if "\\" in user or "\0" in user:
        msg = "a user's id holds a backslash or a null byte"
        raise UnsafeStatement(msg)
    return "'" + user.replace("'", "''") + "'"


def _refuse_two_phases(_connection: Connection, _xid: object) -> None:
    # No driver lets a statement come before the begin of such a transaction, nor tells when it is.
    msg = "a two-phase transaction cannot hold the user: use an ordinary one"
    raise UnsafeStatement(msg)


def _no_transaction() -> UnsafeStatement:
    return UnsafeStatement(
        "AUTOCOMMIT has no transaction to hold the user: use another isolation level"
    )
