"""Attacks on what the document does not list: methods, method overrides, spellings of paths."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from betterguard.live.attack.evidence import Call
from betterguard.live.attack.objects import Unmade
from betterguard.live.attack.openapi import METHODS
from betterguard.live.attack.views import UNSEEN, Trial, view

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from betterguard.live.attack.arena import Arena
    from betterguard.live.attack.evidence import Exchange
    from betterguard.live.attack.objects import Made, Objects
    from betterguard.live.attack.probing import Probe
    from betterguard.live.attack.result import Cell

__all__ = ["Surface"]

OVERRIDE_HEADERS = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
OVERRIDE_PARAMETER = "_method"
JSON = (("Content-Type", "application/json"),)


class Surface:
    """Asks for more than is listed: without a credential, and as Bob for what is Alice's."""

    def __init__(self, arena: Arena, objects: Objects) -> None:
        self.arena = arena
        self.objects = objects

    async def run(self, probes: Sequence[Probe]) -> None:
        """Try each path once, by the operation that reads it where there is one."""
        first: dict[str, Probe] = {}
        for probe in sorted(probes, key=lambda one: not one.operation.reads):
            if not self.arena.result.serves_anyone(probe.name):
                first.setdefault(probe.operation.path, probe)
        for probe in first.values():
            try:
                await self._methods(probe)
                await self._overrides(probe)
                if probe.operation.reads:
                    await self._spellings(probe)
            except Unmade as err:
                self._cell(probe, "undocumented-method").untried(str(err))

    async def _methods(self, probe: Probe) -> None:
        listed = self.arena.document.methods(probe.operation.path)
        for method in METHODS:
            if method in listed:
                continue
            if method not in {"GET", "HEAD"} and not self._may_change(probe):
                note = f"{method} could change what was not made here"
                self._cell(probe, "undocumented-method").untried(note)
                continue
            await self._as_both(probe, "undocumented-method", method, Call(method, "", (), ()))

    def _may_change(self, probe: Probe) -> bool:
        return probe.target is not None or self.arena.throwaway

    async def _overrides(self, probe: Probe) -> None:
        """Send a POST or a GET that says it is a DELETE."""
        if probe.target is None:
            return
        for method in ("POST", "GET"):
            if method == "POST" and method in self.arena.document.methods(probe.operation.path):
                continue  # the POST itself is another attack's matter
            for header in OVERRIDE_HEADERS:
                call = Call(method, "", (), ((header, "DELETE"),))
                await self._as_both(probe, "method-override", f"{method}, {header}: DELETE", call)
            call = Call(method, "", ((OVERRIDE_PARAMETER, "DELETE"),))
            await self._as_both(probe, "method-override", f"{method}, ?_method=DELETE", call)

    async def _as_both(self, probe: Probe, attack: str, variant: str, shape: Call) -> None:
        """Send to Alice's object without a credential and as Bob; look whether it still stands."""
        target = await self._target(probe)
        call = await self._placed(probe, target, shape)
        for who in ("nobody", "Bob"):
            before = UNSEEN if target is None else await view(self.objects, target)
            exchange = await self._sent(call, who)
            after = UNSEEN if target is None else await view(self.objects, target)
            trial = Trial(exchange, before, after)
            self._judge(self._cell(probe, attack), f"{variant} as {who}", trial)
            if trial.change:
                return

    async def _target(self, probe: Probe) -> Made | None:
        if probe.target is None:
            return None
        return await self.objects.make(probe.target.kind, self.arena.alice)

    async def _placed(self, probe: Probe, target: Made | None, shape: Call) -> Call:
        """Put a shape of a request onto the operation's path, with a body where one is usual."""
        values = await self.objects.path_values(
            probe.operation, self.arena.alice, target, self.arena.bob if target else None
        )
        base = await self.objects.call(probe.operation, self.arena.alice, values)
        changed = replace(shape, path=base.path, query=(*base.query, *shape.query))
        if shape.method in {"POST", "PUT", "PATCH"}:
            return replace(changed, headers=(*shape.headers, *JSON), body=b"{}")
        return changed

    async def _sent(self, call: Call, who: str) -> Exchange:
        if who == "nobody":
            return await self.arena.sender.send(call)
        return await self.arena.as_person(self.arena.bob, call)

    def _judge(self, cell: Cell, variant: str, trial: Trial) -> None:
        exchange, answer = trial.exchange, trial.exchange.answer
        if trial.change:
            cell.opened(f"{variant}: Alice's object {trial.change}", exchange)
        elif trial.silent or not answer.good or cell.attack.name == "method-override":
            cell.held(silent=trial.silent)
        elif self.objects.leaks_in(answer.text):
            cell.opened(f"{variant}: the answer shows what Alice made", exchange)
        elif exchange.call.method == "HEAD" and variant.endswith("nobody"):
            cell.opened(f"{variant}: answers {answer.status} without a credential", exchange)
        elif exchange.call.method not in {"GET", "HEAD"} and variant.endswith("nobody"):
            cell.opened(f"{variant}: granted with {answer.status}", exchange)
        else:
            cell.held()

    async def _spellings(self, probe: Probe) -> None:
        """Spell the path of Alice's otherwise, for those whom the plain spelling shows nothing."""
        for who in ("nobody", "Bob"):
            if self.objects.shown_in(await self._sent(probe.call, who)):
                continue  # another attack's matter
            for path in _variants(probe.call.path):
                exchange = await self._sent(replace(probe.call, path=path), who)
                cell = self._cell(probe, "path-variant")
                if self.objects.shown_in(exchange):
                    cell.opened(f"{path} as {who}: the answer shows what Alice made", exchange)
                else:
                    cell.held(silent=exchange.answer.silent)

    def _cell(self, probe: Probe, attack: str) -> Cell:
        return self.arena.result.cell(probe.name, attack)


def _variants(path: str) -> Iterator[str]:
    first, _, rest = path.lstrip("/").partition("/")
    yield path.rstrip("/") if path.endswith("/") else path + "/"
    yield f"//{path.lstrip('/')}"
    yield f"/{first}//{rest}" if rest else f"/{first}//"
    yield f"/{first.upper()}/{rest}"
    yield path.upper()
    yield f"/./{path.lstrip('/')}"
    yield f"/health/../{path.lstrip('/')}"
    yield f"/docs/..%2f{path.lstrip('/')}"
    yield f"/%{ord(first[0]):02x}{first[1:]}/{rest}" if first else path
    yield f"{path};.css"
    yield f"{path}.json"
    yield f"{path}%20"
    yield f"{path}%00"
