"""One program of the cluster: it may be killed, and started again where it was."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx2

from demo.errors import ServiceFailed
from demo.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["LOOPBACK", "Machine", "Part", "running"]

START_LIMIT = 180.0  # only ever reached when something is broken
STOP_LIMIT = 10.0
POLL = 0.05
TAIL = 25


@dataclass(frozen=True)
class Machine:
    """Where a part runs: its address, and what a command begins with to be run there."""

    address: str
    enter: tuple[str, ...] = ()


LOOPBACK = Machine(HOST)


@dataclass
class Part:
    """What to run, and how to know that it is well. The environment holds secrets: never shown.

    ``health`` is a path that answers 200 when it is well; without one an open port is enough.
    """

    name: str
    command: tuple[str, ...]
    port: int
    log: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    folder: Path | None = None
    health: str = ""
    machine: Machine = LOOPBACK
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it and wait until it is well."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  # the demo's own commands
                (*self.machine.enter, *self.command),
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_well()

    def kill(self) -> None:
        """Kill it and all that it started, as a machine that loses its power."""
        self._signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def stop(self) -> None:
        """Ask it to end, and make it when it does not."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()

    def has_ended(self) -> bool:
        """Tell whether the process is over."""
        return self.process is not None and self.process.poll() is not None

    def is_well(self) -> bool:
        """Ask it once."""
        try:
            if self.health:
                url = f"http://{self.machine.address}:{self.port}{self.health}"
                answer = httpx2.get(url, timeout=2, trust_env=False)
                return answer.status_code == httpx2.codes.OK
            with socket.create_connection((self.machine.address, self.port), 1):
                return True
        except (OSError, httpx2.HTTPError):
            return False

    def _wait_until_well(self) -> None:
        deadline = time.monotonic() + START_LIMIT
        while not self.is_well():
            assert self.process is not None
            code = self.process.poll()
            if code is not None:
                self._fail(f"ended with exit code {code}")
            if time.monotonic() > deadline:
                self._fail(f"was not well after {START_LIMIT:.0f} s")
            time.sleep(POLL)

    def _fail(self, what: str) -> None:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        raise ServiceFailed(self.name, what, "\n".join(lines[-TAIL:]))

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


@contextlib.contextmanager
def running(part: Part) -> Iterator[Part]:
    """Start a part, and stop it afterwards whatever became of it meanwhile."""
    try:
        part.start()
        yield part
    finally:
        part.stop()
