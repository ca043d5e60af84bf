"""``python -m demo`` runs the demo until Ctrl-C; ``check`` tries it, ``attack`` attacks it.

``cluster`` and ``cluster-check`` do the same with several processes of everything, under fault.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from rich.console import Console

from betterguard import force_utf8
from demo.errors import DemoError, ServiceFailed
from demo.service import Stopped
from demo.stack import ROOT, Origins, running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DATA = ROOT / ".data" / "demo"
SCREENSHOTS = ROOT / ".build" / "demo-screenshots"
MATRIX = ROOT / ".build" / "demo-attack.html"
PORTS = (3000, 3001, 8000)
LAYOUTS = ("uvicorn", "gunicorn", "proxy", "network")
INTERRUPTED = 130  # what shells give a command that Ctrl-C ended
force_utf8()
console = Console(highlight=False)


def main(arguments: list[str]) -> int:
    """Run what the command line asks for; give the exit code."""
    options = parser().parse_args(arguments)
    stopping = stop_signals()
    try:
        return COMMANDS[options.command](options, stopping)
    except (DemoError, Stopped) as error:
        # Ctrl-C reaches the programs that set the database up, too, and these then complain.
        if isinstance(error, DemoError) and not stopping.is_set():
            tell(error)
            return 1
        console.print("Stopped before it was done.")
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    made = argparse.ArgumentParser(
        "python -m demo",
        description="Run the demo until Ctrl-C, try it in a browser, or attack it.",
    )
    made.add_argument("command", nargs="?", default="run", choices=COMMANDS)
    made.add_argument(
        "--layout",
        choices=LAYOUTS,
        help="how the cluster's back end runs: uvicorn or gunicorn with four workers, or two"
        " instances behind a proxy (by default the proxy; a check tries all), or, in a check, the"
        " same with a network between all parts",
    )
    made.add_argument(
        "--fault",
        action="append",
        metavar="TITLE",
        help="cause only this fault in a cluster's check; may be repeated",
    )
    made.add_argument("--data", type=Path, default=DATA, help="where database and logs are kept")
    made.add_argument(
        "--ports",
        type=int,
        nargs=3,
        default=PORTS,
        metavar="PORT",
        help="of the page, the chatbot and the back end; 0 is any, and a taken one is replaced",
    )
    made.add_argument(
        "--token-lifetime",
        default="15m",
        metavar="15m",
        help="how long a token is good; with 75s you can watch it being renewed",
    )
    return made


def serve(options: argparse.Namespace, stopping: Event) -> int:
    """Run the demo until somebody stops it."""
    data, ports = options.data.resolve(), options.ports
    console.print("Starting PostgreSQL, Better Auth, FastAPI and the chatbot …")
    with running_stack(data, Origins.at(ports), stopping, options.token_lifetime) as stack:
        for line in addresses(stack.origins, ports, data):
            console.print(line, soft_wrap=True)
        stack.watch(stopping)
        console.print("Stopping …")
    console.print("Stopped.")
    return 0


def serve_cluster(options: argparse.Namespace, stopping: Event) -> int:
    """Run the cluster until somebody stops it."""
    from demo.cluster.stack import Layout, running_cluster  # noqa: PLC0415  # development only

    data, layout = options.data.resolve(), Layout(options.layout or Layout.PROXY)
    if layout is Layout.NETWORK:
        msg = "the network is for the check: nobody else could reach what runs there"
        raise DemoError(msg)
    console.print("Starting PostgreSQL, PgBouncer, Redis, Better Auth and the back ends …")
    with running_cluster(data, options.ports, layout) as cluster:
        for line in addresses(cluster.origins, options.ports, data):
            console.print(line, soft_wrap=True)
        stopping.wait()
        console.print("Stopping …")
    console.print("Stopped.")
    return 0


def check_cluster(options: argparse.Namespace, stopping: Event) -> int:
    """Cause faults while load runs; 1 when something happened that must not."""
    from demo.cluster import network  # noqa: PLC0415  # development only
    from demo.cluster.check import run_cluster_check  # noqa: PLC0415  # as above
    from demo.cluster.faults import FAULTS  # noqa: PLC0415  # as above
    from demo.cluster.stack import Layout  # noqa: PLC0415  # as above

    layouts = [Layout(options.layout)] if options.layout else list(Layout)
    if Layout.NETWORK in layouts and not network.is_own():
        refusal = network.refusal()
        if refusal is None:
            network.move_into_own(sys.argv[1:])
        if options.layout:
            raise DemoError(refusal)
        console.print(f"The layout {Layout.NETWORK} is left out: {refusal}", soft_wrap=True)
        layouts.remove(Layout.NETWORK)
    wanted = options.fault or [fault.title for fault in FAULTS]
    faults = [fault for fault in FAULTS if fault.title in wanted]
    outcomes = run_cluster_check(console, stopping, layouts, faults)
    return 0 if outcomes and all(outcome.passed for outcome in outcomes) else 1


def check(_: argparse.Namespace, stopping: Event) -> int:
    """Try the demo in a browser; 1 when a step fails."""
    from demo.check import run_check  # noqa: PLC0415  # Playwright is a development dependency

    return 1 if run_check(SCREENSHOTS, console, stopping).failed else 0


def attack(_: argparse.Namespace, stopping: Event) -> int:
    """Attack the demo as two people who signed up; 1 when something is open."""
    from demo.attack import run_attack  # noqa: PLC0415  # needs betterguard's command line

    return 1 if run_attack(MATRIX, console, stopping).open else 0


def addresses(origins: Origins, ports: Sequence[int], data: Path) -> Iterator[str]:
    """Give lines that tell what people open, and where things are kept."""
    parts = zip((origins.page, origins.chatbot, origins.api), ports, strict=True)
    for origin, port in parts:
        if port and not origin.endswith(f":{port}"):
            yield f"[yellow]Port {port} is taken:[/] {origin} it is instead."
    yield ""
    yield f"  To-do page  [bold]{origins.page}[/]"
    yield f"  Chatbot     [bold]{origins.chatbot}[/]  (open it from the page)"
    yield f"  Back end    [bold]{origins.api}/docs[/]"
    yield f"  Data, logs  {data}"
    yield ""
    yield "Press Ctrl-C to stop everything."


def stop_signals() -> Event:
    """Give an event that Ctrl-C, SIGTERM and a closed terminal set, so that all ends in order."""
    stopping = Event()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stopping.set())
    return stopping


def tell(error: DemoError) -> None:
    """Print an error, and the end of the log that explains it."""
    if isinstance(error, ServiceFailed):
        console.print(error.log_tail, markup=False, style="dim")
    console.print(f"[bold red]The demo does not run:[/] {error}", soft_wrap=True)


COMMANDS = {
    "run": serve,
    "check": check,
    "attack": attack,
    "cluster": serve_cluster,
    "cluster-check": check_cluster,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
