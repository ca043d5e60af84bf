"""One short, read-only look into a database, whatever the driver; no password leaves here."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.ext.asyncio import create_async_engine

from betterguard.live.doctor.exchange import Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL, Connection

__all__ = ["DRIVERS", "BadAddress", "Unconnected", "look", "read_address", "shown"]

T = TypeVar("T")

CONNECT_SECONDS = 4
STATEMENT_MILLISECONDS = 5000
# The name of the argument that bounds connecting, by driver.
_TIMEOUTS = {"psycopg": "connect_timeout", "psycopg2": "connect_timeout", "asyncpg": "timeout"}
DRIVERS = tuple(_TIMEOUTS)
POSTGRESQL = "postgresql"


class BadAddress(ValueError):
    """The database's address cannot be used; the message never quotes it."""


class Unconnected(Unreachable):
    """No connection came about, or it broke off; the message holds no password."""


def read_address(address: str) -> URL:
    """Read a database's address; one without a driver gets the first that is installed.

    ``postgres://``, which other tools know and SQLAlchemy does not, is taken for PostgreSQL.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        msg = "it is not of the form postgresql://user:password@host:port/database"
        raise BadAddress(msg) from None  # SQLAlchemy's message quotes it
    if url.drivername in {"postgres", POSTGRESQL}:
        installed = [driver for driver in DRIVERS if find_spec(driver)]
        if not installed:
            msg = f"no driver is installed: pip install {DRIVERS[0]}"
            raise BadAddress(msg)
        url = url.set(drivername=f"{POSTGRESQL}+{installed[0]}")
    return url


def shown(url: URL) -> str:
    """Write an address without its password."""
    return url.render_as_string(hide_password=True)


async def look(url: URL, work: Callable[[Connection], T]) -> T:
    """Do the work on a connection of its own, in a transaction that cannot write.

    Raises `Unconnected` when there is no connection, or when the database refuses the work.
    """
    try:
        is_async = url.get_dialect().is_async
    except (NoSuchModuleError, ModuleNotFoundError) as err:
        msg = f"the driver of {url.drivername} is not installed"
        raise Unconnected(msg) from err
    try:
        if is_async:
            return await _look_async(url, work)
        return await asyncio.to_thread(_look, url, work)
    except (DBAPIError, OSError, TypeError, ModuleNotFoundError) as err:
        raise Unconnected(_told(err, url)) from None


def _look(url: URL, work: Callable[[Connection], T]) -> T:
    engine = create_engine(url, poolclass=NullPool, connect_args=_limits(url))
    with engine.connect() as connection:
        return _bounded(connection, work)


async def _look_async(url: URL, work: Callable[[Connection], T]) -> T:
    engine = create_async_engine(url, poolclass=NullPool, connect_args=_limits(url))
    async with engine.connect() as connection:
        return await connection.run_sync(_bounded, work)


def _limits(url: URL) -> dict[str, int]:
    name = _TIMEOUTS.get(url.get_driver_name())
    return {} if name is None else {name: CONNECT_SECONDS}


def _bounded(connection: Connection, work: Callable[[Connection], T]) -> T:
    # For this transaction only: behind a pooler a setting of the session would stay.
    if connection.dialect.name == POSTGRESQL:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(text(f"SET LOCAL statement_timeout = {STATEMENT_MILLISECONDS}"))
    return work(connection)


def _told(err: BaseException, url: URL) -> str:
    cause = getattr(err, "orig", None) or err
    message = str(cause).strip().partition("\n")[0]
    for secret in {url.password, quote(str(url.password or ""), safe="")} - {None, ""}:
        message = message.replace(str(secret), "***")
    return f"{type(cause).__name__}: {message[:200]}"
