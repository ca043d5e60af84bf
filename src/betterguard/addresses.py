"""Addresses of front ends and of Better Auth: parsed strictly, kept in one canonical form.

Browsers send origins in exactly one form (scheme and host in lower case, no default port, no
slash), and CORS compares exact strings; so what people write is brought to that form, or
refused by name.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import idna

__all__ = [
    "Address",
    "AddressRefused",
    "is_loopback",
    "key_set_fault",
    "parse_address",
    "parse_origin",
    "parse_preview",
    "split_list",
]

DEFAULT_PORTS = {"http": 80, "https": 443}
_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PREVIEW = re.compile(
    rf"https://(?P<prefix>[a-z0-9][a-z0-9-]*-)\*(?P<suffix>-[a-z0-9-]*[a-z0-9])(?P<parent>(?:\.{_LABEL}){{2,}})"
)


class AddressRefused(ValueError):
    """An address is not of the form that is needed; the message says why, without quoting it."""


@dataclass(frozen=True, slots=True)
class Address:
    """An http or https address without user-info, query or fragment."""

    origin: str
    path: str

    def __str__(self) -> str:
        return self.origin + self.path


def parse_address(text: str) -> Address:
    """Read an absolute http(s) address; the path keeps no trailing slash."""
    parts = _split(text)
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        msg = "must have no query and no fragment"
        raise AddressRefused(msg)
    return Address(_origin(parts), parts.path.rstrip("/"))


def parse_origin(text: str) -> str:
    """Read an origin: scheme, host and port, with nothing behind them but one slash."""
    address = parse_address(text)
    if address.path or text.endswith("//"):
        msg = f"must be an origin without a path (did you mean {address.origin}?)"
        raise AddressRefused(msg)
    return address.origin


def parse_preview(text: str) -> str:
    """Turn a preview address such as ``https://shop-*-acme.vercel.app`` into a regular expression.

    The star stands for a part of one DNS label, between a project's prefix and a team's
    suffix, so that no other tenant of the same host can take such a name.
    """
    found = _PREVIEW.fullmatch(text)
    if found is None:
        msg = (
            "must look like https://project-*-team.example.app: https, one star inside the "
            "first label, a prefix ending and a suffix beginning with a hyphen"
        )
        raise AddressRefused(msg)
    prefix, suffix, parent = (re.escape(found[name]) for name in ("prefix", "suffix", "parent"))
    return rf"https://{prefix}[a-z0-9-]{{1,50}}{suffix}{parent}"


def key_set_fault(address: Address, *, allow_http: bool) -> str | None:
    """Say why keys must not be fetched from there: whoever is on the way could swap them."""
    if address.origin.startswith("https://") or allow_http or is_loopback(address.origin):
        return None
    return (
        "must be https (http only on loopback; BETTER_AUTH_ALLOW_HTTP=true admits it on a "
        "private network)"
    )


def is_loopback(origin: str) -> bool:
    """Tell whether an origin is on this machine."""
    host = urlsplit(origin).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split_list(text: str) -> list[str]:
    """Split a comma list; quotes around the whole or an item, spaces and empty items fall away."""
    items = (item.strip().strip("\"'").strip() for item in text.strip().strip("\"'").split(","))
    return list(dict.fromkeys(item for item in items if item))


def _split(text: str) -> SplitResult:
    if _CONTROL.search(text):
        msg = "must have no spaces, backslashes or control characters"
        raise AddressRefused(msg)
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises on a port that is none
    except ValueError as err:
        msg = "is not an address (its host or port cannot be read)"
        raise AddressRefused(msg) from err
    if parts.scheme not in DEFAULT_PORTS:
        msg = "must begin with http:// or https://"
        raise AddressRefused(msg)
    if "@" in parts.netloc:
        msg = "must have no user name or password"
        raise AddressRefused(msg)
    return parts


def _origin(parts: SplitResult) -> str:
    host = _host(parts.hostname or "")
    port = parts.port
    if port == 0 or parts.netloc.endswith(":"):
        msg = "has an empty port"
        raise AddressRefused(msg)
    shown = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def _host(host: str) -> str:
    if ":" in host:
        return f"[{_ip_version_6(host)}]"
    if "*" in host:
        msg = "must name one host, without a star (FRONTEND_PREVIEW_URL is for preview addresses)"
        raise AddressRefused(msg)
    try:
        # UTS 46 as browsers do it: upper case, full-width letters and IDN to one form.
        ascii_host = idna.encode(host, uts46=True).decode("ascii") if not host.isascii() else host
    except idna.IDNAError as err:
        msg = "has a host that is no domain name"
        raise AddressRefused(msg) from err
    ascii_host = ascii_host.lower()
    if not _HOST.fullmatch(ascii_host):
        msg = "has a host that is no domain name"
        raise AddressRefused(msg)
    return ascii_host


def _ip_version_6(host: str) -> str:
    try:
        return ipaddress.IPv6Address(host).compressed
    except ValueError as err:
        msg = "has a host that is no IPv6 address"
        raise AddressRefused(msg) from err
