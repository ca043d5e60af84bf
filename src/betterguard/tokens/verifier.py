"""TokenVerifier: structure → key → signature → claims; the only way to a `Claims`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from betterguard.errors import AuthError, InvalidToken, Reason
from betterguard.tokens import hints
from betterguard.tokens.claims import (
    DEFAULT_LEEWAY,
    DEFAULT_MAX_LIFETIME,
    ClaimRules,
    TokenKind,
)
from betterguard.tokens.jws import MAX_TOKEN_BYTES, parse, parse_json_object
from betterguard.tokens.memory import TokenMemory, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from betterguard.tokens.claims import Claims
    from betterguard.tokens.jwk import VerificationKey
    from betterguard.tokens.jws import CompactJWS
    from betterguard.tokens.keys import KeySource

__all__ = ["TokenVerifier"]


class TokenVerifier:
    """Verifies tokens of one kind against one source of keys.

    ``issuer`` and ``audience`` are exact strings, one or several; None demands the claim
    without comparing it. ``leeway`` and ``max_lifetime`` are in seconds (see `ClaimRules`).
    ``clock`` gives seconds since 1970.
    """

    def __init__(  # noqa: PLR0913 - each is a rule that a caller may have to set, all by name
        self,
        keys: KeySource,
        *,
        issuer: str | Collection[str] | None,
        audience: str | Collection[str] | None,
        leeway: float = DEFAULT_LEEWAY,
        max_lifetime: float = DEFAULT_MAX_LIFETIME,
        identity: str | None = None,
        kind: TokenKind = TokenKind.ACCESS,
        clock: Callable[[], float] = time.time,
        memory: TokenMemory | None = None,
    ) -> None:
        self.keys = keys
        self.rules = ClaimRules(
            issuer=_exact(issuer),
            audience=_exact(audience),
            leeway=leeway,
            max_lifetime=max_lifetime,
            identity=identity,
            kind=kind,
        )
        self._clock = clock
        self._memory = TokenMemory() if memory is None else memory

    async def verify(self, token: str) -> Claims:
        """Give the claims of a valid token.

        Raises `InvalidToken` or `ExpiredToken` (401) when it is not, `KeysUnavailable` (503)
        when that cannot be known now; nothing else. The error's traceback holds no token.
        """
        now = self._clock()
        epoch = self.keys.epoch()
        digest = digest_of(token) if len(token) <= MAX_TOKEN_BYTES else b""
        remembered = self._memory.recall(digest, epoch, now)
        if remembered is not None:
            return remembered
        try:
            claims = await self._verify(token, now)
        except AuthError as error:
            refusal = error
        else:
            self._memory.remember(digest, epoch, claims)
            return claims
        del token
        refusal.__context__ = refusal.__cause__ = None
        raise refusal.with_traceback(None)

    async def _verify(self, token: str, now: float) -> Claims:
        jws = parse(token)
        alg = jws.header.alg
        if alg not in self.keys.algorithms:
            raise InvalidToken(Reason.ALGORITHM_REFUSED, hints.algorithm(alg, self.keys.algorithms))
        await self._check_signature(jws)
        return self.rules.check(jws.header.typ, parse_json_object(jws.payload), now)

    async def _check_signature(self, jws: CompactJWS) -> None:
        if _fits(jws, await self.keys.keys_for(jws.header)):
            return
        if not _fits(jws, await self.keys.keys_after_mismatch(jws.header)):
            raise InvalidToken(Reason.SIGNATURE_MISMATCH)


def _fits(jws: CompactJWS, keys: Sequence[VerificationKey]) -> bool:
    return any(
        key.alg == jws.header.alg and key.verify(jws.signing_input, jws.signature) for key in keys
    )


def _exact(names: str | Collection[str] | None) -> frozenset[str] | None:
    if names is None:
        return None
    return frozenset({names} if isinstance(names, str) else names)
