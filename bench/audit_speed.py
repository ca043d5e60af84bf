"""Speed of the audit on folders of code: lines a second of CPU, against parsing alone.

Usage: python -m bench.audit_speed FOLDER… [--semgrep PROGRAM RULES]

Each folder is one project. The audit runs in one process and without the cache; the time is CPU
time, so that other work on the machine counts little, and the best of ROUNDS. ``parse`` is what
tree-sitter takes for the same files: no audit that uses it can be quicker. The command's start is
not in the lines a second; ``command`` is the whole of ``betterguard audit --jobs 1 --no-cache``,
and semgrep's figure the whole of ``semgrep scan -j 1`` with the given rules.
"""

from __future__ import annotations

import argparse
import gc
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tree_sitter import Parser

from betterguard.audit import audit
from betterguard.audit.config import Config
from betterguard.audit.grammar import PYTHON
from betterguard.audit.loading import gather
from betterguard.audit.sources import kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROUNDS = 3
_MEBIBYTE_IN_KIBIBYTES = 1024
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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MEBIBYTE_IN_KIBIBYTES
    print(f"memory at most {peak:.0f} MiB")
    if options.semgrep:
        compare(options.folders, *options.semgrep)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.audit_speed")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--semgrep", nargs=2, metavar=("PROGRAM", "RULES"))
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


def compare(folders: Sequence[Path], semgrep: str, rules: str) -> None:
    """Print how much longer semgrep's command takes than the audit's, folder by folder."""
    quiet = ("--metrics", "off", "--disable-version-check", "--no-git-ignore", "--json")
    for folder in folders:
        program = [sys.executable, "-m", "betterguard", "audit", "-f", "json", "--no-cache"]
        own = _cpu([*program, "--jobs", "1", str(folder)])
        other = _cpu([semgrep, "scan", "--config", rules, "-j", "1", *quiet, str(folder)])
        print(f"{folder.name[:40]:40} command {own:6.2f} s, semgrep {other / own:5.1f} x as long")


def _cpu(command: list[str]) -> float:
    """Give the best CPU time of a command and of all that it starts."""
    found: list[float] = []
    for _ in range(ROUNDS):
        begun = _children()
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  the caller names it
        if done.returncode not in {0, _FINDINGS}:
            sys.exit(f"{command[0]} failed: {done.stderr.decode(errors='replace')}")
        found.append(_children() - begun)
    return min(found)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
