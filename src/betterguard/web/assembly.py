"""From settings to what a guard is made of: keys, verifiers, the cookie, revocations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.revocation import RevocationPolicy, Revocations, open_store
from betterguard.settings import TokenSource
from betterguard.tokens import (
    EitherKeys,
    RemoteKeySet,
    SharedSecrets,
    TokenKind,
    TokenVerifier,
)
from betterguard.web.session_cookie import SessionCookie

if TYPE_CHECKING:
    from collections.abc import Callable

    from betterguard.revocation import RevocationStore
    from betterguard.settings import Settings
    from betterguard.tokens import KeySource

__all__ = ["access_keys", "remote_keys", "revocations", "session_cookie", "verifier"]


def remote_keys(settings: Settings) -> RemoteKeySet | None:
    """Give the key set that is fetched, None where the settings name none."""
    if settings.jwks_url is None:
        return None
    return RemoteKeySet(settings.jwks_url, allow_http=settings.allow_http)


def access_keys(settings: Settings, remote: RemoteKeySet | None) -> KeySource:
    """Give the keys for tokens in a header: the key set, the secrets, or both."""
    sources: list[KeySource] = []
    if settings.tokens is not TokenSource.SECRET and remote is not None:
        sources.append(remote)
    if settings.tokens is not TokenSource.JWKS:
        sources.append(SharedSecrets(settings.secrets))
    return sources[0] if len(sources) == 1 else EitherKeys(*sources)


def revocations(
    settings: Settings, store: RevocationStore | None, clock: Callable[[], float]
) -> Revocations | None:
    """Give the copy of the store of revocations, None where there is no store."""
    if store is None and settings.revocation_store is not None:
        store = open_store(settings.revocation_store)
    if store is None:
        return None
    policy = RevocationPolicy(
        lifetime=settings.max_lifetime,
        leeway=settings.leeway,
        max_staleness=settings.revocation_max_staleness,
    )
    return Revocations(store, policy, clock=clock)


def verifier(settings: Settings, keys: KeySource, clock: Callable[[], float]) -> TokenVerifier:
    """Give the verifier of tokens in a header."""
    return TokenVerifier(
        keys,
        issuer=settings.issuers,
        audience=settings.audiences,
        leeway=settings.leeway,
        max_lifetime=settings.max_lifetime,
        identity=settings.user_id_claim,
        clock=clock,
    )


def session_cookie(
    settings: Settings, remote: RemoteKeySet | None, clock: Callable[[], float]
) -> SessionCookie | None:
    """Give the reader of the session-cache cookie, None where that is no credential."""
    if not settings.cookie_cache:
        return None
    secrets = SharedSecrets(settings.secrets) if settings.secrets else None
    return SessionCookie(
        settings,
        TokenVerifier(
            EitherKeys(*(source for source in (remote, secrets) if source is not None)),
            issuer=settings.session_cache_issuers,
            audience=None,
            leeway=settings.leeway,
            max_lifetime=settings.max_lifetime,
            kind=TokenKind.SESSION_CACHE,
            clock=clock,
        ),
    )
