"""From a setting to a store: which kind an address means, and what it needs to be installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from betterguard.errors import ConfigurationError
from betterguard.revocation.store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from betterguard.revocation.store import RevocationStore

__all__ = ["open_store"]


def open_store(address: str) -> RevocationStore:
    """Give the store that an address names: ``memory``, Redis, Valkey or PostgreSQL.

    Nothing is connected yet. Raises `ConfigurationError`, which never quotes the address, when
    it cannot be read or the packages for it are not installed.
    """
    scheme = address.partition(":")[0]
    if scheme == "memory":
        return MemoryStore()
    kind = _redis() if scheme in {"redis", "rediss", "unix"} else _postgresql()
    try:
        return kind(address)
    except ImportError as missing:
        fault = f"needs a driver that is not installed: {missing.name}"
    except Exception:  # noqa: BLE001 - what a library says of an address quotes parts of it
        fault = (
            "cannot be read as an address: a user name or password is to be percent-encoded, and "
            "a port is a number"
        )
    del address  # a crash report shows locals
    raise ConfigurationError([f"BETTER_AUTH_REVOCATION_STORE {fault}"])


def _redis() -> Callable[[str], RevocationStore]:
    _require("redis", "betterguard[redis]")
    from betterguard.revocation.redis import RedisStore  # noqa: PLC0415  # an extra

    return RedisStore


def _postgresql() -> Callable[[str], RevocationStore]:
    _require("sqlalchemy", "betterguard[sqlalchemy]")
    from betterguard.revocation.postgresql import PostgresStore  # noqa: PLC0415  # an extra

    return PostgresStore


def _require(package: str, extra: str) -> None:
    if find_spec(package) is None:
        fault = f"BETTER_AUTH_REVOCATION_STORE needs {package}: install {extra}"
        raise ConfigurationError([fault])
