"""Unique texts that are put into objects, by which they are known again in any answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

__all__ = ["Marker"]

_LETTERS = "abcdefghjkmnpqrstuvwxyz"
_DIGITS = "23456789"
WORD = 8


@dataclass(frozen=True, slots=True)
class Marker:
    """Two words: the first to search for, the second, which no question holds, to recognise.

    An answer that repeats a question thus never looks like a leak.
    """

    key: str
    secret: str

    @classmethod
    def new(cls, random: Random) -> Marker:
        """Make a marker that occurs nowhere else."""
        return cls(f"bg{_word(random)}", f"q{_word(random)}")

    @property
    def text(self) -> str:
        """Both words."""
        return f"{self.key} {self.secret}".strip()

    def fitted(self, longest: int | None) -> str:
        """Give as much of the marker as a field takes; empty when its second word does not fit."""
        if longest is None or longest >= len(self.text):
            return self.text
        return self.secret if longest >= len(self.secret) else ""

    def shows_in(self, text: str) -> bool:
        """Tell whether an answer shows the object."""
        return self.secret in text.lower()


def _word(random: Random) -> str:
    return "".join(random.choice(_LETTERS if at % 2 == 0 else _DIGITS) for at in range(WORD))
