"""What stands in a text, looked for when somebody asks.

Most files and functions concern no rule. A search in their bytes tells so in a thousandth of the
time that a look at their records takes.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from betterguard.audit.visit import methods

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from betterguard.audit.facts import Expr


class Words:
    """A stretch of a text as the set of all that stands in it, parts of words included."""

    __slots__ = ("_end", "_known", "_start", "_text")

    def __init__(self, text: bytes, start: int = 0, end: int | None = None) -> None:
        self._text = text
        self._start = start
        self._end = len(text) if end is None else end
        self._known: dict[str, bool] = {}

    def __contains__(self, word: str) -> bool:
        """Whether it stands there."""
        known = self._known.get(word)
        if known is None:
            place = self._text.find(word.encode(), self._start, self._end)
            known = self._known[word] = place >= 0
        return known

    def isdisjoint(self, words: Iterable[str]) -> bool:
        """Whether none of them stands there."""
        for word in words:  # noqa: SIM110  asked for every function: a generator takes twice as long
            if word in self:
                return False
        return True


class Methods(AbstractSet[str]):
    """What a stretch of code calls, each by its last part: ``get`` of ``session.get(…)``.

    What is called stands in the text. Where it does, the calls themselves decide: they are
    gathered then, and only then.
    """

    __slots__ = ("_called", "_calls", "_words")

    def __init__(self, words: Words, calls: Callable[[], Iterable[Expr]]) -> None:
        self._words = words
        self._calls = calls
        self._called: frozenset[str] | None = None

    def __contains__(self, name: object) -> bool:
        """Whether it is called."""
        if self._called is None and isinstance(name, str) and name not in self._words:
            return False
        return name in self._all()

    def __iter__(self) -> Iterator[str]:
        """Give all of them."""
        return iter(self._all())

    def __len__(self) -> int:
        """Give how many there are."""
        return len(self._all())

    def isdisjoint(self, names: Iterable[str]) -> bool:
        """Whether none of them is called."""
        if self._called is None and self._words.isdisjoint(names):
            return True
        return self._all().isdisjoint(names)

    def _all(self) -> frozenset[str]:
        if self._called is None:
            self._called = methods(self._calls())
        return self._called
