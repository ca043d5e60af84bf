"""Tokens for the two users of an attack, and keys that an application in here comes to know."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from betterguard.live.attack.credentials import Keys
from betterguard.live.attack.people import Person, person
from betterguard.testing.key_set_server import KeySetServer, key_set
from betterguard.testing.tokens import SharedSecretKey, SigningKey, TokenIssuer

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Issued", "issued", "served_keys"]

START_SECONDS = 10.0
LIFETIME = 3600
"""Seconds; an attack at a slow rate takes its time."""


@dataclass(frozen=True, slots=True)
class Issued:
    """Two users with tokens, and the keys that signed them."""

    alice: Person
    bob: Person
    keys: Keys = field(repr=False)


def issued(
    key: SharedSecretKey | SigningKey, url: str, ids: tuple[str | None, str | None]
) -> Issued:
    """Make tokens for two users, new ones where no ids are given; ``url`` issues and receives."""
    issuer = TokenIssuer(key, url=url)
    expires = int(issuer.clock()) + LIFETIME
    alice, bob = (
        person(
            name,
            issuer.token(
                number or uuid.uuid4().hex, name=name, email=f"{name}@example.com", exp=expires
            ),
        )
        for name, number in zip(("Alice", "Bob"), ids, strict=True)
    )
    published = [key.public_jwk()] if isinstance(key, SigningKey) else []
    return Issued(alice, bob, Keys({"keys": published}, key))


@contextlib.contextmanager
def served_keys(key: SigningKey, url: str) -> Iterator[None]:
    """Serve the key set on loopback, and tell the application in this process to use it.

    The settings are those that an application reads from the environment; they are put back.
    The server has a thread of its own, since an application may fetch keys without asyncio.
    """
    ready, ending, address = threading.Event(), threading.Event(), list[str]()

    async def serve() -> None:
        async with KeySetServer(key_set(key.public_jwk())) as server:
            address.append(server.url)
            ready.set()
            await asyncio.to_thread(ending.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    ready.wait(START_SECONDS)
    before = dict(os.environ)
    os.environ.update(
        BETTER_AUTH_URL=url,
        BETTER_AUTH_ISSUER=url,
        BETTER_AUTH_AUDIENCE=url,
        BETTER_AUTH_JWKS_URL=address[0],
        BETTER_AUTH_TOKENS="jwks",
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        ending.set()
        thread.join(START_SECONDS)
