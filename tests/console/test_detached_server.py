"""uvicorn in a process without streams: it cannot start, unless the cure comes before it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from demo.ports import free_port, is_free
from tests.console.children import WINDOWS, detached
from tests.console.serving import PATIENCE, Server, end, until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
CURE = "from betterguard import force_utf8\nforce_utf8()"
SERVE = """
import sys
{cure}
if __name__ == "__main__":
    import uvicorn
    uvicorn.run(
        "tests.console.served:app",
        port=int(sys.argv[1]),
        workers=int(sys.argv[2]),
        timeout_worker_healthcheck={patience},
    )
"""


def own_port() -> int:
    """Give a port that nobody else is given meanwhile.

    On Windows, where `free_port` cannot keep one: from below those that the system picks from,
    another for each process of a test run.
    """
    if not WINDOWS:
        return free_port()
    return next(filter(is_free, range(10_000 + os.getpid() % 20_000, 32_000)))


@contextlib.contextmanager
def served(folder: Path, cure: str, workers: int) -> Iterator[Server]:
    """Run a script that serves, as docs/windows.md shows it."""
    script = folder / "serve.py"
    script.write_text(SERVE.format(cure=cure, patience=int(PATIENCE)))
    pids = folder / "pids"
    pids.mkdir()
    port = own_port()
    extra = {"PIDS": str(pids), "PYTHONPATH": str(ROOT)}
    with detached(str(script), str(port), str(workers), **extra) as process:
        try:
            yield Server(process, port)
        finally:
            end(process, pids)


def test_without_the_cure_it_does_not_start(tmp_path: Path) -> None:
    with served(tmp_path, "", 1) as server:
        assert server.process.wait(PATIENCE) != 0


@pytest.mark.parametrize("workers", [1, 2])
def test_with_the_cure_it_answers(workers: int, tmp_path: Path) -> None:
    def are_there() -> bool:
        assert server.process.poll() is None
        return len(list((tmp_path / "pids").iterdir())) >= workers

    with served(tmp_path, CURE, workers) as server:
        until(are_there)
        until(server.answers)
        assert [server.get("/plain") for _ in range(4)] == [200] * 4
