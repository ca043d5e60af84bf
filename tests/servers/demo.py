"""``python -m demo`` as a person starts it, with its own data, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["DemoProcess", "data_folder", "running_demo", "started_demo"]

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 240.0  # seconds; only ever reached when something is broken


@dataclass
class DemoProcess:
    """The process, what it printed so far, and the processes that it started."""

    process: subprocess.Popen[bytes]
    data: Path
    output: Path
    started: list[psutil.Process] = field(default_factory=list)

    def printed(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def origin(self, label: str) -> str:
        line = next(line for line in self.printed().splitlines() if line.strip().startswith(label))
        return line.removeprefix(f"  {label}").split()[0].removesuffix("/docs")

    def wait_for(self, text: str) -> None:
        self.wait_until(lambda: text in self.printed())

    def wait_until(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + LIMIT
        while not happened():
            # Asked once more afterwards: it may have happened, and the demo ended, in between.
            ended = self.process.poll()
            assert ended is None or happened(), f"the demo ended with {ended}:\n{self.printed()}"
            assert time.monotonic() < deadline, f"nothing happened after:\n{self.printed()}"
            time.sleep(0.05)

    def note_processes(self) -> list[psutil.Process]:
        """Remember every process of the demo: its children, and PostgreSQL, which is nobody's."""
        self.started = psutil.Process(self.process.pid).children(recursive=True)
        postmaster = self.data / "postgres" / "postmaster.pid"
        if postmaster.exists():
            server = psutil.Process(int(postmaster.read_text().splitlines()[0]))
            self.started += [server, *server.children(recursive=True)]
        return self.started

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.exit_code()

    def exit_code(self) -> int:
        return self.process.wait(LIMIT)

    def left_behind(self) -> list[str]:
        return [str(process) for process in self.started if lives(process)]


def lives(process: psutil.Process) -> bool:
    """Tell a process from what is left of one that nobody asked for its exit code.

    PostgreSQL's parent is the system's first process, which in a container may never ask.
    """
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextlib.contextmanager
def started_demo(
    data: Path, ports: Sequence[int] = (0, 0, 0), **environment: str
) -> Iterator[DemoProcess]:
    """Start the demo with its database and logs in ``data``; make sure that it ends."""
    descriptor, name = tempfile.mkstemp(prefix="bg-demo-", suffix=".out")
    output = Path(name)
    with os.fdopen(descriptor, "wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo", "--data", str(data), "--ports", *map(str, ports)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield DemoProcess(process, data, output)
    finally:
        process.terminate()
        process.wait(LIMIT)
        output.unlink()


@contextlib.contextmanager
def data_folder() -> Iterator[Path]:
    """Give a folder for a demo's data whose name leaves room for a Unix socket's, 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="bg-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def running_demo() -> Iterator[DemoProcess]:
    """Run a demo that is ready for people."""
    with data_folder() as data, started_demo(data) as demo:
        demo.wait_for("Press Ctrl-C")
        yield demo
