"""Tokens already verified, bounded in number, never past their ``exp``, gone when a key goes."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from betterguard.tokens.claims import Claims

__all__ = ["TokenMemory"]

DEFAULT_MAX_ENTRIES = 10_000


class TokenMemory:
    """Verified claims by the SHA-256 digest of their token; the token itself is not kept.

    At most ``max_entries``; the one that has been there longest goes first. Zero remembers
    nothing. For one event loop; holds no locks.
    """

    __slots__ = ("_entries", "_epoch", "_max_entries")

    def __init__(self, max_entries: int = DEFAULT_MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[bytes, Claims] = OrderedDict()
        self._epoch = 0

    def __len__(self) -> int:
        return len(self._entries)

    def recall(self, digest: bytes, epoch: int, now: float) -> Claims | None:
        """Give the claims verified earlier, None when unknown or when ``exp`` has come."""
        if epoch != self._epoch:
            self.forget_all()
            self._epoch = epoch
        claims = self._entries.get(digest)
        if claims is None or now < claims.expires_at:
            return claims
        del self._entries[digest]
        return None

    def remember(self, digest: bytes, epoch: int, claims: Claims) -> None:
        """Keep claims that were verified with the keys of that epoch."""
        if epoch != self._epoch or not self._max_entries:
            return
        self._entries[digest] = claims
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def forget_all(self) -> None:
        """Forget everything, as when a key is withdrawn."""
        self._entries.clear()


def digest_of(token: str) -> bytes:
    """Give the digest under which a token is remembered."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
