"""Cross-user attacks by questions: Bob asks for Alice's in queries, headers and searches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from betterguard.live.attack.calls import with_headers
from betterguard.live.attack.credentials import IDENTITY_HEADERS, IDENTITY_PARAMETERS
from betterguard.live.attack.markers import Marker
from betterguard.live.attack.naming import is_user
from betterguard.live.attack.objects import Unmade
from betterguard.live.attack.values import chosen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from betterguard.live.attack.arena import Arena
    from betterguard.live.attack.evidence import Call
    from betterguard.live.attack.objects import Objects
    from betterguard.live.attack.openapi import Operation, Parameter
    from betterguard.live.attack.probing import Probe
    from betterguard.live.attack.result import Cell

__all__ = ["Asking"]


class Asking:
    """Asks each operation that answers questions for what Alice has made."""

    def __init__(self, arena: Arena, objects: Objects) -> None:
        self.arena = arena
        self.objects = objects

    async def run(self, probes: Sequence[Probe]) -> None:
        """Try every operation that reads, and those that search by a body."""
        for probe in probes:
            operation = probe.operation
            if self.arena.result.serves_anyone(probe.name):
                continue
            attack = "query-user" if operation.reads else "search-foreign"
            try:
                if operation.reads:
                    await self._by_query(operation)
                elif self._is_question(probe):
                    await self._by_body(operation)
            except Unmade as err:
                self._cell(operation, attack).untried(str(err))

    def _is_question(self, probe: Probe) -> bool:
        operation = probe.operation
        makes = operation in self.arena.kinds.creators.values()
        asks = operation.method == "POST" and operation.body is not None
        return asks and not makes and probe.target is None

    async def _by_query(self, operation: Operation) -> None:
        """Ask for Alice's in every query parameter, listed or not, and in headers."""
        values = await self.objects.path_values(operation, self.arena.bob)
        base = await self.objects.call(operation, self.arena.bob, values)
        if self.objects.shown_in(await self.arena.as_person(self.arena.bob, base)):
            return  # it shows Alice's objects anyway
        for attack, note, call in self._questions(operation, base):
            exchange = await self.arena.as_person(self.arena.bob, call)
            self.objects.judge_leak(self._cell(operation, attack), exchange, note)

    def _questions(self, operation: Operation, base: Call) -> Iterator[tuple[str, str, Call]]:
        """Vary a request: one query parameter or header at a time."""
        listed = {parameter.name for parameter in operation.placed("query")}
        for parameter in operation.placed("query"):
            attack = "query-user" if is_user(parameter.name) else "search-foreign"
            for value in self._asked_for(parameter, operation.path):
                kept = tuple(pair for pair in base.query if pair[0] != parameter.name)
                call = replace(base, query=(*kept, (parameter.name, value)))
                yield attack, f"asked with {parameter.name}", call
        for name in IDENTITY_PARAMETERS:
            if name not in listed:
                call = replace(base, query=(*base.query, (name, self.arena.alice.user_id)))
                yield "query-user", f"asked with {name}", call
        for name in IDENTITY_HEADERS:
            call = with_headers(base, ((name, self.arena.alice.user_id),))
            yield "query-user", f"asked with the header {name}", call

    def _asked_for(self, parameter: Parameter, path: str) -> list[str]:
        schema = chosen(parameter.schema)
        if is_user(parameter.name):
            return [self.arena.alice.user_id]
        kind = self.arena.kinds.of_field(parameter.name, path)
        target = None if kind is None else self.objects.find(kind, self.arena.alice)
        if target is not None:
            return [str(target.id)]
        if schema.get("type") == "boolean":
            return ["true", "false"]
        if schema.get("enum"):
            return [str(one) for one in schema["enum"]]
        if schema.get("type", "string") != "string" or schema.get("format"):
            return []
        return [made.marker.key for made in self.objects.latest(self.arena.alice)]

    async def _by_body(self, operation: Operation) -> None:
        """Search, by a body, for what is Alice's."""
        values = await self.objects.path_values(operation, self.arena.bob)
        cell = self._cell(operation, "search-foreign")
        for made in self.objects.latest(self.arena.alice):
            asked = Marker(made.marker.key, "")
            call = await self.objects.call(operation, self.arena.bob, values, marker=asked)
            exchange = await self.arena.as_person(self.arena.bob, call)
            self.objects.judge_leak(cell, exchange, "the answer shows what Alice made")

    def _cell(self, operation: Operation, attack: str) -> Cell:
        return self.arena.result.cell(operation.name, attack)
