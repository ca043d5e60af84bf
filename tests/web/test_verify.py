"""``guard.verify``: a token that came in another way than in a request's headers."""

from __future__ import annotations

import logging
import traceback

import pytest

from betterguard import AuthError, BetterGuard, InvalidToken
from betterguard.errors import Reason
from betterguard.revocation import MemoryStore
from tests.web.conftest import make_settings, make_token

pytestmark = pytest.mark.anyio
FORGED = make_token("ada", secret="another-secret-of-32-characters!")


async def test_it_gives_the_claims() -> None:
    claims = await BetterGuard(make_settings()).verify(make_token("ada", plan="free"))
    assert (claims.user_id, claims.payload["plan"]) == ("ada", "free")


async def test_what_is_revoked_is_refused() -> None:
    guard = BetterGuard(make_settings(), revocation_store=MemoryStore())
    token = make_token("ada")
    assert (await guard.verify(token)).user_id == "ada"
    await guard.revoke("ada")
    with pytest.raises(InvalidToken) as refused:
        await guard.verify(token)
    assert refused.value.reason is Reason.USER_REVOKED
    assert (await guard.verify(make_token("bob"))).user_id == "bob"


@pytest.mark.parametrize("token", [FORGED, "junk", ""], ids=["forged", "junk", "empty"])
async def test_what_a_request_may_not_carry_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        await BetterGuard(make_settings()).verify(token)


async def test_a_refusal_is_told_and_shows_no_token(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(AuthError) as refused:
        await BetterGuard(make_settings()).verify(FORGED)
    assert caplog.records
    assert FORGED not in caplog.text
    frames = [frame for frame, _ in traceback.walk_tb(refused.value.__traceback__)]
    ours = [frame for frame in frames if frame.f_globals["__name__"].startswith("betterguard")]
    assert ours
    assert not any(FORGED in repr(frame.f_locals) for frame in ours)
    assert refused.value.__context__ is None
