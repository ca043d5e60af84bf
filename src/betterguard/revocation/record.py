"""What is revoked, from when, and until when that must be remembered."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

from betterguard.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Revocation", "Subject", "nameable", "stored", "token_digest"]

logger = logging.getLogger("betterguard.revocation")

MAX_ID_LENGTH = 512


class Subject(StrEnum):
    """What a revocation names."""

    USER = "user"
    """Every token of the user that was issued up to a moment."""
    SESSION = "session"
    """Every token whose claim ``sid`` is this session's id."""
    TOKEN = "token"  # noqa: S105 - a kind, not a password
    """The one token with this ``jti``, or with this `token_digest`."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """One entry of the record. ``moment`` and ``until`` are in seconds since 1970.

    Of a user's tokens those are refused whose ``iat`` is not later than ``moment``. After
    ``until`` every token concerned has expired, and the entry may be forgotten.
    """

    subject: Subject
    id: str
    moment: float
    until: float


def nameable(id_: object) -> str:
    """Give an id that every store can keep: a text of 1 to 512 printable characters.

    Raises ValueError for any other. A store that refuses one entry (PostgreSQL has no NUL in its
    texts, nor a number in their place) would look as if it were away, again and again.
    """
    if not isinstance(id_, str) or not 0 < len(id_) <= MAX_ID_LENGTH or not id_.isprintable():
        msg = f"what is revoked has a text of 1 to {MAX_ID_LENGTH} printable characters for its id"
        raise ValueError(msg)
    return id_


def stored(subject: str, id_: str, moment: float | str, until: float | str) -> Iterator[Revocation]:
    """Give the entry that a store's fields are; none, and a log line, where they are no entry."""
    try:
        times = float(moment), float(until)
        if not all(map(math.isfinite, times)):
            raise ValueError  # noqa: TRY301 - no entry either: it would compare with no other
        yield Revocation(Subject(subject), id_, *times)
    except ValueError:
        # The fault alone would say nothing of what to do, and its text quotes the entry.
        logger.error(  # noqa: TRY400
            "an entry in the store of revocations cannot be read",
            extra=Event.REVOCATION_UNREADABLE(),
        )


def token_digest(token: str) -> str:
    """Give the name by which one token without ``jti`` is revoked, in 64 hexadecimal digits.

    It is the SHA-256 digest of what is signed, not of the whole token: an ECDSA signature has
    a twin that is as good, and would have another digest.
    """
    signed = token.rpartition(".")[0]
    return sha256(signed.encode("utf-8", "surrogatepass")).hexdigest()
