"""Authorization headers as the wire can carry them, byte for byte, on both of uvicorn's parsers."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import pytest
from httpx2 import Response

from tests.e2e.serving import (
    INVALID,
    MALFORMED,
    MISSING,
    Api,
    Refusal,
    running_api,
    settings_for,
)
from tests.servers.better_auth import running_better_auth

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = pytest.mark.node

MEGABYTE = 1024 * 1024
PARSERS: tuple[Literal["h11", "httptools"], ...] = ("h11", "httptools")


@dataclass(frozen=True)
class Scene:
    """A back end on one of uvicorn's two parsers, and a good token."""

    api: Api
    token: bytes
    user_id: str

    def ask(self, *credentials: bytes, path: str = "/id") -> Response:
        """Send a request with these bytes as values of Authorization, and give the answer."""
        lines = [
            f"GET {path} HTTP/1.1".encode(),
            b"Host: localhost",
            b"Connection: close",
            *(b"Authorization: " + value.replace(b"TOKEN", self.token) for value in credentials),
        ]
        return parsed(exchanged(self.api.url, b"\r\n".join([*lines, b"", b""])))


def exchanged(url: str, request: bytes) -> bytes:
    """Send bytes and give all that comes back, also from a server that stops listening early."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=300) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
        chunks = []
        with contextlib.suppress(ConnectionError):
            while chunk := connection.recv(65536):
                chunks.append(chunk)
    return b"".join(chunks)


def parsed(answer: bytes) -> Response:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = [(name, value.strip()) for name, _, value in (li.partition(b":") for li in lines)]
    return Response(int(status.split()[1]), headers=headers, content=body)


@pytest.fixture(scope="module", params=PARSERS)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    with (
        running_better_auth() as server,
        running_api(settings_for(server), http=request.param) as api,
    ):
        ada = server.sign_up()
        yield Scene(api, server.token(ada).encode(), ada.user_id)


@pytest.mark.parametrize(
    "credential",
    [
        pytest.param(b"Bearer TOKEN", id="as-it-is-written"),
        pytest.param(b"bearer TOKEN", id="lower-case"),
        pytest.param(b"BEARER TOKEN", id="upper-case"),
        pytest.param(b"Bearer  TOKEN", id="two-spaces"),
        pytest.param(b"Bearer TOKEN  ", id="spaces-at-the-end"),
    ],
)
def test_a_good_token_is_accepted(scene: Scene, credential: bytes) -> None:
    answer = scene.ask(credential)
    assert (answer.status_code, answer.json()) == (200, scene.user_id)


@pytest.mark.parametrize(
    ("credentials", "refusal"),
    [
        pytest.param([], MISSING, id="none"),
        pytest.param([b""], MALFORMED, id="empty"),
        pytest.param([b"Bearer"], MALFORMED, id="the-scheme-alone"),
        pytest.param([b"Bearer "], MALFORMED, id="the-scheme-and-a-space"),
        pytest.param([b"TOKEN"], MALFORMED, id="the-token-alone"),
        pytest.param([b"Bearer Bearer TOKEN"], MALFORMED, id="bearer-bearer"),
        pytest.param([b"Bearer TOKEN TOKEN"], MALFORMED, id="two-tokens"),
        pytest.param([b"Bearer TOKEN, Bearer TOKEN"], MALFORMED, id="two-in-a-list"),
        pytest.param([b"Bearer TOKEN", b"Bearer TOKEN"], MALFORMED, id="two-headers"),
        pytest.param([b"Bearer TOKEN", b"Basic eDp5"], MALFORMED, id="two-schemes"),
        pytest.param([b"", b"Bearer TOKEN"], MALFORMED, id="an-empty-one-and-a-good-one"),
        pytest.param([b"Basic eDp5"], MALFORMED, id="basic"),
        pytest.param([b"BearerTOKEN"], MALFORMED, id="no-space"),
        pytest.param([b"Bearer\tTOKEN"], MALFORMED, id="a-tab-for-the-space"),
        pytest.param([b'Bearer "TOKEN"'], INVALID, id="quoted"),
        pytest.param([b"Bearer TOKEN\xc3\xa9"], INVALID, id="utf-8-at-the-end"),
        pytest.param([b"Bearer \xff\xfe"], INVALID, id="no-text-at-all"),
        pytest.param([b"Bearer undefined"], INVALID, id="what-javascript-says"),
        pytest.param([b"Bearer null"], INVALID, id="null"),
        pytest.param([b"Bearer " + b"a" * 20_000], INVALID, id="20-kB"),
        pytest.param([b"Bearer " + b"." * 20_000], INVALID, id="20-kB-of-dots"),
    ],
)
def test_anything_else_is_refused(
    scene: Scene, credentials: Sequence[bytes], refusal: Refusal
) -> None:
    assert Refusal.of(scene.ask(*credentials)) == refusal


@pytest.mark.parametrize("path", ["/maybe", "/me", "/id"])
def test_a_broken_credential_is_never_anonymous(scene: Scene, path: str) -> None:
    assert Refusal.of(scene.ask(b"Bearer Bearer TOKEN", path=path)) == MALFORMED


@pytest.mark.parametrize(
    "credential",
    [
        pytest.param(b"Bearer " + b"a" * (4 * MEGABYTE), id="letters"),
        pytest.param(b"Bearer " + b"." * (4 * MEGABYTE), id="dots"),
        pytest.param(b"Bearer" + b" " * (4 * MEGABYTE) + b"x", id="spaces"),
    ],
)
def test_four_megabytes_are_refused_and_the_next_request_is_served(
    scene: Scene, credential: bytes
) -> None:
    # h11 refuses so long a head itself (400); httptools hands it over to the application.
    assert scene.ask(credential).status_code in {400, 401}
    assert scene.ask(b"Bearer TOKEN").status_code == 200


@pytest.mark.parametrize("value", [b"Bearer a\x00b", b"Bearer a\rb"], ids=["nul", "cr"])
def test_control_characters_are_refused_and_the_next_request_is_served(
    scene: Scene, value: bytes
) -> None:
    assert scene.ask(value).status_code in {400, 401}
    assert scene.ask(b"Bearer TOKEN").status_code == 200
