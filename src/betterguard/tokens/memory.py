"""Tokens already verified, bounded in number, never past their ``exp``, gone when a key goes."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from betterguard.tokens.claims import Claims

__all__ = ["TokenMemory"]

DEFAULT_MAX_ENTRIES = 10_000
TAIL = 22  # characters of base64url, 132 bits of the signature


class TokenMemory:
    """Verified claims by the SHA-256 digest of their token; the token itself is not kept.

    At most ``max_entries``; the one that has been there longest goes first. Zero remembers
    nothing. For one event loop; holds no locks.

    An entry is found by the end of its token's signature and believed by the digest of the
    whole, so that a flood of unknown tokens costs a look-up and no hashing.
    """

    __slots__ = ("_entries", "_epoch", "_max_entries")

    def __init__(self, max_entries: int = DEFAULT_MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[str, tuple[bytes, Claims]] = OrderedDict()
        self._epoch = 0

    def __len__(self) -> int:
        return len(self._entries)

    def recall(self, token: str, epoch: int, now: float) -> Claims | None:
        """Give the claims verified earlier, None when unknown or when ``exp`` has come."""
        if epoch != self._epoch:
            self.forget_all()
            self._epoch = epoch
        entry = self._entries.get(token[-TAIL:])
        if entry is None or entry[0] != _digest(token):
            return None
        if now < entry[1].expires_at:
            return entry[1]
        del self._entries[token[-TAIL:]]
        return None

    def remember(self, token: str, epoch: int, claims: Claims) -> None:
        """Keep claims that were verified with the keys of that epoch."""
        if epoch != self._epoch or not self._max_entries:
            return
        self._entries[token[-TAIL:]] = (_digest(token), claims)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def forget_all(self) -> None:
        """Forget everything, as when a key is withdrawn."""
        self._entries.clear()


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
