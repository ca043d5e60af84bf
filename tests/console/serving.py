"""uvicorn as a child process whose stdout somebody reads, and then no longer."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from queue import Queue
from typing import IO, TYPE_CHECKING

from tests.console.children import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["PATIENCE", "Server", "end", "serving", "until"]

PATIENCE = 300.0  # seconds that a server may take to start or to write a line
ADDRESS = re.compile(r"running on http://127\.0\.0\.1:(\d+)")
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has TerminateProcess for both


@dataclass(frozen=True)
class Server:
    """A running uvicorn and the port that it answers on."""

    process: subprocess.Popen[bytes]
    port: int

    def get(self, path: str, timeout: float = PATIENCE) -> int:
        """Give the status of one request, on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            return response.status

    def line(self) -> bytes:
        """Wait for the next line on stdout."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def stop_reading(self) -> None:
        """Close the reader's end of stdout."""
        assert self.process.stdout
        self.process.stdout.close()

    def answers(self) -> bool:
        """Tell whether it answers: with workers, the port is told before anybody listens there."""
        try:
            self.get("/docs", timeout=10.0)
        except (ConnectionError, TimeoutError):
            return False
        return True


@contextlib.contextmanager
def serving(folder: Path, *arguments: str, processes: int = 1, **extra: str) -> Iterator[Server]:
    """Run uvicorn with these arguments until its serving processes are all there.

    Each leaves its id in ``folder``, by which it is ended: they outlive uvicorn's own process.
    """
    command = [sys.executable, "-m", "uvicorn", *arguments, "--port", "0"]
    with subprocess.Popen(
        command,
        env=environment(PIDS=str(folder), **extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        told: Queue[int] = Queue()
        reader = threading.Thread(target=read_port, args=(process.stderr, told))
        reader.start()
        try:
            server = Server(process, told.get(timeout=PATIENCE))
            until(lambda: len(list(folder.iterdir())) >= processes)
            until(server.answers)
            yield server
        finally:
            end(process, folder)
            reader.join(PATIENCE)


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; fail when it does not come true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "uvicorn did not start in time"
        time.sleep(0.1)


def read_port(stderr: IO[bytes], told: Queue[int]) -> None:
    """Read stderr to its end, that nothing waits for a reader; tell the port that it names."""
    for line in stderr:
        if match := ADDRESS.search(line.decode("utf-8", "replace")):
            told.put(int(match[1]))


def end(process: subprocess.Popen[bytes], folder: Path) -> None:
    """End uvicorn first, that it starts no new workers, then the processes that it started."""
    process.kill()
    process.wait(PATIENCE)
    for file in folder.iterdir():
        with contextlib.suppress(OSError):  # ended with its parent
            os.kill(int(file.name), KILL)
