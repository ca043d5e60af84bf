from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection

from betterguard.errors import MalformedCredential, Reason
from betterguard.web.bearer import read_bearer, read_session_cache


def connection(*headers: tuple[bytes, bytes], **scope: Any) -> HTTPConnection:
    return HTTPConnection({"type": "http", "method": "GET", "headers": list(headers), **scope})


def authorization(*values: bytes) -> HTTPConnection:
    return connection(*((b"authorization", value) for value in values))


def cookies(*values: bytes) -> HTTPConnection:
    return connection(*((b"cookie", value) for value in values))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"Bearer a.b.c", id="as-usual"),
        pytest.param(b"bearer a.b.c", id="lower-case"),
        pytest.param(b"BEARER a.b.c", id="upper-case"),
        pytest.param(b"Bearer  a.b.c ", id="more-spaces"),
    ],
)
def test_a_bearer_header_is_read(header: bytes) -> None:
    assert read_bearer(authorization(header)) == "a.b.c"


def test_no_header_is_no_credential() -> None:
    assert read_bearer(connection((b"accept", b"*/*"))) is None


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        pytest.param([b""], Reason.CREDENTIAL_MALFORMED, id="empty"),
        pytest.param([b"Bearer"], Reason.CREDENTIAL_MALFORMED, id="no-token"),
        pytest.param([b"Bearer "], Reason.CREDENTIAL_MALFORMED, id="blank-token"),
        pytest.param([b"a.b.c"], Reason.CREDENTIAL_MALFORMED, id="no-scheme"),
        pytest.param([b"Basic dTpw"], Reason.CREDENTIAL_MALFORMED, id="another-scheme"),
        pytest.param([b"Bearera.b.c"], Reason.CREDENTIAL_MALFORMED, id="no-space"),
        pytest.param([b"Bearer\ta.b.c"], Reason.CREDENTIAL_MALFORMED, id="tab"),
        pytest.param([b"Bearer \ta.b.c"], Reason.CREDENTIAL_MALFORMED, id="tab-after-the-space"),
        pytest.param([b"Bearer Bearer a.b.c"], Reason.CREDENTIAL_MALFORMED, id="twice-the-scheme"),
        pytest.param([b"Bearer a.b.c, Bearer d"], Reason.CREDENTIAL_MALFORMED, id="joined"),
        pytest.param([b"Bearer a", b"Bearer a"], Reason.CREDENTIALS_SEVERAL, id="two-headers"),
        pytest.param([b"Basic a", b"Bearer a"], Reason.CREDENTIALS_SEVERAL, id="two-schemes"),
    ],
)
def test_a_header_that_cannot_be_read_is_never_none_at_all(
    headers: list[bytes], reason: Reason
) -> None:
    with pytest.raises(MalformedCredential) as caught:
        read_bearer(authorization(*headers))
    assert caught.value.reason == reason


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=3))
def test_any_header_is_a_credential_or_a_refusal(values: list[bytes]) -> None:
    try:
        token = read_bearer(authorization(*values))
    except MalformedCredential:
        return
    assert token


def websocket(*subprotocols: str, header: bytes | None = None) -> HTTPConnection:
    headers = [] if header is None else [(b"authorization", header)]
    return HTTPConnection(
        {"type": "websocket", "headers": headers, "subprotocols": list(subprotocols)}
    )


def test_a_browsers_websocket_offers_the_token_as_a_subprotocol() -> None:
    assert read_bearer(websocket("chat", "bearer", "a.b.c")) == "a.b.c"


def test_other_subprotocols_are_no_credential() -> None:
    assert read_bearer(websocket("chat", "a.b.c")) is None


@pytest.mark.parametrize(
    "offered",
    [
        pytest.param(websocket("bearer"), id="no-token"),
        pytest.param(websocket("Bearer", "a.b.c"), id="in-other-letters"),
        pytest.param(websocket("bearer", "a.b.c", "d.e.f"), id="two-tokens"),
        pytest.param(websocket("bearer", "a.b.c", header=b"Bearer a.b.c"), id="and-a-header"),
    ],
)
def test_a_websocket_offers_exactly_one_token(offered: HTTPConnection) -> None:
    with pytest.raises(MalformedCredential):
        read_bearer(offered)


@pytest.mark.parametrize(
    ("values", "token"),
    [
        pytest.param([b"better-auth.session_data=a.b.c"], "a.b.c", id="plain"),
        pytest.param([b"x=1; __Secure-better-auth.session_data=a.b.c"], "a.b.c", id="secure"),
        pytest.param([b"x=1", b"better-auth.session_data=a.b.c"], "a.b.c", id="two-headers"),
        pytest.param(
            [
                b"; ".join(
                    b"better-auth.session_data.%d=%x" % (number, number)
                    for number in (10, 2, 0, 1, 9, 3, 4, 8, 7, 6, 5, 11)
                )
            ],
            "0123456789ab",
            id="chunks-in-numeric-order",
        ),
        pytest.param(
            [b"better-auth.session_data=old; __Secure-better-auth.session_data=a.b.c"],
            "a.b.c",
            id="the-secure-one-first",
        ),
    ],
)
def test_a_session_cache_cookie_is_read(values: list[bytes], token: str) -> None:
    assert read_session_cache(cookies(*values), "better-auth") == token


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"other=a.b.c", id="another-cookie"),
        pytest.param(b"better-auth.session_data=", id="empty"),
        pytest.param(b"better-auth.session_token=a.b.c", id="the-session-token"),
        pytest.param(b"better-auth.session_data.x=a.b.c", id="no-chunk-number"),
        pytest.param("better-auth.session_data.²=a".encode("latin-1"), id="no-ascii-number"),
        pytest.param(
            b"better-auth.session_data." + b"1" * 5_000 + b"=a", id="number-that-no-int-takes"
        ),
        pytest.param(b"\x1c__Secure-better-auth.session_data=a", id="secure-behind-a-separator"),
        pytest.param(b"\xa0__Secure-better-auth.session_data=a", id="secure-behind-a-blank"),
    ],
)
def test_other_cookies_are_no_credential(value: bytes) -> None:
    assert read_session_cache(cookies(value), "better-auth") is None


def test_a_cookie_planted_beside_the_real_one_is_refused() -> None:
    planted = cookies(b"better-auth.session_data=mine; better-auth.session_data=theirs")
    with pytest.raises(MalformedCredential):
        read_session_cache(planted, "better-auth")
