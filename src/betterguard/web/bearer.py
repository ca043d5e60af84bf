"""The credential in a request or a WebSocket's handshake: exactly one, or none, or an error.

RFC 6750 §2.1 and §3.1. A credential that cannot be read is never taken for none at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.errors import MalformedCredential, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import HTTPConnection

__all__ = ["read_bearer", "read_session_cache"]

SCHEME = b"bearer"
BLANK, TAB = b" \t"
BLANKS = " \t"  # as HTTP has them: Python's own strip takes control characters for blanks, too
SUBPROTOCOL = "bearer"
_CHUNK_NUMBER = re.compile(r"[0-9]{1,4}")


def read_bearer(connection: HTTPConnection) -> str | None:
    """Read the bearer token of a request or WebSocket; None when no credential came.

    A browser cannot set headers on a WebSocket: there the subprotocols ``bearer`` and the
    token, in this order, stand for the header. Raises `MalformedCredential` for more than one
    credential, another scheme, or a header that holds anything else.
    """
    scope = connection.scope
    header = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            if header is not None:
                raise MalformedCredential(Reason.CREDENTIALS_SEVERAL)
            header = value
    token = None if header is None else _token(header)
    if scope["type"] == "websocket":
        return _with_subprotocol(token, scope.get("subprotocols") or [])
    return token


def read_session_cache(connection: HTTPConnection, prefix: str) -> str | None:
    """Read Better Auth's session-cache cookie, which may come in chunks; None without one.

    With several cookies of one name no one can tell which the browser means (a sibling domain
    may have planted the other): raises `MalformedCredential`.
    """
    cookies: dict[str, str] = {}
    for name, value in _cookies(connection):
        if name in cookies and f"{prefix}.session_data" in name:
            raise MalformedCredential(Reason.CREDENTIALS_SEVERAL)
        cookies[name] = value
    for name in (f"__Secure-{prefix}.session_data", f"{prefix}.session_data"):
        token = cookies.get(name) or _joined_chunks(cookies, name)
        if token:
            return token
    return None


def _token(header: bytes) -> str:
    scheme, _, token = header.partition(b" ")
    token = token.strip(b" ")
    if scheme.lower() != SCHEME or not token or BLANK in token or TAB in token:
        raise MalformedCredential(Reason.CREDENTIAL_MALFORMED)
    # latin-1 never fails; what is not ASCII is refused where the token is parsed.
    return token.decode("latin-1")


def _with_subprotocol(token: str | None, offered: list[str]) -> str | None:
    names = [name.lower() for name in offered]
    if SUBPROTOCOL not in names:
        return token
    position = names.index(SUBPROTOCOL)
    tokens = offered[position + 1 :]
    # In other letters it is no name that the server could answer with, and no stranger's either.
    if not tokens or offered[position] != SUBPROTOCOL:
        raise MalformedCredential(Reason.CREDENTIAL_MALFORMED)
    if token is not None or len(tokens) > 1:
        raise MalformedCredential(Reason.CREDENTIALS_SEVERAL)
    return tokens[0]


def _cookies(connection: HTTPConnection) -> Iterator[tuple[str, str]]:
    for name, value in connection.scope["headers"]:
        if name == b"cookie":
            for item in value.decode("latin-1").split(";"):
                key, _, content = item.partition("=")
                yield key.strip(BLANKS), content.strip(BLANKS)


def _joined_chunks(cookies: dict[str, str], name: str) -> str:
    # Numerically: .10 comes after .9.
    chunks = sorted(
        (int(number), content)
        for key, content in cookies.items()
        for base, _, number in [key.rpartition(".")]
        if base == name and _CHUNK_NUMBER.fullmatch(number)
    )
    return "".join(content for _, content in chunks)
