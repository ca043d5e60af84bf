"""Ports on loopback: the one that is expected, or a free one when that is taken."""

from __future__ import annotations

import atexit
import contextlib
import socket
import sys

__all__ = ["HOST", "free_port", "is_free"]

HOST = "127.0.0.1"
_kept = contextlib.ExitStack()
atexit.register(_kept.close)


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now; port 0 always is."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do it: a connection that lingers from the last run does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port(preferred: int = 0) -> int:
    """Give the preferred port, or one that the system picks when it is taken.

    On Linux the system picks it for nobody else as long as this process lives: it is bound here,
    and whoever asks for it by its number, as servers do, may listen there all the same.
    """
    if preferred and is_free(preferred):
        return preferred
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind((HOST, 0))
    port = int(probe.getsockname()[1])
    if sys.platform == "linux":
        _kept.enter_context(probe)
    else:  # elsewhere nobody could listen there beside it
        probe.close()
    return port
