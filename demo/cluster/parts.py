"""The parts that stand between and beside the demo's own: PgBouncer, Redis, HAProxy."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from demo.cluster.part import LOOPBACK, Machine, Part
from demo.errors import DemoError
from demo.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import URL

__all__ = ["haproxy", "pgbouncer", "program", "redis"]

PLACES = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
PGBOUNCER = """\
[databases]
* = {server}
[pgbouncer]
pool_mode = transaction
default_pool_size = {size}
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
# After a failed login PgBouncer refuses everybody for 15 seconds, unless it is told otherwise.
server_login_retry = 1
# Milliseconds and seconds. Who is cut off says nothing: by default that is noticed after a quarter
# of an hour, and until then a client that is gone keeps its server connection from the others.
tcp_user_timeout = 3000
server_connect_timeout = 3
query_wait_timeout = 5
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
  # An instance that is cut off does not end its connections: who waits there is let go.
  default-server check inter 250ms fall 2 rise 1 on-marked-down shutdown-sessions
"""


def redis(folder: Path, machine: Machine = LOOPBACK) -> Part:
    """Describe a Redis (or Valkey) that keeps nothing: killed, it comes back empty."""
    port = free_port()
    options = ("--bind", machine.address, "--port", str(port), "--save", "", "--appendonly", "no")
    # Who reaches it by another address than loopback would need a password.
    open_to_its_network = ("--protected-mode", "no")
    command = (
        *(program("redis-server", "valkey-server"), *options, *open_to_its_network),
        *("--dir", str(folder)),
    )
    return Part("redis", command, port, folder / "redis.log", machine=machine)


def pgbouncer(
    folder: Path, database_url: str, user: str, machine: Machine = LOOPBACK, *, size: int = 5
) -> Part:
    """Describe a PgBouncer in transaction mode before a server, run as a user who is not root."""
    address, port = make_url(database_url), free_port()
    users, config = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text(f'"{address.username}" ""\n', encoding="ascii")
    config.write_text(
        PGBOUNCER.format(
            server=place(address), size=size, host=machine.address, port=port, users=users
        ),
        encoding="utf-8",
    )
    command = (program("pgbouncer"), *not_as_root(folder, user), str(config))
    return Part("pgbouncer", command, port, folder / "pgbouncer.log", machine=machine)


def place(address: URL) -> str:
    """Give PgBouncer's words for where a server is: a Unix socket's folder, or host and port."""
    if address.host:
        return f"host={address.host} port={address.port}"
    return f"host={address.query['host']}"


def haproxy(
    folder: Path, port: int, instances: Sequence[Part], machine: Machine = LOOPBACK
) -> Part:
    """Describe an HAProxy at a port, before instances that it asks whether they are ready."""
    servers = [f"  server {one.name} {one.machine.address}:{one.port}\n" for one in instances]
    config = folder / "haproxy.cfg"
    config.write_text(
        HAPROXY.format(host=machine.address, port=port) + "".join(servers), encoding="utf-8"
    )
    command = (program("haproxy"), "-db", "-f", str(config))
    return Part("haproxy", command, port, folder / "haproxy.log", machine=machine)


def program(*names: str, package: str = "") -> str:
    """Find the first of some programs; fail with the Debian package to install."""
    for name in names:
        found = shutil.which(name, path=PLACES)
        if found is not None:
            return found
    msg = f"{names[0]} is missing: install Debian's package {package or names[0]}"
    raise DemoError(msg)


def not_as_root(folder: Path, user: str) -> tuple[str, ...]:
    """Give the options that make PgBouncer, which refuses to run as root, another user."""
    if os.geteuid() != 0:
        return ()
    folder.chmod(0o755)
    return ("-u", user)
