"""The credential in a request or a WebSocket's handshake: exactly one, or none, or an error.

RFC 6750 §2.1 and §3.1. A credential that cannot be read is never taken for none at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from betterguard.errors import MalformedCredential, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import HTTPConnection

__all__ = ["Carrier", "Credential", "cookie_credential", "read_bearer"]

SCHEME = b"bearer"
SUBPROTOCOL = "bearer"


class Carrier(StrEnum):
    """Where a credential came from."""

    HEADER = "header"
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True)
class Credential:
    """A token as it came, unverified; it is not shown in a ``repr``."""

    token: str = field(repr=False)
    carrier: Carrier = Carrier.HEADER


def read_bearer(connection: HTTPConnection) -> Credential | None:
    """Read the bearer token of a request or WebSocket; None when no credential came.

    A browser cannot set headers on a WebSocket: there the subprotocols ``bearer`` and the
    token, in this order, stand for the header. Raises `MalformedCredential` for more than one
    credential, another scheme, or a header that holds anything else.
    """
    headers = [value for name, value in connection.scope["headers"] if name == b"authorization"]
    offered = _offered_as_subprotocol(connection)
    if len(headers) + len(offered) > 1:
        raise MalformedCredential(Reason.CREDENTIALS_SEVERAL)
    if offered:
        return Credential(offered[0])
    return Credential(_token(headers[0])) if headers else None


def cookie_credential(connection: HTTPConnection, prefix: str) -> Credential | None:
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
            return Credential(token, Carrier.COOKIE)
    return None


def _token(header: bytes) -> str:
    scheme, _, token = header.strip(b" \t").partition(b" ")
    token = token.strip(b" ")
    if scheme.lower() != SCHEME or not token or b" " in token or b"\t" in token:
        raise MalformedCredential(Reason.CREDENTIAL_MALFORMED)
    # latin-1 never fails; what is not ASCII is refused where the token is parsed.
    return token.decode("latin-1")


def _offered_as_subprotocol(connection: HTTPConnection) -> list[str]:
    offered: list[str] = connection.scope.get("subprotocols") or []
    if SUBPROTOCOL not in offered:
        return []
    tokens = offered[offered.index(SUBPROTOCOL) + 1 :]
    if not tokens:
        raise MalformedCredential(Reason.CREDENTIAL_MALFORMED)
    return tokens


def _cookies(connection: HTTPConnection) -> Iterator[tuple[str, str]]:
    for name, value in connection.scope["headers"]:
        if name == b"cookie":
            for item in value.decode("latin-1").split(";"):
                key, _, content = item.partition("=")
                yield key.strip(), content.strip()


def _joined_chunks(cookies: dict[str, str], name: str) -> str:
    # Numerically: .10 comes after .9.
    numbers = sorted(
        int(number)
        for key in cookies
        for base, _, number in [key.rpartition(".")]
        if base == name and number.isdecimal() and number.isascii()
    )
    return "".join(cookies.get(f"{name}.{number}", "") for number in numbers)
