"""Credential attacks: every operation with credentials that must not let anybody in."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from betterguard.live.attack.calls import with_headers
from betterguard.live.attack.evidence import stable
from betterguard.live.attack.markers import Marker
from betterguard.live.attack.objects import Unmade

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from betterguard.live.attack.arena import Arena
    from betterguard.live.attack.credentials import Credential
    from betterguard.live.attack.evidence import Answer, Call, Exchange
    from betterguard.live.attack.objects import Made, Objects
    from betterguard.live.attack.openapi import Operation
    from betterguard.live.attack.result import Cell

__all__ = ["Probe", "Probing"]

NEEDS = {
    "expired": "needs the signing key, or an expired token",
    "not-yet-valid": "needs the signing key",
    "other-audience": "needs the signing key, and tokens that name an audience",
    "other-issuer": "needs the signing key, and tokens that name an issuer",
    "odd-claims": "needs the signing key",
    "other-kind": "needs the signing key",
    "public-key-as-secret": "needs the published keys",
}
_NOT_A_TOKEN = frozenset({"token-in-query", "client-identity"})


@dataclass(slots=True)
class Probe:
    """An operation with a request that works with Alice's token, and its answer."""

    operation: Operation
    call: Call
    valid: Exchange
    target: Made | None
    marker: Marker
    optional: bool = False
    """Whether it also serves people who are not signed in, with less."""

    @property
    def name(self) -> str:
        """The operation's name."""
        return self.operation.name


class Probing:
    """Tries credentials on operations."""

    def __init__(self, arena: Arena, objects: Objects) -> None:
        self.arena = arena
        self.objects = objects

    async def baseline(self, operation: Operation) -> Probe:
        """Send an operation as Alice, who may; raises `Unmade` when it cannot be made to work."""
        may = operation.reads or operation.method == "POST" or self._has_own(operation)
        if not (may or self.arena.throwaway):
            msg = "it changes what was not made here: try it with --throwaway-users"
            raise Unmade(msg)
        # What a body names may be gone afterwards: it gets objects that nothing else relies on.
        await self._make_referred(operation)
        probe = await self._sent(operation)
        await self._make_referred(operation)
        answer = probe.valid.answer
        if answer.silent:
            raise Unmade(answer.text)
        if not (answer.good or answer.broken):
            msg = f"answered {answer.status} to a valid token"
            raise Unmade(msg)
        if answer.good:
            await self.renew(probe)
        return probe

    async def _make_referred(self, operation: Operation) -> None:
        if operation.method == "POST" and operation not in self.arena.kinds.creators.values():
            for kind in self.objects.referred(operation):
                with contextlib.suppress(Unmade):
                    await self.objects.make(kind, self.arena.alice)

    def _has_own(self, operation: Operation) -> bool:
        kinds = self.arena.kinds.in_path(operation)
        return bool(kinds) and kinds[-1] in self.arena.kinds.creators

    async def _sent(self, operation: Operation) -> Probe:
        """Send the fullest request first, and one with the required parts when that is refused."""
        alice, marker = self.arena.alice, Marker.new(self.arena.random)
        target = await self._target(operation)
        values = await self.objects.path_values(operation, alice, target)
        call = await self.objects.call(operation, alice, values, marker=marker, full=True)
        exchange = await self.arena.as_person(alice, call)
        full = exchange.answer.good or exchange.answer.broken or operation.body is None
        self.objects.full[operation.name] = full
        if not full:
            call = await self.objects.call(operation, alice, values, marker=marker, full=False)
            exchange = await self.arena.as_person(alice, call)
        probe = Probe(operation, call, exchange, target, marker)
        await self._note(probe, exchange)
        return probe

    async def _target(self, operation: Operation) -> Made | None:
        """Give a fresh object to an operation that changes one, and any to one that reads."""
        if not self._has_own(operation):
            return None
        kind = self.arena.kinds.in_path(operation)[-1]
        if operation.reads:
            return await self.objects.need(kind, self.arena.alice)
        target = await self.objects.make(kind, self.arena.alice)
        if operation.method == "DELETE":
            # Others take the object that was made last, which must not be this one.
            await self.objects.make(kind, self.arena.alice)
        return target

    async def renew(self, probe: Probe) -> None:
        """Make a request ready to be sent again: another object to delete, another text to add."""
        operation, alice = probe.operation, self.arena.alice
        if operation.method == "DELETE" and self._has_own(operation):
            probe.target = await self._target(operation)
        elif operation.method == "POST":
            probe.marker = Marker.new(self.arena.random)
        values = await self.objects.path_values(operation, alice, probe.target)
        probe.call = await self.objects.call(operation, alice, values, marker=probe.marker)

    async def restore(self, probe: Probe) -> None:
        """Put a new object in the place of one that may have been changed or deleted."""
        if self._has_own(probe.operation):
            probe.target = await self._target(probe.operation)
            await self.renew(probe)

    async def _note(self, probe: Probe, exchange: Exchange) -> None:
        if probe.operation.method == "POST" and exchange.answer.good:
            alice = self.arena.alice
            values = await self.objects.path_values(probe.operation, alice, probe.target)
            await self.objects.note(probe.operation, exchange, alice, values, probe.marker)

    async def run(self, probes: Sequence[Probe], credentials: Sequence[Credential]) -> None:
        """Try every credential everywhere: first one variant of each attack, then more."""
        closed = [
            probe
            for probe in probes
            if not self.arena.result.exercise(probe.name).public and await self._is_closed(probe)
        ]
        tried = {credential.attack for credential in credentials}
        missing = {attack: why for attack, why in NEEDS.items() if tried and attack not in tried}
        for probe in closed:
            for attack, reason in missing.items():
                self._cell(probe, attack).untried(reason)
        for variants in _rounds(credentials):
            for probe in closed:
                for credential in variants:
                    await self._try(probe, credential)
        for probe in closed:
            await self._confirm(probe)

    async def _confirm(self, probe: Probe) -> None:
        """Make sure that refusals were no accident: the valid token must still be let in."""
        exchange = await self.arena.as_person(self.arena.alice, probe.call)
        await self._after(probe, exchange)
        if not (exchange.answer.good or exchange.answer.broken):
            reason = f"afterwards it answered {exchange.answer.status} to the valid token too"
            self.arena.result.doubt(probe.name, reason)

    async def _is_closed(self, probe: Probe) -> bool:
        """Ask without a credential: False when that is enough, rightly or wrongly."""
        exchange = await self.arena.sender.send(probe.call)
        answer = exchange.answer
        await self._after(probe, exchange)
        if not answer.good:
            self._judge(probe, self._cell(probe, "missing-credential"), "no credential", exchange)
            return not self.arena.result.serves_anyone(probe.name)
        personal = self._is_personal(probe, answer)
        same = _like(answer, probe.valid.answer)
        if probe.operation.reads and same and not personal and not probe.operation.secured:
            self.arena.result.exercises[probe.name].public = True
            return False
        cell = self._cell(probe, "missing-credential")
        if probe.operation.secured:
            cell.opened("answers without the credential that the document demands", exchange)
        elif personal or not probe.operation.reads:
            cell.opened("answers without any credential as with a valid token", exchange)
        else:
            cell.held()
            probe.optional = True
        return probe.optional

    async def _try(self, probe: Probe, credential: Credential) -> None:
        cell = self._cell(probe, credential.attack)
        if cell.exchange is not None:
            return  # open already: more proof adds nothing
        call = with_headers(probe.call, credential.headers)
        call = replace(call, query=(*call.query, *credential.query))
        exchange = await self.arena.sender.send(call)
        self._judge(probe, cell, credential.variant, exchange)
        await self._after(probe, exchange)

    async def _after(self, probe: Probe, exchange: Exchange) -> None:
        """Keep account of what a request that was let in has made or deleted."""
        if exchange.answer.good:
            await self._note(probe, exchange)
            if probe.operation.method in {"DELETE", "POST"}:
                await self.renew(probe)

    def _judge(self, probe: Probe, cell: Cell, variant: str, exchange: Exchange) -> None:
        answer, valid = exchange.answer, probe.valid.answer
        if cell.attack.name == "scheme-case":
            if answer.refused or (answer.broken and not valid.broken):
                cell.opened(f"{variant}: answers {answer.status}", exchange)
            else:
                cell.held(silent=answer.silent)
        elif answer.good and probe.optional and not self._is_personal(probe, answer):
            self._judge_optional(probe, cell, variant, exchange)
        elif answer.good:
            cell.opened(f"{variant}: let in with {answer.status}", exchange)
        elif answer.broken and valid.broken:
            cell.opened(f"{variant}: answers {answer.status}, as with a valid token", exchange)
        else:
            cell.held(silent=answer.silent)
            self._judge_refusal(probe, f"{cell.attack.name}, {variant}", exchange)

    def _judge_refusal(self, probe: Probe, variant: str, exchange: Exchange) -> None:
        """Count a refusal, and tell one that was an accident on the way to it."""
        cell, status = self._cell(probe, "failing-check"), exchange.answer.status
        if exchange.answer.broken:
            cell.opened(f"{variant}: answers {status} instead of 401", exchange, requests=0)
        else:
            cell.held(requests=0, silent=exchange.answer.silent)

    def _judge_optional(self, probe: Probe, cell: Cell, variant: str, exchange: Exchange) -> None:
        """Where signing in is optional, a bad token must be refused all the same."""
        cell.held()
        if cell.attack.name not in _NOT_A_TOKEN:
            self._cell(probe, "forged-as-anonymous").opened(
                f"{variant}: served as if nobody had signed in", exchange
            )

    def _is_personal(self, probe: Probe, answer: Answer) -> bool:
        """Tell whether an answer shows what is Alice's."""
        shows = self.objects.leaks_in(answer.text) or probe.marker.shows_in(answer.text)
        return bool(shows) or self.arena.alice.user_id in answer.text

    def _cell(self, probe: Probe, attack: str) -> Cell:
        return self.arena.result.cell(probe.name, attack)


def _rounds(credentials: Sequence[Credential]) -> Iterator[list[Credential]]:
    """Give the first variants of all attacks, then the second ones, and so on."""
    by_attack: Mapping[str, list[Credential]] = defaultdict(list)
    for credential in credentials:
        if credential.attack != "missing-credential":
            by_attack[credential.attack].append(credential)
    for number in range(max(map(len, by_attack.values()), default=0)):
        yield [found[number] for found in by_attack.values() if number < len(found)]


def _like(answer: Answer, other: Answer) -> bool:
    return bool(stable(answer.data or answer.text) == stable(other.data or other.text))
