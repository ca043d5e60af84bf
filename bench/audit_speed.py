"""Speed and memory of the audit on folders of code, and of semgrep on the same.

Usage: python -m bench.audit_speed FOLDER… [--semgrep PROGRAM]

Each folder is one project. ``lines/s`` is CPU time of the audit in one process, already started
and without the cache, the best of ROUNDS; ``parse`` is what tree-sitter takes for the same files:
no audit that uses it can be quicker.

Then whole commands, from their start to their end: ``single`` is ``betterguard audit`` in one
process without the cache, and ``semgrep scan`` with the six rules of ``semgrep.yml`` and one job;
``defaults`` is both as a user types them, the audit with an empty cache that it fills; ``again`` is
an unchanged project with the cache. They take turns, the best of ROUNDS counts, memory is that of
all their processes together, and ratios are to the audit of the same pair. CPU time counts little
of what else the machine does; time by the clock counts it.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from tree_sitter import Parser

from betterguard.audit import audit
from betterguard.audit.config import Config
from betterguard.audit.grammar import PYTHON
from betterguard.audit.loading import gather
from betterguard.audit.sources import kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROUNDS = 3
RULES = Path(__file__).with_name("semgrep.yml")
_MEBIBYTE = 2**20
_LOOKS = 0.02
"""Seconds between two looks at a command's memory."""
_FINDINGS = 1
"""Exit code of a run that found something."""


def main(arguments: Sequence[str]) -> int:
    """Print the figures of each folder and of all together."""
    options = _options(arguments)
    lines, whole, parsed = 0, 0.0, 0.0
    for folder in options.folders:
        count, took, floor = measure(folder)
        lines, whole, parsed = lines + count, whole + took, parsed + floor
        _show(folder.name, count, took, floor)
    _show("all", lines, whole, parsed)
    for folder in options.folders:
        compare(folder, options.semgrep)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.audit_speed")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--semgrep", metavar="PROGRAM")
    return parser.parse_args(arguments)


def _show(name: str, lines: int, took: float, floor: float) -> None:
    print(f"{name[:40]:40} {lines:8} lines {lines / took:8.0f} lines/s {took / floor:5.2f} x parse")


def measure(folder: Path) -> tuple[int, float, float]:
    """Give the lines audited, the seconds of CPU that it takes, and those of parsing alone."""
    sources = [s for s in gather([folder], Config()).sources if kind(s.path) == "python"]

    def parse() -> None:
        parser = Parser(PYTHON)
        for source in sources:
            parser.parse(source.text)

    took = _best(lambda: audit([folder]))
    lines = sum(source.text.count(b"\n") + 1 for source in sources)
    return lines, took, _best(parse)


def _best(work: Callable[[], object]) -> float:
    found: list[float] = []
    for _ in range(ROUNDS):
        gc.collect()
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


@dataclass(frozen=True, slots=True)
class Run:
    """What a command took, with all that it started: seconds, and mebibytes at most."""

    cpu: float
    wall: float
    memory: float

    def __str__(self) -> str:
        """Give it for a table."""
        return f"{self.cpu:6.2f} s CPU {self.wall:6.2f} s {self.memory:5.0f} MiB"

    def best(self, other: Run | None) -> Run:
        """Give the smaller of each."""
        if other is None:
            return self
        return Run(
            min(self.cpu, other.cpu), min(self.wall, other.wall), min(self.memory, other.memory)
        )


def compare(folder: Path, semgrep: str | None) -> None:
    """Print what the command takes, in one process and as it is, and semgrep in the same ways."""
    own = [str(Path(sys.executable).with_name("betterguard")), "audit", "-f", "json", str(folder)]
    commands = {
        ("single", "audit"): [*own, "--no-cache", "--jobs", "1"],
        ("defaults", "audit"): own,
        ("defaults", "again"): own,
    }
    if semgrep is not None:
        quiet = ("--metrics", "off", "--disable-version-check", "--no-git-ignore", "--json")
        scan = [semgrep, "scan", "--config", str(RULES), *quiet, str(folder)]
        commands["single", "semgrep"] = [*scan, "-j", "1"]
        commands["defaults", "semgrep"] = scan
    best: dict[tuple[str, str], Run] = {}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as cache:
            for asked, command in commands.items():
                best[asked] = run(command, cache).best(best.get(asked))
    for (pair, name), took in best.items():
        against = best[pair, "audit"]
        ratio = f"{took.cpu / against.cpu:6.2f} x CPU {took.wall / against.wall:6.2f} x"
        print(f"{folder.name[:30]:30} {pair:8} {name:8} {took} {ratio}")


def run(command: Sequence[str], cache: str) -> Run:
    """Run a command to its end, with a folder for the audit's cache."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(  # noqa: S603  the caller names it
            command,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=_environment(cache),
        )
        peak: list[int] = [0]
        looking = threading.Thread(target=_watch, args=(child.pid, peak))
        looking.start()
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        looking.join()
        if child.returncode not in {0, _FINDINGS}:
            said.seek(0)
            sys.exit(f"{command[0]} failed: {said.read().decode(errors='replace')}")
    return Run(used.ru_utime + used.ru_stime, wall, max(peak) / _MEBIBYTE)


def _environment(cache: str) -> dict[str, str]:
    """Give the environment of a command: programs keep their bytecode, as installed ones do."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**own, "BETTERGUARD_CACHE_DIR": cache}


def _watch(pid: int, peak: list[int]) -> None:
    """Look at the memory of a process until it ends, and at what those below it hold besides."""
    try:
        root = psutil.Process(pid)
        while True:
            below = [_own(process) for process in root.children(recursive=True)]
            peak.append(root.memory_info().rss + sum(below))
            if root.status() == psutil.STATUS_ZOMBIE:
                return
            time.sleep(_LOOKS)
    except psutil.NoSuchProcess:
        return


def _own(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:  # it has just ended
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
