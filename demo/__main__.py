"""``python -m demo`` runs the demo until Ctrl-C; ``python -m demo check`` tries it in a browser."""

from __future__ import annotations

import argparse
import signal
import sys
from threading import Event

from rich.console import Console
from rich.table import Table

from demo.errors import DemoError, ServiceFailed
from demo.service import Stopped
from demo.stack import ROOT, Origins, running_stack

DATA = ROOT / ".data" / "demo"
SCREENSHOTS = ROOT / ".build" / "demo-screenshots"
PORTS = (3000, 3001, 8000)
console = Console(highlight=False)


def main(arguments: list[str]) -> int:
    """Run what the command line asks for; give the exit code."""
    options = parser().parse_args(arguments)
    stopping = stop_signals()
    try:
        if options.command == "check":
            return check(stopping)
        return serve(stopping, options.token_lifetime)
    except Stopped:
        console.print("Stopped.")
        return 0
    except DemoError as error:
        tell(error)
        return 1


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    made = argparse.ArgumentParser("python -m demo", description=__doc__.replace("`", ""))
    made.add_argument("command", nargs="?", default="run", choices=["run", "check"])
    made.add_argument(
        "--token-lifetime",
        default="15m",
        metavar="15m",
        help="how long a token is good; with 75s you can watch it being renewed",
    )
    return made


def serve(stopping: Event, token_lifetime: str) -> int:
    """Run the demo until somebody stops it."""
    console.print("Starting PostgreSQL, Better Auth, FastAPI and the chatbot …")
    origins = Origins.at(PORTS)
    with running_stack(DATA, origins, stopping, token_lifetime) as stack:
        console.print(addresses(stack.origins))
        console.print("Press Ctrl-C to stop everything.")
        stack.watch(stopping)
        console.print("Stopping …")
    console.print("Stopped.")
    return 0


def check(stopping: Event) -> int:
    """Try the demo in a browser; 1 when a step fails."""
    from demo.check import run_check  # noqa: PLC0415  # Playwright is a development dependency

    return 1 if run_check(SCREENSHOTS, console, stopping).failed else 0


def addresses(origins: Origins) -> Table:
    """Give the addresses that people open, and what is behind each."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_row("To-do page", f"[bold]{origins.page}[/]", "page and Better Auth, one origin")
    table.add_row("Chatbot", f"[bold]{origins.chatbot}[/]", "open it from the page")
    table.add_row("Back end", f"[bold]{origins.api}/docs[/]", "FastAPI with betterguard")
    table.add_row("Data and logs", str(DATA), "remove it to begin anew")
    for origin, port in zip((origins.page, origins.chatbot, origins.api), PORTS, strict=True):
        if not origin.endswith(f":{port}"):
            table.add_row("", "", f"port {port} is taken: {origin} instead")
    return table


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
    console.print(f"[bold red]The demo does not run:[/] {error}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
