"""A crowd at the door: 10,000 people's tokens, good and bad, on up to 1,000 connections.

The guarded route is compared with the same route bare, in turns, in one run: what is served a
second, how long an answer takes, how late the event loop is, and whether memory stays flat; then
once more while others send junk as fast as they can. ``BENCH_SECONDS`` is how long each of the
three takes in all (15), ``BENCH_SCENES`` names those that run: ``bare``, ``guarded``, ``flooded``
(all, with commas between). Charts go to ``.build/bench``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import resource
import statistics
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import uvloop

from bench.figures import line_chart, percentile
from bench.overhead import ROOT, key_set_server, requests_of, server, token

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from bench.overhead import Server

CHARTS = ROOT / ".build" / "bench"
PEOPLE = 10_000
MOST_CONNECTIONS = 1_000
JUNK_CONNECTIONS = 50
BAD_SHARE = 0.1
ROUNDS = 3
SECONDS = 15.0
MEMORY_INTERVAL = 0.25
HEADERS_END = b"\r\n\r\n"
SPARE_FILES = 64
MEBIBYTE = 2**20


@dataclass
class Seen:
    """What the connections saw: answers by status, and how long each took, in seconds."""

    statuses: dict[bytes, int] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0
    """Seconds of the server's processor for each answer."""

    @property
    def rate(self) -> float:
        """Give how many were answered a second."""
        return len(self.took) / self.seconds

    def milliseconds(self, percent: float) -> float:
        """Give a percentile of the time that an answer took."""
        return percentile(sorted(self.took), percent) * 1000


@dataclass
class Scene:
    """Who is asked and whether others send junk meanwhile, and what was measured of that."""

    key: str
    name: str
    where: Server
    flood: Sequence[str] = ()
    rounds: list[Seen] = field(default_factory=list)
    lags: list[dict[str, float]] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)


def main() -> None:
    """Print the table and draw the charts."""
    seconds = float(os.environ.get("BENCH_SECONDS", SECONDS)) / ROUNDS
    connections = affordable_connections()
    with key_set_server() as (url, key):
        print(f"signing tokens of {PEOPLE} people …", file=sys.stderr, flush=True)
        crowd = list(mixed(url, key))
        junk = [junk_like(crowd[number]) for number in range(1_000)]
        with (
            server(sys.executable, "bare", url, app="bench.crowd_app:app") as bare,
            server(sys.executable, "betterguard", url, app="bench.crowd_app:app") as guarded,
        ):
            scenes = wanted(
                Scene("bare", "bare route", bare),
                Scene("guarded", "betterguard", guarded),
                Scene("flooded", "betterguard, junk flood", guarded, junk),
            )
            for number in range(ROUNDS):
                print(f"round {number + 1} of {ROUNDS} …", file=sys.stderr, flush=True)
                for scene in scenes:
                    measure(scene, crowd, connections, seconds)
    check(scenes)
    report(scenes, connections)
    draw(scenes)


def wanted(*scenes: Scene) -> list[Scene]:
    """Give those scenes that the environment names, all when it names none."""
    named = os.environ.get("BENCH_SCENES", "")
    if not named:
        return list(scenes)
    keys = [scene.key for scene in scenes]
    unknown = sorted(set(named.split(",")) - set(keys))
    if unknown:
        msg = f"BENCH_SCENES names {', '.join(unknown)}; there are: {', '.join(keys)}"
        raise SystemExit(msg)
    return [scene for scene in scenes if scene.key in named.split(",")]


def affordable_connections() -> int:
    """Give how many connections this machine lets one process open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(MOST_CONNECTIONS, soft - JUNK_CONNECTIONS - SPARE_FILES)


def mixed(url: str, key: Ed25519PrivateKey) -> Iterator[str]:
    """Give everybody's token, some of them with a signature that does not fit, in random order."""
    chance = random.Random(1)  # noqa: S311 - the same crowd each time
    for _ in range(PEOPLE):
        good = token(url, key)
        yield junk_like(good) if chance.random() < BAD_SHARE else good


def junk_like(good: str) -> str:
    """Give the token with its signature turned round."""
    signed, _, signature = good.rpartition(".")
    return f"{signed}.{signature[::-1]}"


def measure(scene: Scene, crowd: Sequence[str], connections: int, seconds: float) -> None:
    """Run one round of a scene."""
    requests, junk = requests_of(list(crowd)), requests_of(list(scene.flood))
    port, process = scene.where.port, scene.where.process
    probe(scene.where)
    before = process.cpu_times()
    with watched_memory(scene):
        crowds = [(requests, connections), (junk, JUNK_CONNECTIONS if scene.flood else 0)]
        seen, ignored = uvloop.run(rush(port, crowds, seconds))
    after = process.cpu_times()
    spent = after.user + after.system - before.user - before.system
    seen.cpu = spent / (len(seen.took) + len(ignored.took))
    scene.rounds.append(seen)
    scene.lags.append(probe(scene.where))


async def rush(
    port: int, crowds: Sequence[tuple[Iterator[bytes], int]], seconds: float
) -> list[Seen]:
    """Let every connection ask for so many seconds, each the next thing after its answer."""
    loop = asyncio.get_running_loop()
    seen = [Seen() for _ in crowds]
    clients = [
        Client(requests, one)
        for (requests, connections), one in zip(crowds, seen, strict=True)
        for _ in range(connections)
    ]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc] # mypy cannot infer the lambda
    began = time.perf_counter()
    for client in clients:
        client.begin()
    await asyncio.sleep(seconds)
    for one in seen:
        one.seconds = time.perf_counter() - began
    for client in clients:
        client.transport.abort()
    return seen


class Client(asyncio.Protocol):
    """One connection: a request, its whole answer, the next request."""

    def __init__(self, requests: Iterator[bytes], seen: Seen) -> None:
        self.requests = requests
        self.seen = seen
        self.buffer = b""
        self.asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        # uvloop's transports are no subclasses of asyncio's.
        self.transport = cast("asyncio.Transport", transport)

    def begin(self) -> None:
        """Send the next request."""
        self.asked_at = time.perf_counter()
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        """Note an answer that is whole, and go on."""
        self.buffer += data
        head, separator, body = self.buffer.partition(HEADERS_END)
        if not separator or len(body) < content_length(head):
            return
        self.buffer = b""
        self.seen.took.append(time.perf_counter() - self.asked_at)
        status = head[9:12]
        self.seen.statuses[status] = self.seen.statuses.get(status, 0) + 1
        self.begin()


def content_length(head: bytes) -> int:
    """Read how long the body is."""
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0] or 0)


def probe(where: Server) -> dict[str, float]:
    """Ask the server how late its event loop was since the last time, in milliseconds."""
    with urllib.request.urlopen(f"http://127.0.0.1:{where.port}/probe", timeout=30) as answer:
        lag: dict[str, float] = json.load(answer)
        return lag


@contextlib.contextmanager
def watched_memory(scene: Scene) -> Iterator[None]:
    """Note the server's memory (MiB) over its busy time (s), which adds up over the rounds."""
    done = threading.Event()
    offset = scene.memory[-1][0] if scene.memory else 0.0
    began = time.perf_counter()

    def watch() -> None:
        while not done.wait(MEMORY_INTERVAL):
            at = offset + time.perf_counter() - began
            scene.memory.append((at, scene.where.process.memory_info().rss / MEBIBYTE))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def report(scenes: Sequence[Scene], connections: int) -> None:
    """Print medians over the rounds, and ratios to the bare route of the same round."""
    print(f"\n{PEOPLE} people's tokens, {BAD_SHARE:.0%} of them bad, {connections} connections")
    print(
        f"{'one uvicorn worker, EdDSA':<26}{'requests/s':>11}{'to bare':>9}{'bare/CPU':>10}"
        f"{'p50 ms':>9}{'p99 ms':>9}{'to bare':>9}{'loop p99':>10}{'MiB':>7}{'growth':>8}"
    )
    bare = next((scene for scene in scenes if scene.key == "bare"), None)
    for scene in scenes:
        print(row(scene, bare))


def row(scene: Scene, bare: Scene | None) -> str:
    """Give one line of the table; without a bare route there are no ratios to it."""
    pairs = [] if bare is None else list(zip(scene.rounds, bare.rounds, strict=True))
    rate = statistics.median(one.rate for one in scene.rounds)
    slower = ratio(one.rate / base.rate for one, base in pairs)
    work = ratio(base.cpu / one.cpu for one, base in pairs)
    p50, p99 = (
        statistics.median(one.milliseconds(percent) for one in scene.rounds) for percent in (50, 99)
    )
    later = ratio(one.milliseconds(99) / base.milliseconds(99) for one, base in pairs)
    lag = statistics.median(one["p99"] for one in scene.lags)
    return (
        f"{scene.name:<26}{rate:>11.0f}{slower:>9}{work:>10}{p50:>9.1f}{p99:>9.1f}"
        f"{later:>9}{lag:>10.1f}{scene.memory[-1][1]:>7.0f}{growth(scene):>+8.1%}"
    )


def ratio(of_rounds: Iterable[float]) -> str:
    """Give the median of each round's ratio, a dash where there is none."""
    ratios = list(of_rounds)
    return f"{statistics.median(ratios):.2f}" if ratios else "-"


def growth(scene: Scene) -> float:
    """Give how much memory grew in the second half of the time, as a part of the whole."""
    half = scene.memory[len(scene.memory) // 2 :]
    return half[-1][1] / half[0][1] - 1


def check(scenes: Sequence[Scene]) -> None:
    """Raise RuntimeError on any answer but 200 to the bare route, and 200 and 401 to a guard."""
    for scene in scenes:
        expected = {b"200"} if scene.key == "bare" else {b"200", b"401"}
        statuses = [set(one.statuses) for one in scene.rounds]
        if any(seen != expected for seen in statuses):
            msg = f"{scene.name} answered with {statuses}"
            raise RuntimeError(msg)


def draw(scenes: Sequence[Scene]) -> None:
    """Draw memory over time, and how long answers took."""
    CHARTS.mkdir(parents=True, exist_ok=True)
    memory = {scene.name: scene.memory for scene in scenes}
    line_chart(CHARTS / "memory.svg", "Memory under load", "seconds of load", "MiB", memory)
    percents = [*range(1, 100), 99.5, 99.9]
    latency = {
        scene.name: [(percent, scene.rounds[-1].milliseconds(percent)) for percent in percents]
        for scene in scenes
    }
    line_chart(CHARTS / "latency.svg", "How long an answer takes", "percentile", "ms", latency)
    print(f"charts are in {CHARTS.relative_to(ROOT)}")
