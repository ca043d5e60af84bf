"""Faults while load runs: nobody gets another's data, nothing is let in, and service comes back."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
from rich.table import Table

from demo.cluster.faults import FAULTS
from demo.cluster.people import People
from demo.cluster.stack import Layout, running_cluster
from demo.cluster.traffic import Traffic
from demo.service import Stopped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import Event

    from rich.console import Console

    from demo.cluster.faults import Fault
    from demo.cluster.stack import Cluster

__all__ = ["Outcome", "run_cluster_check"]

PEOPLE = 8
CONNECTIONS = 32
STEADY = 2.0  # seconds without a failure: then it is well
PATIENCE = 90.0  # seconds until it has to be well: the machine's own hiccups count as failures, too
# Seconds after which everybody has heard of a sign-out. The documentation promises one; but a
# process that the machine lets stand still for longer answers first what has come meanwhile.
REVOCATION_LAG = 5.0
ANSWER_LIMIT = 20.0  # seconds until somebody gives up, which nobody should have to
WORK = frozenset({"add", "list"})


@dataclass(frozen=True)
class Outcome:
    """What was seen of one fault.

    ``longest_gap`` is the longest time in which nobody's work was served, ``slowest`` the longest
    that anybody waited for an answer or its failure, ``back_after`` how long after the mending
    something still failed: in seconds, None when it never came back.
    """

    layout: Layout
    title: str
    answers: int
    failures: dict[str, int]
    longest_gap: float
    slowest: float
    back_after: float | None
    violations: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Tell whether all that must hold did."""
        return self.back_after is not None and not self.violations


def run_cluster_check(
    console: Console,
    stopping: Event,
    layouts: Sequence[Layout] = tuple(Layout),
    faults: Sequence[Fault] = FAULTS,
) -> list[Outcome]:
    """Run each layout with its faults; print a line a fault, and the table."""
    outcomes: list[Outcome] = []
    for layout in layouts:
        # A short name: a Unix socket's path is at most 107 bytes long.
        data = Path(tempfile.mkdtemp(prefix="bg-clu-"))
        try:
            with running_cluster(data, (0, 0, 0), layout) as cluster:
                chosen = [fault for fault in faults if layout in fault.layouts]
                outcomes += asyncio.run(under_load(cluster, layout, chosen, console, stopping))
        finally:
            shutil.rmtree(data, ignore_errors=True)
    console.print(table(outcomes))
    return outcomes


async def under_load(
    cluster: Cluster, layout: Layout, faults: Sequence[Fault], console: Console, stopping: Event
) -> list[Outcome]:
    """Let people work, sign one of them out, and cause one fault after the other."""
    outcomes = []
    limits = httpx2.Limits(max_connections=CONNECTIONS)
    async with httpx2.AsyncClient(timeout=ANSWER_LIMIT, limits=limits, trust_env=False) as client:
        people = People(client, cluster.origins)
        persons = [await people.new() for _ in range(PEOPLE)]
        leaving = await people.new()
        traffic = Traffic(client, cluster.origins.api, people, persons)
        async with traffic.running():
            await asyncio.sleep(STEADY)
            await people.sign_out(leaving)
            await asyncio.sleep(REVOCATION_LAG)
            traffic.revoked.append(leaving)
            for fault in faults:
                if stopping.is_set():
                    raise Stopped
                outcome = await outcome_of(cluster, layout, fault, traffic)
                mark = "[bold green]✓[/]" if outcome.passed else "[bold red]✗[/]"
                console.print(f"{mark} {layout}: {outcome.title}")
                for violation in outcome.violations[:5]:
                    console.print(f"    {violation}", markup=False, style="dim", soft_wrap=True)
                outcomes.append(outcome)
    return outcomes


async def outcome_of(cluster: Cluster, layout: Layout, fault: Fault, traffic: Traffic) -> Outcome:
    """Cause a fault, wait until all is well again, and sum up."""
    began = time.monotonic()
    await fault.cause(cluster, traffic)
    mended = time.monotonic()
    back_after = await seconds_until_well(cluster, traffic, mended)
    answers = traffic.record.since(began)
    served = [answer.at for answer in answers if answer.kind in WORK and not answer.failure]
    moments = [began, *served, time.monotonic()]
    return Outcome(
        layout,
        fault.title,
        len(answers),
        dict(traffic.record.failures(began)),
        max(after - before for before, after in pairwise(moments)),
        max((answer.took for answer in answers), default=0.0),
        back_after,
        tuple(f"{answer.kind}: {answer.violation}" for answer in answers if answer.violation),
    )


async def seconds_until_well(cluster: Cluster, traffic: Traffic, mended: float) -> float | None:
    """Wait for a time without failures; give when it began, counted from the mending."""
    while time.monotonic() < mended + PATIENCE:
        await asyncio.sleep(0.1)
        await asyncio.to_thread(cluster.start_what_ended)
        failed = [answer.at for answer in traffic.record.since(mended) if answer.failure]
        last = max(failed, default=mended)
        if time.monotonic() - last > STEADY and traffic.record.since(last):
            return last - mended
    return None


def table(outcomes: Sequence[Outcome]) -> Table:
    """Show the figures."""
    made = Table(title="Faults while load ran")
    for name in (
        "layout",
        "fault",
        "answers",
        "not served",
        "longest gap",
        "slowest",
        "back after",
        "wrong",
    ):
        made.add_column(name, justify="left" if name in {"layout", "fault"} else "right")
    for one in outcomes:
        seen = ", ".join(f"{count} {what}" for what, count in one.failures.items()) or "none"
        back = "never" if one.back_after is None else f"{one.back_after:.1f} s"
        made.add_row(
            *(one.layout, one.title, str(one.answers), seen),
            *(f"{one.longest_gap:.1f} s", f"{one.slowest:.1f} s", back, str(len(one.violations))),
        )
    return made
