"""Tokens that tests sign themselves, with a secret of theirs: a guard takes them while a test runs.

It asks less of a token than a guard does, so it refuses to work anywhere else.
"""

from __future__ import annotations

import hmac
import os
import time
from typing import TYPE_CHECKING, Any

from betterguard.errors import ConfigurationError, InvalidToken, Reason
from betterguard.testing.tokens import DEFAULT_LIFETIME, SharedSecretKey
from betterguard.tokens import ClaimRules
from betterguard.tokens.jws import parse
from betterguard.tokens.payload import ReadOnlyDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

    from betterguard.tokens import Claims

__all__ = ["TokensOfTheTests"]

ALGORITHM = "HS256"
URL = "http://tests"
"""Issuer and audience that every token is taken to name."""
RUNNING = "PYTEST_CURRENT_TEST"
"""What pytest sets in the environment while a test or its fixtures run, and at no other time."""
_IDENTITY = frozenset({"sub", "id", "user_id"})
_HUNDRED_YEARS = 100 * 366 * 86_400.0


class TokensOfTheTests:
    """Stands in for a guard's verifier, so that the tokens of existing tests are taken.

    ``secret`` is what the tests, or the back end's own sign-in, sign with (HS256); ``claim``
    names the user. Issuer and audience are not asked for, an expiry only where there is one,
    and a token may be valid for long; structure, signature and times are checked as ever. The
    user's id is ``sub`` and ``id`` of what it gives, and all other claims are the token's own.

    Raises `ConfigurationError` for an empty secret, and wherever no test of pytest's is running.
    """

    def __init__(
        self, secret: str, *, claim: str = "sub", clock: Callable[[], float] = time.time
    ) -> None:
        if not secret:
            fault = "the secret that the tests sign with is empty: anybody's token would pass"
            raise ConfigurationError([fault])
        self.claim = claim
        self._key = SharedSecretKey(secret)
        self._clock = clock
        self._rules = ClaimRules(
            issuer=frozenset({URL}), audience=frozenset({URL}), max_lifetime=_HUNDRED_YEARS
        )

    def stand_in(self, guard: object, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let a guard ask this instead of its verifier until the test is over."""
        _refuse_outside_tests()
        monkeypatch.setattr(guard, "verifier", self)

    async def verify(self, token: str) -> Claims:
        """Give the claims of a token that the tests signed.

        Raises `InvalidToken` or `ExpiredToken` when it is none.
        """
        _refuse_outside_tests()
        jws = parse(token)
        if jws.header.alg != ALGORITHM:
            raise InvalidToken(Reason.ALGORITHM_REFUSED)
        if not hmac.compare_digest(self._key.sign(jws.signing_input), jws.signature):
            raise InvalidToken(Reason.SIGNATURE_MISMATCH)
        now = self._clock()
        return self._rules.check(jws.header.typ, self._as_issued(jws.payload(), now), now)

    def _as_issued(self, payload: Mapping[str, Any], now: float) -> ReadOnlyDict:
        """Give the payload as Better Auth would have issued it for the same user."""
        user = payload.get(self.claim)
        if isinstance(user, bool) or not isinstance(user, str | int):
            raise InvalidToken(Reason.CLAIM_MISSING)
        own = {name: value for name, value in payload.items() if name not in _IDENTITY}
        named = {"sub": str(user), "id": str(user), "iss": URL, "aud": URL}
        return ReadOnlyDict({"exp": now + DEFAULT_LIFETIME} | own | named)


def _refuse_outside_tests() -> None:
    if RUNNING not in os.environ:
        fault = "no test is running: TokensOfTheTests belongs into conftest.py and nowhere else"
        raise ConfigurationError([fault])
