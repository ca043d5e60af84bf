"""Node processes that have loaded Better Auth and wait to be told what to be.

Loading takes most of a start, so another process of the package that was asked for is already
loading while the tests go on. Each ends when its standard input does, so none outlives the
tests, however they end.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["NodeServer", "running_node_server"]

PROJECT = Path(__file__).resolve().parent.parent / "better_auth"
START_SECONDS = 180.0  # only ever reached when something is broken
STOP_SECONDS = 10.0
LOG_TAIL = 4_000  # characters


@dataclass(frozen=True)
class NodeServer:
    """A process and the folder that is its own; ``url`` once it has been told its options."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def log_file(self) -> Path:
        return self.folder / "server.log"

    def tell(self, environment: Mapping[str, str]) -> str:
        """Give the process its variables and wait for its address.

        Raises RuntimeError with the tail of the log when it does not start.
        """
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its log tells more
            self.process.stdin.write(json.dumps(environment).encode() + b"\n")
            self.process.stdin.flush()
        return self._wait_until_ready()

    def end(self) -> None:
        """End the process and remove its folder."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def _wait_until_ready(self) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.log().splitlines(keepends=True):
                if line.startswith("ready ") and line.endswith("\n"):
                    return line.removeprefix("ready ").strip()
            time.sleep(0.01)
        code = self.process.poll()
        msg = (
            f"Better Auth did not start (exit code {code}); its log ends:\n{self.log()[-LOG_TAIL:]}"
        )
        raise RuntimeError(msg)


class _Spares:
    """One process a package, loading in advance."""

    def __init__(self) -> None:
        self._waiting: dict[str, NodeServer] = {}

    def take(self, package: str) -> NodeServer:
        taken = self._waiting.pop(package, None) or _launched(package)
        self._waiting[package] = _launched(package)
        return taken

    def end(self) -> None:
        while self._waiting:
            self._waiting.popitem()[1].end()


_spares = _Spares()
atexit.register(_spares.end)


@contextlib.contextmanager
def running_node_server(package: str) -> Iterator[NodeServer]:
    """Give a process that has loaded a package and waits for its options; end it afterwards."""
    _require_node()
    server = _spares.take(package)
    try:
        yield server
    finally:
        server.end()


def _launched(package: str) -> NodeServer:
    folder = Path(tempfile.mkdtemp(prefix="bg-auth-"))
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PACKAGE": package}
    command = ["node", "server.mjs", "--wait"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log
        )
    return NodeServer(process, folder)


def _require_node() -> None:
    if shutil.which("node") is None or not (PROJECT / "node_modules").is_dir():
        msg = (
            "a real Better Auth server needs Node 20 or newer and the packages of "
            "tests/better_auth; `make test` installs both"
        )
        raise RuntimeError(msg)
