"""The socket that asyncio leaves open on Windows fails no test; one that we leave open does."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def ended_while_it_accepts() -> None:
    with asyncio.Runner() as runner:
        loop = runner.get_loop()

        def accepted() -> asyncio.Protocol:
            loop.stop()
            return asyncio.Protocol()

        server = runner.run(loop.create_server(accepted, "127.0.0.1", 0))
        with socket.create_connection(server.sockets[0].getsockname()):
            loop.run_forever()
        server.close()


def not_closed() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)


def faults_of(leave: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give what a test is failed with after leaving something open."""
    faults: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda fault: faults.append(str(fault.exc_value)))
    leave()
    gc.collect()
    return faults


def test_a_server_that_ends_while_it_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults_of(ended_while_it_accepts, monkeypatch) == []


def test_a_socket_that_nobody_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    (fault,) = faults_of(not_closed, monkeypatch)
    assert "unclosed <socket.socket" in fault
