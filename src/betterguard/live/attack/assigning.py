"""Cross-user attacks by body: owners and ids that are not the caller's to name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from betterguard.live.attack.calls import with_body
from betterguard.live.attack.markers import Marker
from betterguard.live.attack.naming import OWNER_FIELDS, is_user
from betterguard.live.attack.objects import Unmade
from betterguard.live.attack.values import chosen
from betterguard.live.attack.views import Trial, sees, view

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from betterguard.live.attack.arena import Arena
    from betterguard.live.attack.evidence import Answer, Exchange
    from betterguard.live.attack.objects import Made, Objects
    from betterguard.live.attack.openapi import Operation
    from betterguard.live.attack.probing import Probe
    from betterguard.live.attack.result import Cell

__all__ = ["Assigning", "demand", "field_of", "properties", "sent_with"]


class Assigning:
    """Sends bodies as Bob that claim what is Alice's."""

    def __init__(self, arena: Arena, objects: Objects) -> None:
        self.arena = arena
        self.objects = objects

    async def run(self, probes: Sequence[Probe]) -> None:
        """Try every operation with an object as its body."""
        for probe in probes:
            if probe.operation.body is not None and not probe.operation.reads:
                await self._on(probe)

    async def _on(self, probe: Probe) -> None:
        operation = probe.operation
        makes = operation in self.arena.kinds.creators.values()
        changes = operation.method in {"PUT", "PATCH"} and probe.target is not None
        attempts = (
            ("assign-owner", self._assign_owner, makes),
            ("change-owner", self._change_owner, changes),
            ("assign-id", self._assign_id, makes or changes),
        )
        for attack, attempt, applies in attempts:
            if applies:
                try:
                    await attempt(operation)
                except Unmade as err:
                    self._cell(operation, attack).untried(str(err))

    async def _assign_owner(self, operation: Operation) -> None:
        """Create in Alice's name."""
        cell = self._cell(operation, "assign-owner")
        control, plain = await self._created(operation, {})
        demand(control)
        apart = plain is not None and not await self._alice_sees(plain, plain.marker)
        for claims in self._owner_claims(operation):
            exchange, made = await self._created(operation, claims)
            if apart and made is not None and await self._alice_sees(made, made.marker):
                cell.opened(f"Alice sees what Bob made with {_listed(claims)}", exchange)
            elif exchange.answer.good and self._repeats(exchange.answer, claims):
                cell.opened(f"the answer repeats {_listed(claims)}", exchange)
            else:
                cell.held(silent=exchange.answer.silent)

    async def _alice_sees(self, made: Made, marker: Marker) -> bool:
        return await sees(self.objects, self.arena.alice, made, marker)

    async def _created(
        self, operation: Operation, claims: Mapping[str, Any]
    ) -> tuple[Exchange, Made | None]:
        bob, marker = self.arena.bob, Marker.new(self.arena.random)
        values = await self.objects.path_values(operation, bob)
        exchange = await sent_with(self.objects, operation, values, claims, marker)
        if not exchange.answer.good:
            return exchange, None
        return exchange, await self.objects.note(operation, exchange, bob, values, marker)

    def _owner_claims(self, operation: Operation) -> Iterator[dict[str, Any]]:
        """Claim the owner by the fields that the document lists, then by those that it does not."""
        user_id = self.arena.alice.user_id
        listed = [name for name in properties(operation) if is_user(name)]
        if listed:
            yield dict.fromkeys(listed, user_id)
        yield dict.fromkeys((name for name in OWNER_FIELDS if name not in listed), user_id)

    async def _change_owner(self, operation: Operation) -> None:
        """Give Bob's own object to Alice."""
        cell = self._cell(operation, "change-owner")
        for claims in self._owner_claims(operation):
            own = await self.objects.make(self.arena.kinds.in_path(operation)[-1], self.arena.bob)
            apart = not await self._alice_sees(own, own.marker)
            marker = Marker.new(self.arena.random)
            values = await self.objects.path_values(operation, self.arena.bob, own)
            demand(await sent_with(self.objects, operation, values, {}, marker))
            exchange = await sent_with(self.objects, operation, values, claims, marker)
            if not exchange.answer.good:
                cell.held(silent=exchange.answer.silent)
            elif apart and await self._alice_sees(own, marker):
                cell.opened(f"Alice sees what Bob changed with {_listed(claims)}", exchange)
            elif self._repeats(exchange.answer, claims):
                cell.opened(f"the answer repeats {_listed(claims)}", exchange)
            else:
                cell.held(silent=exchange.answer.silent)

    def _repeats(self, answer: Answer, claims: Mapping[str, Any]) -> bool:
        """Tell whether the answer shows a claimed owner as if it were so."""
        user_id = self.arena.alice.user_id
        return any(field_of(answer.data, name) == user_id for name in claims)

    async def _assign_id(self, operation: Operation) -> None:
        """Write over Alice's object by naming its id in the body."""
        cell = self._cell(operation, "assign-id")
        bob, kind = self.arena.bob, self._kind(operation)
        victim = await self.objects.make(kind, self.arena.alice)
        own = None
        if operation.method != "POST":
            own = await self.objects.make(kind, bob)
        before = await view(self.objects, victim)
        values = await self.objects.path_values(operation, bob, own)
        marker = Marker.new(self.arena.random)
        if own is not None:
            demand(await sent_with(self.objects, operation, values, {}, marker))
        exchange = await sent_with(self.objects, operation, values, {"id": victim.id}, marker)
        if operation.method == "POST" and exchange.answer.good:
            await self.objects.note(operation, exchange, bob, values, marker)
        trial = Trial(exchange, before, await view(self.objects, victim))
        if trial.change:
            cell.opened(f"Alice's object {trial.change}", exchange)
        else:
            cell.held(silent=trial.silent)

    def _kind(self, operation: Operation) -> str:
        if operation.method != "POST":
            return self.arena.kinds.in_path(operation)[-1]
        return self.arena.kinds.made_by(operation)

    def _cell(self, operation: Operation, attack: str) -> Cell:
        return self.arena.result.cell(operation.name, attack)


async def sent_with(
    objects: Objects,
    operation: Operation,
    values: Mapping[str, Any],
    claims: Mapping[str, Any],
    marker: Marker,
) -> Exchange:
    """Send a body of Bob's with claims laid over it; raises `Unmade` where it is no object."""
    bob = objects.arena.bob
    call = await objects.call(operation, bob, values, marker=marker)
    try:
        body = json.loads(call.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        msg = f"{operation.name} takes no JSON object"
        raise Unmade(msg)
    return await objects.arena.as_person(bob, with_body(call, operation, {**body, **claims}))


def demand(control: Exchange) -> None:
    """Make sure that what Bob may do works, before refusals count; raises `Unmade`."""
    if not control.answer.good:
        msg = f"answered {control.answer.status} to what Bob may do too"
        raise Unmade(msg)


def properties(operation: Operation) -> dict[str, Any]:
    """Give the fields of an operation's body."""
    found = chosen(operation.body or {}).get("properties")
    return dict(found) if isinstance(found, dict) else {}


def _listed(claims: Mapping[str, Any]) -> str:
    return ", ".join(claims)


def field_of(data: Any, name: str) -> Any:
    """Find a field in an answer, or in an envelope around it."""
    if not isinstance(data, dict):
        return None
    if name in data:
        return data[name]
    inner = (field_of(one, name) for one in data.values() if isinstance(one, dict))
    return next((one for one in inner if one is not None), None)
