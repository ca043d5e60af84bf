"""Replace stretches of a file's bytes; every byte outside of them stays as it is.

Positions are byte offsets into the text without its byte order mark, as the audit counts them.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Edit:
    r"""``text`` in place of the bytes from ``start`` to ``end``; an insertion where both are equal.

    Lines of ``text`` end in ``\n``; they are written as the lines of the file end.
    """

    start: int
    end: int
    text: str


class OverlappingEdits(ValueError):
    """Two edits want to change the same bytes."""


def newline(text: bytes) -> str:
    """How the lines of a text end: as most of them do."""
    pairs = text.count(b"\r\n")
    return "\r\n" if pairs and 2 * pairs >= text.count(b"\n") else "\n"


def apply(source: bytes, edits: Iterable[Edit]) -> bytes:
    """Give a file's bytes with the edits made; its byte order mark and line ends are kept.

    Insertions at one place keep their order and stand before a replacement that begins there;
    equal edits count once. OverlappingEdits when two others touch the same bytes.
    """
    mark = codecs.BOM_UTF8 if source.startswith(codecs.BOM_UTF8) else b""
    text = source[len(mark) :]
    ending = newline(text)
    pieces = [mark]
    at = 0
    for edit in sorted(dict.fromkeys(edits), key=lambda edit: (edit.start, edit.end)):
        if edit.start < at or not edit.start <= edit.end <= len(text):
            msg = f"edit of bytes {edit.start} to {edit.end} overlaps another or leaves the file"
            raise OverlappingEdits(msg)
        pieces += [text[at : edit.start], _written(edit.text, ending)]
        at = edit.end
    pieces.append(text[at:])
    return b"".join(pieces)


def _written(text: str, ending: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", ending).encode()
