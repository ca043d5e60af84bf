"""A request and its answer as proof, with every token cut before anybody can see it."""

from __future__ import annotations

import json
import re
import string
from dataclasses import dataclass, field
from typing import Any

__all__ = ["NO_ANSWER", "Answer", "Call", "Exchange", "cut", "excerpt", "visible"]

# Only where a word begins: from each of its letters, a long answer would be read again and again.
_TOKEN = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_.-]*")
_LONG = re.compile(r"[A-Za-z0-9_+=-]{40,}")
_SECRET_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "set-auth-jwt"})
NO_ANSWER = 599
"""The status that stands for no answer at all: a time-out or a broken connection."""
KEPT = 6
SHOWN_BODY = 600
READ_BODY = 8 * SHOWN_BODY
"""Characters of a body that are looked at to show some: tokens in them are cut."""
_IN_WORDS = string.ascii_letters + string.digits + "_+=.-"
NESTING = 100
"""Objects and lists inside of each other; what goes deeper is no data of an API."""
_VOLATILE = re.compile(
    r"(_at|At|date|Date|time|Time|timestamp|version|etag|request_id|requestId|trace_id)$"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request: path and query as they go over the wire, headers in order, doubled or not."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``text`` ends at the limit for answers."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    text: str = field(default="", repr=False)

    @property
    def good(self) -> bool:
        """Whether the request was granted."""
        return 200 <= self.status < 300  # noqa: PLR2004  the class of success

    @property
    def broken(self) -> bool:
        """Whether the application failed over it."""
        return self.status >= 500 and not self.silent  # noqa: PLR2004  the class of server errors

    @property
    def denied(self) -> bool:
        """Whether there was an answer, and it granted nothing."""
        return not (self.good or self.silent)

    @property
    def silent(self) -> bool:
        """Whether nothing came back, which is neither a yes nor a no."""
        return self.status == NO_ANSWER

    @property
    def refused(self) -> bool:
        """Whether the caller was turned away as unknown or not allowed."""
        return self.status in {401, 403}

    @property
    def data(self) -> Any:
        """The body as JSON; None when it is none, or nested without reason."""
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError):
            return None
        return found if _is_shallow(found) else None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came back."""

    call: Call
    answer: Answer

    def request_lines(self) -> list[str]:
        """Give the request as text, tokens cut."""
        query = "&".join(f"{name}={value}" for name, value in self.call.query)
        target = self.call.path + (f"?{query}" if query else "")
        lines = [f"{self.call.method} {visible(cut(target))}"]
        lines += [_header(name, value) for name, value in self.call.headers]
        body = self.call.body.decode("utf-8", "replace")
        return [*lines, "", excerpt(body)] if body else lines

    def answer_lines(self) -> list[str]:
        """Give the answer as text, tokens cut."""
        shown = [
            _header(name, value)
            for name, value in self.answer.headers
            if name.lower() in {"content-type", "location", "www-authenticate", "allow"}
        ]
        body = excerpt(self.answer.text)
        return [str(self.answer.status), *shown, *(["", body] if body else [])]


def cut(text: str) -> str:
    """Cut tokens and other long secrets down to their first characters."""
    return _LONG.sub(_cut, _TOKEN.sub(_cut_token, text))


def visible(text: str) -> str:
    """Escape what a terminal would obey or hide, such as control characters and turned writing."""
    return "".join(
        one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode("ascii")
        for one in text
    )


def _is_shallow(value: Any) -> bool:
    level = [value]
    for _ in range(NESTING):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return True
    return False


def stable(value: Any) -> Any:
    """Give JSON data without what changes by itself, such as times."""
    if isinstance(value, dict):
        return {key: stable(one) for key, one in value.items() if not _VOLATILE.search(key)}
    return [stable(one) for one in value] if isinstance(value, list) else value


def _cut(found: re.Match[str]) -> str:
    return found[0][:KEPT] + "…"


def _cut_token(found: re.Match[str]) -> str:
    # Host names and versions have dots too; a token's segments are long.
    return _cut(found) if len(found[0]) >= 40 else found[0]  # noqa: PLR2004  as in _LONG


def _header(name: str, value: str) -> str:
    if name.lower() in _SECRET_HEADERS:
        scheme, space, rest = value.partition(" ")
        return f"{name}: {cut_credential(scheme)}{space}{cut_credential(rest)}"
    return f"{name}: {visible(cut(value))}"


def cut_credential(text: str) -> str:
    """Cut a part of a credential, however short it is."""
    return text if len(text) <= 2 * KEPT else text[:KEPT] + "…"


def excerpt(text: str, most: int = SHOWN_BODY) -> str:
    """Give the beginning of a body, tokens cut and nothing in it that a terminal obeys."""
    whole = len(text) <= READ_BODY
    # A token that ends at the edge could be too short to be known as one.
    shown = visible(cut(text if whole else text[:READ_BODY].rstrip(_IN_WORDS)))
    return shown if whole and len(shown) <= most else shown[:most] + "…"
