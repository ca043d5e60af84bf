"""What every part of an attack shares: the API, the two users, the way to send, the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from betterguard.live.attack.calls import with_headers

if TYPE_CHECKING:
    from random import Random

    from betterguard.live.attack.evidence import Call, Exchange
    from betterguard.live.attack.kinds import Kinds
    from betterguard.live.attack.openapi import Document
    from betterguard.live.attack.people import Person
    from betterguard.live.attack.result import Result
    from betterguard.live.attack.sending import Sender

__all__ = ["Arena", "bearer"]


@dataclass(frozen=True)
class Arena:
    """The place of an attack. Alice owns what is to be protected; Bob is the attacker."""

    document: Document
    kinds: Kinds
    sender: Sender
    alice: Person
    bob: Person
    random: Random
    result: Result
    throwaway: bool = False
    """Whether everything that the two users have may be changed and deleted."""

    async def as_person(self, person: Person, call: Call) -> Exchange:
        """Send a request with somebody's valid token."""
        return await self.sender.send(with_headers(call, bearer(person.token)))


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """Give the header that carries a token (RFC 6750 §2.1)."""
    return (("Authorization", f"Bearer {token}"),)
