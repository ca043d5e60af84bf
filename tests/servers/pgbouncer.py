"""A real PgBouncer in transaction mode, in front of a PostgreSQL on a Unix socket."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from demo.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL

__all__ = ["running_pgbouncer"]

CONFIG = """\
[databases]
* = host={host}
[pgbouncer]
pool_mode = transaction
default_pool_size = {size}
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users.txt
ignore_startup_parameters = extra_float_digits
"""
SECONDS = 120.0  # for a start and for an end; only ever reached when something is broken


@contextlib.contextmanager
def running_pgbouncer(server: URL, *, pool_size: int = 2) -> Iterator[URL]:
    """Run PgBouncer before a server; give the server's URL through it."""
    program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    if program is None:
        pytest.fail("PgBouncer is missing: install Debian's package pgbouncer")
    folder = Path(tempfile.mkdtemp(prefix="bg-pgb-"))
    port = free_port()
    host = str(server.query["host"])
    config = folder / "pgbouncer.ini"
    config.write_text(CONFIG.format(host=host, port=port, folder=folder, size=pool_size))
    (folder / "users.txt").write_text(f'"{server.username}" ""\n')
    process = subprocess.Popen(
        [*command(program, folder, host), str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        wait_until_open(port, process)
        yield server.set(host="127.0.0.1", port=port, query={})
    finally:
        process.terminate()
        process.wait(SECONDS)
        assert process.stderr is not None
        process.stderr.close()
        shutil.rmtree(folder, ignore_errors=True)


def command(program: str, folder: Path, host: str) -> list[str]:
    """Give the command; PgBouncer refuses to run as root, so root names the server's user."""
    if os.geteuid() != 0:
        return [program]
    folder.chmod(0o755)
    socket_file = next(Path(host).glob(".s.PGSQL.*"))
    return [program, "-u", pwd.getpwuid(socket_file.stat().st_uid).pw_name]


def wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            assert process.stderr is not None
            pytest.fail(f"PgBouncer ended: {process.stderr.read().decode()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    pytest.fail("PgBouncer does not listen")
