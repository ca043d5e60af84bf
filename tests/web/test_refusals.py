from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from betterguard.errors import ExpiredToken, Forbidden, InvalidToken, Reason
from betterguard.web.refusals import RefusalLog

if TYPE_CHECKING:
    import pytest


def test_each_reason_is_told_once_in_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    log = RefusalLog(clock=lambda: now)
    with caplog.at_level(logging.INFO, "betterguard.web"):
        for _ in range(3):
            log.tell(InvalidToken(Reason.SIGNATURE_MISMATCH))
        log.tell(ExpiredToken(Reason.EXPIRED, "the token expired 9 seconds ago"))
        now += 10.0
        log.tell(InvalidToken(Reason.SIGNATURE_MISMATCH))
    assert [record.getMessage() for record in caplog.records] == [
        "refused with 401: signature_mismatch",
        "refused with 401: expired: the token expired 9 seconds ago",
        "refused with 401: signature_mismatch (2 more since the last such line)",
    ]
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO", "INFO"]


def test_a_hint_at_a_setting_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    RefusalLog().tell(InvalidToken(Reason.ISSUER_MISMATCH, "set BETTER_AUTH_ISSUER"))
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_what_an_application_gives_for_a_reason_is_one_kind_escaped_and_cut(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 100.0
    log = RefusalLog(clock=lambda: now)
    with caplog.at_level(logging.INFO, "betterguard.web"):
        log.tell(Forbidden("no\nERROR:root:the house is on fire"))
        for number in range(1_000):
            log.tell(Forbidden(f"task {number}"))
        now += 10.0
        log.tell(Forbidden("x" * 10_000))
    assert caplog.messages == [
        r"refused with 403: no\nERROR:root:the house is on fire",
        f"refused with 403: {'x' * 100} (1000 more since the last such line)",
    ]
