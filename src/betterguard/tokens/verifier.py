"""TokenVerifier: structure → key → signature → claims; the only way to a `Claims`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from betterguard.errors import AuthError, InvalidToken, Reason
from betterguard.limits import DEFAULT_LEEWAY, DEFAULT_MAX_LIFETIME
from betterguard.tokens import hints
from betterguard.tokens.claims import (
    ClaimRules,
    TokenKind,
)
from betterguard.tokens.jws import parse
from betterguard.tokens.memory import TokenMemory

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
        epoch = self.keys.epoch()
        remembered = self._memory.recall(token, epoch, self._clock())
        if remembered is not None:
            return remembered
        try:
            claims = await self._verify(parse(token))
        except AuthError as error:
            refusal = error
        else:
            self._memory.remember(token, epoch, claims)
            return claims
        # Neither a frame nor a chained error may carry the token into a crash report.
        del token
        refusal.__context__ = refusal.__cause__ = None
        raise refusal.with_traceback(None)

    async def _verify(self, jws: CompactJWS) -> Claims:
        header = jws.header
        if header.alg not in self.keys.algorithms:
            raise InvalidToken(
                Reason.ALGORITHM_REFUSED, hints.algorithm(header.alg, self.keys.algorithms)
            )
        keys = self.keys.keys_at_hand(header) or await self.keys.keys_for(header)
        if not _fits(jws, keys) and not _fits(jws, await self.keys.keys_after_mismatch(header)):
            raise InvalidToken(Reason.SIGNATURE_MISMATCH)
        return self.rules.check(header.typ, jws.payload(), self._clock())


def _fits(jws: CompactJWS, keys: Sequence[VerificationKey]) -> bool:
    for key in keys:
        if key.alg == jws.header.alg and key.verify(jws.signing_input, jws.signature):
            return True
    return False


def _exact(names: str | Collection[str] | None) -> frozenset[str] | None:
    if names is None:
        return None
    return frozenset({names} if isinstance(names, str) else names)
