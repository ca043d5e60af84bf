"""The parts that stand between and beside the demo's own: PgBouncer, Redis, HAProxy."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from demo.cluster.part import Part
from demo.errors import DemoError
from demo.ports import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["haproxy", "pgbouncer", "redis"]

PLACES = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
PGBOUNCER = """\
[databases]
* = host={socket}
[pgbouncer]
pool_mode = transaction
default_pool_size = {size}
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
# After a failed login PgBouncer refuses everybody for 15 seconds, unless it is told otherwise.
server_login_retry = 1
auth_type = trust
auth_file = {users}
ignore_startup_parameters = extra_float_digits
"""
HAPROXY = """\
global
  maxconn 4096
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  timeout check 2s
  option redispatch 1
  retries 3
  retry-on conn-failure empty-response
frontend api
  bind {host}:{port}
  default_backend instances
backend instances
  # What may have been done is not done again.
  http-request disable-l7-retry unless METH_GET
  option httpchk GET /api/ready
  default-server check inter 250ms fall 1 rise 1
"""


def redis(folder: Path) -> Part:
    """Describe a Redis (or Valkey) that keeps nothing: killed, it comes back empty."""
    port = free_port()
    options = ("--bind", HOST, "--port", str(port), "--save", "", "--appendonly", "no")
    command = (program("redis-server", "valkey-server"), *options, "--dir", str(folder))
    return Part("redis", command, port, folder / "redis.log")


def pgbouncer(folder: Path, database_url: str, *, size: int = 5) -> Part:
    """Describe a PgBouncer in transaction mode before the server at a Unix socket."""
    address = make_url(database_url)
    port, socket = free_port(), Path(str(address.query["host"]))
    users, config = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text(f'"{address.username}" ""\n', encoding="ascii")
    config.write_text(
        PGBOUNCER.format(socket=socket, size=size, host=HOST, port=port, users=users),
        encoding="utf-8",
    )
    command = (program("pgbouncer"), *not_as_root(folder, socket), str(config))
    return Part("pgbouncer", command, port, folder / "pgbouncer.log")


def haproxy(folder: Path, port: int, instances: Sequence[int]) -> Part:
    """Describe an HAProxy before the instances at some ports, which asks whether they are ready."""
    servers = [
        f"  server instance-{number} {HOST}:{instance}\n"
        for number, instance in enumerate(instances)
    ]
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(host=HOST, port=port) + "".join(servers), encoding="utf-8")
    command = (program("haproxy"), "-db", "-f", str(config))
    return Part("haproxy", command, port, folder / "haproxy.log")


def program(*names: str) -> str:
    """Find the first of some programs; fail with the one to install."""
    for name in names:
        found = shutil.which(name, path=PLACES)
        if found is not None:
            return found
    msg = f"{names[0]} is missing: install Debian's package of that name"
    raise DemoError(msg)


def not_as_root(folder: Path, socket: Path) -> tuple[str, ...]:
    """Give the options that make PgBouncer, which refuses to run as root, the server's user."""
    if os.geteuid() != 0:
        return ()
    folder.chmod(0o755)
    socket_file = next(socket.glob(".s.PGSQL.*"))
    return ("-u", pwd.getpwuid(socket_file.stat().st_uid).pw_name)
