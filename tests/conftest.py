"""What every test may ask for, and what none may be decided by: chance and a slow machine."""

from __future__ import annotations

import signal
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from betterguard.revocation import replica
from betterguard.tokens import RemoteKeySet
from betterguard.web import assembly
from tests.servers.postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.postgres import Postgres


# What a script starts in its background ignores Ctrl-C, and so would all that a test ends by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONG = 120.0  # seconds; only ever reached when something is broken
# On Windows asyncio leaves the socket open into which a server was about to accept, when the loop
# ends in the same turn, and the next collection would fail whatever test is running then. It has
# no address yet, nor TCP's number, with which asyncio opens the sockets of clients.
LEFT_BY_ASYNCIO = r"ignore:unclosed <socket\.socket fd=\d+, family=2, type=1, proto=0>"

# Machines that build are slow at times, and that is no fault of the code. The same is tried each
# time, so that who changes one thing does not fail for another: `make fuzz` tries what is new.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("brief", PATIENT, max_examples=100, derandomize=True)
settings.register_profile("fuzz", PATIENT, max_examples=500, derandomize=False, print_blob=True)
settings.load_profile("brief")


def pytest_configure(config: pytest.Config) -> None:
    if sys.platform == "win32":
        config.addinivalue_line("filterwarnings", f"{LEFT_BY_ASYNCIO}:ResourceWarning")


@pytest.fixture(scope="session", autouse=True)
def unhurried() -> Iterator[None]:
    """Let a guard wait for key sets and stores as long as a machine may stand still.

    An application gives them up after seconds, and refuses; here nothing is away but what a test
    takes away, and a test about giving up sets a limit of its own.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assembly, "RemoteKeySet", partial(RemoteKeySet, deadline=LONG))
        patch.setattr(replica, "DEADLINE", LONG)
        yield


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the whole run; tests take a database each."""
    with running_postgres() as server:
        yield server
