"""What an object looks like to somebody, so that changes by somebody else come to light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from betterguard.live.attack.answers import element_of, element_with
from betterguard.live.attack.evidence import Answer, Exchange, stable
from betterguard.live.attack.objects import Unmade

if TYPE_CHECKING:
    from betterguard.live.attack.markers import Marker
    from betterguard.live.attack.objects import Made, Objects
    from betterguard.live.attack.openapi import Operation
    from betterguard.live.attack.people import Person

__all__ = ["UNSEEN", "Trial", "View", "sees", "view"]


@dataclass(frozen=True, slots=True)
class View:
    """How an object stood: ``known`` is False where no operation shows it.

    ``silent`` says that the operation that shows it did not answer.
    """

    known: bool
    there: bool = False
    data: Any = None
    silent: bool = False

    def change_to(self, later: View) -> str:
        """Say what happened between two views; empty for nothing, or for nothing known."""
        if not (self.known and later.known and self.there):
            return ""
        if not later.there:
            return "is gone"
        return "was changed" if self.data != later.data else ""


UNSEEN = View(known=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """A request of somebody else's, and how Alice's object stood before and after it."""

    exchange: Exchange
    before: View
    after: View

    @property
    def change(self) -> str:
        """What became of Alice's object; empty for nothing."""
        return self.before.change_to(self.after)

    @property
    def unharmed(self) -> bool:
        """Whether the object is known to be as it was."""
        seen = self.before.known and self.before.there and self.after.known
        return seen and not self.change

    @property
    def silent(self) -> bool:
        """Whether an answer is missing that would say how it ended."""
        return self.exchange.answer.silent or self.before.silent or self.after.silent


async def view(objects: Objects, made: Made) -> View:
    """Look at an object as its owner: by its own address, or else in its collection's list."""
    item = objects.arena.kinds.on_item("GET", made.kind)
    if item is not None:
        answer = await _asked(objects, item, made.owner, made)
        if answer is not None and answer.silent:
            return View(known=False, silent=True)
        return View(answer is not None, answer is not None and answer.good, _data(answer))
    listing = objects.arena.kinds.listing(made.kind)
    if listing is None:
        return UNSEEN
    answer = await _asked(objects, listing, made.owner, made)
    if answer is None or not answer.good:
        return View(known=False, silent=answer is not None and answer.silent)
    element = element_with(answer.data, made.marker) or element_of(answer.data, made.id)
    return View(known=True, there=element is not None, data=stable(element))


async def sees(objects: Objects, person: Person, made: Made, marker: Marker) -> bool:
    """Tell whether somebody can see an object, by its address or in its collection's list.

    Raises `Unmade` when that cannot be told, since there was no answer.
    """
    for operation in (
        objects.arena.kinds.on_item("GET", made.kind),
        objects.arena.kinds.listing(made.kind),
    ):
        if operation is not None:
            answer = await _asked(objects, operation, person, made)
            if answer is not None and answer.silent:
                raise Unmade(answer.text)
            if answer is not None and answer.good and marker.shows_in(answer.text):
                return True
    return False


async def _asked(
    objects: Objects, operation: Operation, person: Person, made: Made
) -> Answer | None:
    try:
        values = await objects.path_values(operation, person, made)
        call = await objects.call(operation, person, values)
    except Unmade:
        return None
    return (await objects.arena.as_person(person, call)).answer


def _data(answer: Answer | None) -> Any:
    return None if answer is None else stable(answer.data)
