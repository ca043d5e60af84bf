"""Cross-user attacks on operations: Bob's token, and what is Alice's in the path."""

from __future__ import annotations

import string
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from betterguard.live.attack.evidence import stable
from betterguard.live.attack.markers import Marker
from betterguard.live.attack.naming import is_user, last_segment, parameters_of
from betterguard.live.attack.objects import Unmade
from betterguard.live.attack.views import UNSEEN, Trial, view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from betterguard.live.attack.arena import Arena
    from betterguard.live.attack.evidence import Answer, Exchange
    from betterguard.live.attack.objects import Made, Objects
    from betterguard.live.attack.openapi import Operation
    from betterguard.live.attack.probing import Probe
    from betterguard.live.attack.result import Cell

__all__ = ["Crossing", "unknown_id"]

FAR = 1_000_003
"""So far away is an id that does not exist, where ids are numbers."""
NONCE = "betterguard"
NOT_FULLY = frozenset({400, 404, 409, 422})
"""Answers that may be about an optional part of a body rather than about what is attacked."""
MALFORMED = frozenset({400, 422})

_BY_METHOD = {"PUT": "update-foreign", "PATCH": "update-foreign", "DELETE": "delete-foreign"}
_CHECKED_BY_STATE = frozenset(_BY_METHOD.values())


class Crossing:
    """Tries each operation as Bob on what Alice has made."""

    def __init__(self, arena: Arena, objects: Objects) -> None:
        self.arena = arena
        self.objects = objects

    async def run(self, probes: Sequence[Probe]) -> None:
        """Try every operation that Alice could exercise."""
        for probe in probes:
            if self.arena.result.serves_anyone(probe.name):
                continue
            attack = self._attack(probe)
            try:
                await self._on(probe, attack)
            except Unmade as err:
                self._cell(probe.operation, attack).untried(str(err))

    def _attack(self, probe: Probe) -> str:
        """Name what it is to do this to another's object."""
        operation = probe.operation
        if operation.method == "POST":
            makes = operation in self.arena.kinds.creators.values()
            return "create-under-foreign" if makes else "act-on-foreign"
        on_one = "read-foreign" if probe.target else "list-foreign"
        return _BY_METHOD.get(operation.method, on_one)

    async def _on(self, probe: Probe, attack: str) -> None:
        operation = probe.operation
        if probe.target is not None:
            await self._on_object(operation, attack)
        elif operation.method != "POST":
            await self._on_collection(operation, attack)
        if any(
            is_user(name, last_segment(before)) for name, before in parameters_of(operation.path)
        ):
            await self._by_path_user(probe)

    async def _on_object(self, operation: Operation, attack: str) -> None:
        """Name Alice's object in the path, beside Bob's own id."""
        marker = Marker.new(self.arena.random)
        target = await self._fresh(operation)
        await self._control(operation)
        trial = await self._trial(operation, target, marker)
        stranger = replace(target, id=unknown_id(target.id, self.arena.random))
        missing = await self._sent(operation, await self._values(operation, stranger), marker)
        self._judge(self._cell(operation, attack), trial, missing.answer)
        self._judge_oracle(operation, trial.exchange, missing.answer, (target.id, stranger.id))

    async def _control(self, operation: Operation) -> None:
        """Make sure that Bob may do to his own what is refused for Alice's; raises `Unmade`."""
        own = await self.objects.make(self.arena.kinds.in_path(operation)[-1], self.arena.bob)
        exchange = await self._sent(operation, await self._values(operation, own))
        if not exchange.answer.good:
            msg = f"answered {exchange.answer.status} to Bob for his own object too"
            raise Unmade(msg)

    async def _fresh(self, operation: Operation) -> Made:
        kind = self.arena.kinds.in_path(operation)[-1]
        if operation.reads:
            return await self.objects.need(kind, self.arena.alice)
        return await self.objects.make(kind, self.arena.alice)

    async def _trial(
        self, operation: Operation, target: Made, marker: Marker, *, as_alice: bool = False
    ) -> Trial:
        values = await self._values(operation, target, as_alice=as_alice)
        before = UNSEEN if operation.reads else await view(self.objects, target)
        exchange = await self._sent(operation, values, marker)
        after = UNSEEN if operation.reads else await view(self.objects, target)
        return Trial(exchange, before, after)

    async def _values(
        self, operation: Operation, target: Made | None = None, *, as_alice: bool = False
    ) -> dict[str, Any]:
        user = self.arena.alice if as_alice else self.arena.bob
        return await self.objects.path_values(operation, self.arena.bob, target, user)

    async def _sent(
        self, operation: Operation, values: Mapping[str, Any], marker: Marker | None = None
    ) -> Exchange:
        """Send as Bob; once more with the least when an optional part may be what is refused."""
        bob, marker = self.arena.bob, marker or Marker.new(self.arena.random)
        call = await self.objects.call(operation, bob, values, marker=marker)
        exchange = await self.arena.as_person(bob, call)
        if exchange.answer.status in NOT_FULLY:
            least = await self.objects.call(operation, bob, values, marker=marker, full=False)
            again = exchange if least == call else await self.arena.as_person(bob, least)
            exchange = exchange if again.answer.status in MALFORMED else again
        if operation.method == "POST" and exchange.answer.good:
            await self.objects.note(operation, exchange, bob, values, marker)
        return exchange

    def _judge(self, cell: Cell, trial: Trial, missing: Answer) -> None:
        answer = trial.exchange.answer
        if trial.change:
            cell.opened(f"Alice's object {trial.change}", trial.exchange)
        elif answer.good and self.objects.leaks_in(answer.text):
            cell.opened("the answer shows what Alice made", trial.exchange)
        elif answer.good and cell.attack.name == "create-under-foreign":
            cell.opened("an object was added under Alice's", trial.exchange)
        elif answer.good and missing.denied and not self._is_harmless(cell, trial):
            cell.opened("granted for Alice's object, refused for one that is none", trial.exchange)
        else:
            cell.held(silent=trial.silent or missing.silent)

    @staticmethod
    def _is_harmless(cell: Cell, trial: Trial) -> bool:
        return cell.attack.name in _CHECKED_BY_STATE and trial.unharmed

    def _judge_oracle(
        self, operation: Operation, foreign: Exchange, missing: Answer, ids: tuple[Any, Any]
    ) -> None:
        cell = self._cell(operation, "existence-oracle")
        answer = foreign.answer
        if not (answer.denied and missing.denied):
            # What is granted is another attack's matter.
            cell.held(silent=answer.silent or missing.silent)
        elif answer.status != missing.status:
            note = f"{answer.status} for Alice's object, {missing.status} for one that is none"
            cell.opened(note, foreign)
        elif _masked(answer, ids[0]) != _masked(missing, ids[1]):
            cell.opened("the answers for Alice's object and for none differ in their text", foreign)
        else:
            cell.held()

    async def _on_collection(self, operation: Operation, attack: str) -> None:
        """Ask for a collection right after Alice, and once more past any cache."""
        if not operation.reads:
            await self._on_everything(operation, attack)
            return
        alice, bob = self.arena.alice, self.arena.bob
        own = await self.objects.call(
            operation, alice, await self.objects.path_values(operation, alice)
        )
        await self.arena.as_person(alice, own)
        call = await self.objects.call(operation, bob, await self._values(operation))
        past_cache = replace(call, query=(*call.query, ("_", NONCE)))
        after_alice = await self.arena.as_person(bob, call)
        fresh = await self.arena.as_person(bob, past_cache)
        if not fresh.answer.good:
            msg = f"answered {fresh.answer.status} to Bob too"
            raise Unmade(msg)
        listed = self._cell(operation, attack)
        self.objects.judge_leak(listed, fresh, "the answer shows what Alice made")
        if listed.exchange is None:
            note = "right after Alice the answer shows what she made"
            self.objects.judge_leak(self._cell(operation, "cached-answer"), after_alice, note)

    async def _on_everything(self, operation: Operation, attack: str) -> None:
        """Change or delete without naming an object: Alice's must stay as they are."""
        cell = self._cell(operation, attack)
        for kind in self.arena.kinds.creators:
            target = self.objects.find(kind, self.arena.alice)
            if target is not None:
                trial = await self._trial(operation, target, Marker.new(self.arena.random))
                if trial.change:
                    cell.opened(f"Alice's object {trial.change}", trial.exchange)
                elif trial.silent:
                    cell.held(silent=True)
        cell.held()

    async def _by_path_user(self, probe: Probe) -> None:
        """Put Alice's id into the path, with Bob's token."""
        operation = probe.operation
        cell = self._cell(operation, "path-user")
        target = await self._fresh(operation) if probe.target else None
        if target is not None:
            marker = Marker.new(self.arena.random)
            trial = await self._trial(operation, target, marker, as_alice=True)
            self._judge(cell, trial, trial.exchange.answer)
            return
        values = await self._values(operation, as_alice=True)
        exchange = await self._sent(operation, values)
        if operation.method == "POST" and exchange.answer.good:
            cell.opened("granted in Alice's name", exchange)
        else:
            self.objects.judge_leak(cell, exchange, "the answer shows what Alice made")

    def _cell(self, operation: Operation, attack: str) -> Cell:
        return self.arena.result.cell(operation.name, attack)


def unknown_id(known: str | int, random: Random) -> str | int:
    """Make an id of the same shape that nothing has."""
    if isinstance(known, int) or known.isdecimal():
        far = int(known) + FAR
        return far if isinstance(known, int) else str(far)
    try:
        uuid.UUID(known)
    except ValueError:
        return "".join(_replaced(letter, random) for letter in known)
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def _replaced(letter: str, random: Random) -> str:
    for alphabet in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
        if letter in alphabet:
            return random.choice(alphabet)
    return letter


def _masked(answer: Answer, number: str | int) -> Any:
    text = answer.text.replace(str(number), "ID")
    try:
        return stable(replace(answer, text=text).data) or text
    except ValueError:
        return text
