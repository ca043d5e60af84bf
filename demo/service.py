"""One service of the demo: a child process with a log, a health address and an orderly end."""

from __future__ import annotations

import contextlib
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx2

from demo.errors import ServiceFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from threading import Event

__all__ = ["Service", "Stopped", "running"]

START_LIMIT = 180.0  # only ever reached when something is broken
STOP_LIMIT = 10.0
POLL = 0.1
TAIL = 25


class Stopped(Exception):
    """The person asked for the end while something was still starting."""


@dataclass(frozen=True)
class Service:
    """What to run and how to know that it is well. Its environment holds secrets: never shown."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    origin: str
    health: str
    folder: Path
    log: Path


@dataclass(frozen=True)
class Running:
    """A service that was started."""

    service: Service
    process: subprocess.Popen[bytes]

    def fail_if_ended(self) -> None:
        """Raise when the process is over; nobody asked it to end."""
        code = self.process.poll()
        if code is not None:
            what = f"ended with exit code {code}"
            raise self.failure(what)

    def failure(self, what: str) -> ServiceFailed:
        """Give the error that tells what happened, with the end of the log."""
        lines = self.service.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return ServiceFailed(self.service.name, what, "\n".join(lines[-TAIL:]))


@contextlib.contextmanager
def running(service: Service, stopping: Event) -> Iterator[Running]:
    """Start the service, wait until it is well, and end it on the way out."""
    service.log.parent.mkdir(parents=True, exist_ok=True)
    with service.log.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  # the demo's own commands
            service.command,
            cwd=service.folder,
            env=dict(service.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C goes to this process alone, which then ends the others in order.
            start_new_session=True,
        )
    try:
        started = Running(service, process)
        wait_until_well(started, stopping)
        yield started
    finally:
        end(process)


def wait_until_well(started: Running, stopping: Event) -> None:
    """Wait for a 200 from the health address; fail when the process ends or takes too long."""
    deadline = time.monotonic() + START_LIMIT
    while True:
        started.fail_if_ended()
        if is_well(started.service):
            return
        if time.monotonic() > deadline:
            what = f"was not well after {START_LIMIT:.0f} s"
            raise started.failure(what)
        if stopping.wait(POLL):
            raise Stopped


def is_well(service: Service) -> bool:
    """Ask the service once whether it is well."""
    try:
        answer = httpx2.get(service.origin + service.health, timeout=5, trust_env=False)
    except httpx2.HTTPError:
        return False
    return answer.status_code == httpx2.codes.OK


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to end, and make it when it does not."""
    process.terminate()
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
