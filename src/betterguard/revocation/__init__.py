"""Which tokens are refused before they expire? Signed out, banned, stolen.

`record` says what is revoked, a `store` keeps that for all processes (`redis`, `postgresql`, or
the process's own memory), and `replica` holds in each process all that is in force, so that a
request costs a look-up in a dictionary and never waits for the store.
"""

from __future__ import annotations

from betterguard.revocation.opening import open_store
from betterguard.revocation.record import Revocation, Subject, token_digest
from betterguard.revocation.replica import RevocationPolicy, Revocations, RevocationState
from betterguard.revocation.store import MemoryStore, RevocationStore, StoreUnavailable

__all__ = [
    "MemoryStore",
    "Revocation",
    "RevocationPolicy",
    "RevocationState",
    "RevocationStore",
    "Revocations",
    "StoreUnavailable",
    "Subject",
    "open_store",
    "token_digest",
]
