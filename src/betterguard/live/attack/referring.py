"""A cross-user attack by body: references to objects that are another user's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from betterguard.live.attack.assigning import demand, field_of, properties, sent_with
from betterguard.live.attack.crossing import unknown_id
from betterguard.live.attack.markers import Marker
from betterguard.live.attack.naming import is_user
from betterguard.live.attack.objects import Unmade
from betterguard.live.attack.values import chosen
from betterguard.live.attack.views import Trial, view

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from betterguard.live.attack.arena import Arena
    from betterguard.live.attack.evidence import Exchange
    from betterguard.live.attack.objects import Made, Objects
    from betterguard.live.attack.openapi import Operation
    from betterguard.live.attack.probing import Probe

__all__ = ["Referring"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A field of a body that refers to objects of a kind, to one or to several."""

    name: str
    kind: str
    several: bool

    def to(self, number: str | int) -> dict[str, Any]:
        """Give the field with an id in it."""
        return {self.name: [number] if self.several else number}


class Referring:
    """Sends bodies as Bob that refer to what is Alice's."""

    def __init__(self, arena: Arena, objects: Objects) -> None:
        self.arena = arena
        self.objects = objects

    async def run(self, probes: Sequence[Probe]) -> None:
        """Try every field that refers to something, in every operation with a body."""
        for probe in probes:
            operation = probe.operation
            if operation.reads or self.arena.result.serves_anyone(operation.name):
                continue
            for reference in self._references(operation):
                try:
                    target = await self.objects.make(reference.kind, self.arena.alice)
                    await self._refer(operation, reference, target)
                except Unmade as err:
                    cell = self.arena.result.cell(operation.name, "foreign-reference")
                    cell.untried(f"{reference.name}: {err}")

    def _references(self, operation: Operation) -> Iterator[Reference]:
        for name, schema in properties(operation).items():
            kind = self.arena.kinds.of_field(name, operation.path)
            if kind is not None and not is_user(name) and name != "id":
                yield Reference(name, kind, several=chosen(schema).get("type") == "array")

    async def _refer(self, operation: Operation, reference: Reference, target: Made) -> None:
        cell = self.arena.result.cell(operation.name, "foreign-reference")
        own = await self.objects.make(reference.kind, self.arena.bob)
        demand(await self._sent(operation, reference, own.id))
        before = await view(self.objects, target)
        exchange = await self._sent(operation, reference, target.id)
        trial = Trial(exchange, before, await view(self.objects, target))
        answer, name = exchange.answer, reference.name
        if trial.change:
            cell.opened(f"{name}: Alice's object {trial.change}", exchange)
        elif trial.silent or not answer.good:
            cell.held(silent=trial.silent)
        elif self.objects.leaks_in(answer.text):
            cell.opened(f"{name}: the answer shows what Alice made", exchange)
        elif _holds(field_of(answer.data, name), target.id):
            cell.opened(f"{name}: Alice's id was taken", exchange)
        elif not await self._takes_any(operation, reference, target.id):
            cell.opened(f"{name}: Alice's id was taken, one that is none is refused", exchange)
        else:
            cell.held()

    async def _takes_any(
        self, operation: Operation, reference: Reference, known: str | int
    ) -> bool:
        other = unknown_id(known, self.arena.random)
        return (await self._sent(operation, reference, other)).answer.good

    async def _sent(
        self, operation: Operation, reference: Reference, number: str | int
    ) -> Exchange:
        bob, marker = self.arena.bob, Marker.new(self.arena.random)
        kinds = self.arena.kinds.in_path(operation)
        on_own = operation.method != "POST" and kinds
        own = await self.objects.need(kinds[-1], bob) if on_own else None
        values = await self.objects.path_values(operation, bob, own)
        exchange = await sent_with(self.objects, operation, values, reference.to(number), marker)
        if operation.method == "POST" and exchange.answer.good:
            await self.objects.note(operation, exchange, bob, values, marker)
        return exchange


def _holds(value: Any, number: str | int) -> bool:
    values = value if isinstance(value, list) else [value]
    return str(number) in {str(one) for one in values}
