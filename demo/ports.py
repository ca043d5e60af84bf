"""Ports on loopback: the one that is expected, or a free one when that is taken."""

from __future__ import annotations

import socket

__all__ = ["HOST", "free_port", "is_free"]

HOST = "127.0.0.1"


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
    """Give the preferred port, or one that the system picks when it is taken."""
    if preferred and is_free(preferred):
        return preferred
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
