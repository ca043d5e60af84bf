"""Machines of one network, each a network namespace, whose links can be cut while they run.

Everything is inside a namespace of this process's own: nothing of it reaches the real network,
and all of it is gone when the process ends. A link that is cut loses every packet in silence, as
a broken line or a firewall does: no reset, no answer, no word that the other side is unreachable.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from demo.cluster.part import Machine
from demo.cluster.parts import program
from demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Network", "is_own", "made_network", "move_into_own", "refusal"]

# RFC 5737: these addresses are nobody's.
PREFIX, BITS = "192.0.2", 24
OURS = 1
FIRST = 11
BRIDGE = "machines"
LINK = "eth0"
START_LIMIT = 120.0  # only ever reached when something is broken
MOVED = "DEMO_NETWORK"


class Network:
    """Named machines behind one bridge; this process is on it, too."""

    def __init__(self, holders: dict[str, int]) -> None:
        self._numbers = {name: FIRST + number for number, name in enumerate(holders)}
        self._holders = holders

    def machine(self, name: str) -> Machine:
        """Give a machine by its name."""
        return Machine(address(self._numbers[name]), inside(self._holders[name]))

    def cut(self, name: str) -> None:
        """Let no packet come from a machine any more, and none go there."""
        ip("link", "set", name, "nomaster")

    def mend(self, name: str) -> None:
        """Undo a cut."""
        ip("link", "set", name, "master", BRIDGE)

    def connect(self) -> None:
        """Lay the lines: a bridge, and a line from it to each machine."""
        ip("link", "add", BRIDGE, "address", hardware(OURS), "type", "bridge")
        ip("addr", "add", f"{address(OURS)}/{BITS}", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for name, holder in self._holders.items():
            number = self._numbers[name]
            peer = ("peer", "name", LINK, "address", hardware(number), "netns", str(holder))
            ip("link", "add", name, "type", "veth", *peer)
            ip("link", "set", name, "master", BRIDGE, "up")
            batch(self._set_up(number), inside(holder))
        batch(self._neighbours(OURS, BRIDGE), ())

    def _set_up(self, number: int) -> Iterator[str]:
        yield "link set lo up"
        yield f"addr add {address(number)}/{BITS} dev {LINK}"
        yield f"link set {LINK} up"
        yield from self._neighbours(number, LINK)

    def _neighbours(self, number: int, link: str) -> Iterator[str]:
        # Known for good: else the system itself would find out within seconds that nobody
        # answers, and say so, as no router on a longer way does.
        for other in (OURS, *self._numbers.values()):
            if other != number:
                known = f"{address(other)} lladdr {hardware(other)}"
                yield f"neigh replace {known} nud permanent dev {link}"


@contextlib.contextmanager
def made_network(names: Sequence[str]) -> Iterator[Network]:
    """Make machines of these names; a name is at most 15 characters long."""
    with contextlib.ExitStack() as stack:
        network = Network({name: stack.enter_context(holder()) for name in names})
        network.connect()
        try:
            yield network
        finally:
            # The lines to the machines go with these; so another network may be made.
            ip("link", "del", BRIDGE)


@contextlib.contextmanager
def holder() -> Iterator[int]:
    """Run a process that does nothing in a new network namespace; it ends with this one."""
    unshare = program("unshare", package="util-linux")
    sleeper = (unshare, "--net", "sleep", "infinity")
    command = (program("setpriv", package="util-linux"), "--pdeathsig", "KILL", *sleeper)
    with subprocess.Popen(command) as process:  # noqa: S603  # fixed words
        try:
            wait_until_apart(process)
            yield process.pid
        finally:
            process.kill()


def wait_until_apart(process: subprocess.Popen[bytes]) -> None:
    """Wait until a process has left this process's network."""
    ours, theirs = (Path(f"/proc/{number}/ns/net") for number in ("self", process.pid))
    deadline = time.monotonic() + START_LIMIT
    while ours.readlink() == theirs.readlink():
        if process.poll() is not None or time.monotonic() > deadline:
            msg = "a network namespace could not be made"
            raise DemoError(msg)
        time.sleep(0.01)


def is_own() -> bool:
    """Tell whether this process was moved into a network of its own."""
    return MOVED in os.environ


def move_into_own(arguments: Sequence[str]) -> None:
    """Become ``python -m demo`` with these arguments, in a network of its own; never return."""
    up = ("sh", "-c", f'{program("ip", package="iproute2")} link set lo up && exec "$@"', "sh")
    command = own(*up, sys.executable, "-m", "demo", *arguments)
    os.execve(command[0], command, {**os.environ, MOVED: "yes"})  # noqa: S606  # fixed words


def refusal() -> str | None:
    """Say why this machine lets nobody make networks; None when it does."""
    tried = own(program("ip", package="iproute2"), "link", "add", BRIDGE, "type", "bridge")
    outcome = subprocess.run(tried, capture_output=True, text=True, check=False)  # noqa: S603  # as above
    if outcome.returncode == 0:
        return None
    return f"network namespaces are not allowed here: {outcome.stderr.strip()}"


def own(*command: str) -> tuple[str, ...]:
    """Give the command that runs another in a network of its own.

    Who is not root gets the right to make networks from a user namespace.
    """
    unprivileged = ("--user", "--map-current-user", "--keep-caps") if os.geteuid() else ()
    return (program("unshare", package="util-linux"), *unprivileged, "--net", "--", *command)


def inside(holder: int) -> tuple[str, ...]:
    """Give what a command begins with to be run on a machine."""
    return (program("nsenter", package="util-linux"), f"--net=/proc/{holder}/ns/net", "--")


def ip(*arguments: str) -> None:
    """Run ``ip`` here; raise DemoError with what it says when it fails."""
    command = (program("ip", package="iproute2"), *arguments)
    told(subprocess.run(command, capture_output=True, text=True, check=False))  # noqa: S603  # ours


def batch(lines: Iterable[str], where: tuple[str, ...]) -> None:
    """Run several ``ip`` commands on a machine."""
    command = (*where, program("ip", package="iproute2"), "-batch", "-")
    told(
        subprocess.run(  # noqa: S603  # ours
            command, input="\n".join(lines), capture_output=True, text=True, check=False
        )
    )


def told(outcome: subprocess.CompletedProcess[str]) -> None:
    """Raise what a program complained of."""
    if outcome.returncode:
        msg = f"the network could not be made: {outcome.stderr.strip()}"
        raise DemoError(msg)


def address(number: int) -> str:
    """Give a machine's address."""
    return f"{PREFIX}.{number}"


def hardware(number: int) -> str:
    """Give a machine's hardware address: a locally administered one."""
    return f"02:00:00:00:00:{number:02x}"
