"""Can revocations be had, and has the token that was given been revoked?"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from betterguard.errors import (
    AuthError,
    ConfigurationError,
    RevocationsUnavailable,
    RevokedToken,
)
from betterguard.live.doctor.family import Family
from betterguard.live.doctor.outcome import Check
from betterguard.live.explanation import verifier_of
from betterguard.revocation import RevocationPolicy, Revocations, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from betterguard.live.doctor.outcome import Outcome
    from betterguard.live.doctor.subject import Subject
    from betterguard.settings import Settings

__all__ = ["FAMILY"]

STORE = Check("revocation.store", "a store that answers within a second")
TOKEN = Check("revocation.token", "a token that nobody has revoked")

IN_MEMORY = "memory"


async def examine(subject: Subject) -> AsyncIterator[Outcome]:
    """Read what is in force, as a process does at its start."""
    settings = subject.settings
    if settings is None:
        yield STORE.skipped("the settings must be put right first")
    elif settings.revocation_store is None:
        yield STORE.ok("no store is set: a token lives until it expires")
    elif settings.revocation_store == IN_MEMORY:
        yield STORE.ok("memory: what a process revokes is known to that process alone")
    else:
        try:
            revocations = _revocations(settings, settings.revocation_store, subject)
        except ConfigurationError as missing:
            yield STORE.fault("; ".join(missing.faults), "install what it names")
            return
        async for outcome in _asked(revocations, settings, subject):
            yield outcome


def _revocations(settings: Settings, address: str, subject: Subject) -> Revocations:
    policy = RevocationPolicy(
        lifetime=settings.max_lifetime,
        leeway=settings.leeway,
        max_staleness=settings.revocation_max_staleness,
    )
    return Revocations(open_store(address), policy, clock=subject.clock)


async def _asked(
    revocations: Revocations, settings: Settings, subject: Subject
) -> AsyncIterator[Outcome]:
    async with aclosing(revocations):
        try:
            await revocations.catch_up()
        except RevocationsUnavailable as away:
            yield STORE.fault(away.hint, "start the store, or correct BETTER_AUTH_REVOCATION_STORE")
            return
        yield STORE.ok(f"revocations in force: {revocations.state().entries}")
        if subject.token:
            yield await _of_token(revocations, settings, subject)


async def _of_token(revocations: Revocations, settings: Settings, subject: Subject) -> Outcome:
    try:
        claims = await verifier_of(settings, subject.clock).verify(subject.token)
        revocations.check(claims.user_id, claims.payload, subject.token)
    except RevokedToken as revoked:
        return TOKEN.fault(f"it is revoked ({revoked.reason})", "sign in again")
    except AuthError:
        return TOKEN.skipped("the token is refused already")
    return TOKEN.ok("it is not revoked")


FAMILY = Family("revocation", (STORE, TOKEN), examine)
