"""A cross-user attack on numbers: does Bob see one grow while Alice adds objects?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from betterguard.live.attack.objects import Unmade

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from betterguard.live.attack.arena import Arena
    from betterguard.live.attack.evidence import Call, Exchange
    from betterguard.live.attack.objects import Objects
    from betterguard.live.attack.probing import Probe

__all__ = ["count_foreign"]

ADDED = 2
"""Objects of each kind that Alice adds between Bob's looks."""
_COUNTING = ("count", "total", "range")


async def count_foreign(arena: Arena, objects: Objects, probes: Sequence[Probe]) -> None:
    """Compare the numbers in Bob's answers before and after Alice adds objects.

    Bob looks twice before and twice after, so that what changes by itself is left out.
    """
    watched = await _watched(arena, objects, probes)
    before = [await _looked(arena, watched) for _ in range(2)]
    refused = await _add(arena, objects)
    after = [await _looked(arena, watched) for _ in range(2)]
    for name in watched:
        cell = arena.result.cell(name, "count-foreign")
        status = after[0][name].answer.status
        if not after[0][name].answer.good:
            cell.untried(f"answered {status} to Bob")
            continue
        grown = _grown([dict(_numbers(one[name])) for one in (*before, *after)])
        if grown:
            cell.opened(f"{grown} grows when Alice adds objects", after[0][name])
        elif refused:
            cell.untried(refused)
        else:
            cell.held()


async def _add(arena: Arena, objects: Objects) -> str:
    """Let Alice add objects of every kind; tell why where one is made no more."""
    refused = ""
    for kind in arena.kinds.creators:
        if objects.find(kind, arena.alice) is not None:
            try:
                for _ in range(ADDED):
                    await objects.make(kind, arena.alice)
            except Unmade as err:
                refused = str(err)
    return refused


async def _watched(arena: Arena, objects: Objects, probes: Sequence[Probe]) -> dict[str, Call]:
    """Give the requests of Bob's that name no object."""
    calls = {}
    for probe in probes:
        anyone = arena.result.serves_anyone(probe.name)
        if not probe.operation.reads or probe.target is not None or anyone:
            continue
        try:
            values = await objects.path_values(probe.operation, arena.bob)
            calls[probe.name] = await objects.call(probe.operation, arena.bob, values)
        except Unmade:
            continue  # reading it as Bob was noted as untried
    return calls


async def _looked(arena: Arena, calls: Mapping[str, Call]) -> dict[str, Exchange]:
    return {name: await arena.as_person(arena.bob, call) for name, call in calls.items()}


def _numbers(exchange: Exchange) -> Iterator[tuple[str, float]]:
    answer = exchange.answer
    if not answer.good:
        return
    yield from _in(answer.data, "the answer")
    for name, value in answer.headers:
        last = value.rpartition("/")[2]
        if any(word in name.lower() for word in _COUNTING) and last.isdecimal():
            yield f"the header {name}", float(last)


def _in(data: Any, where: str) -> Iterator[tuple[str, float]]:
    if isinstance(data, dict):
        for name, value in data.items():
            yield from _in(value, name)
    elif isinstance(data, int | float) and not isinstance(data, bool):
        yield where, float(data)


def _grown(looks: list[dict[str, float]]) -> str:
    """Name the first number that grew by what was added, and was steady otherwise."""
    one, two, three, four = looks
    for name, value in two.items():
        later = three.get(name)
        steady = one.get(name) == value and four.get(name) == later
        if steady and later is not None and later - value >= ADDED:
            return name
    return ""
