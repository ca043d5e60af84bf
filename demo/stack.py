"""The whole demo, up or down: a database, a sign-in with its page, a back end, a chatbot."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import fasteners  # type: ignore[import-untyped]  # ships no type hints

from demo.backend.migration import OtherVersion, migrate
from demo.errors import DemoError
from demo.ports import HOST, free_port
from demo.postgres import APPLICATION, running_database
from demo.service import Service, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from threading import Event

    from demo.service import Running

__all__ = ["Origins", "Stack", "running_stack"]

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo"
OURS = ("BETTER_AUTH", "AUTH_SECRET", "FRONTEND_URL", "DATABASE_URL")


@dataclass(frozen=True)
class Origins:
    """Where the three parts are: the page (with Better Auth), the chatbot, the back end."""

    page: str
    chatbot: str
    api: str

    @classmethod
    def at(cls, ports: Sequence[int]) -> Origins:
        """Give the origins on loopback: the preferred ports, or free ones where these are taken.

        A port of 0 stands for any free one.
        """
        page, chatbot, api = (f"http://{HOST}:{free_port(port)}" for port in ports)
        return cls(page, chatbot, api)


@dataclass(frozen=True)
class Stack:
    """The running demo."""

    origins: Origins
    services: tuple[Running, ...]

    def watch(self, stopping: Event) -> None:
        """Wait for ``stopping``; raise ServiceFailed when a service ends before that."""
        while not stopping.wait(0.5):
            for service in self.services:
                service.fail_if_ended()


@contextlib.contextmanager
def running_stack(
    data: Path, origins: Origins, stopping: Event, token_lifetime: str
) -> Iterator[Stack]:
    """Start everything, in order, each when what it needs is well; end everything afterwards.

    ``data`` keeps the database, the secret and the logs. ``token_lifetime`` is how long a token
    is good, in Better Auth's notation (``15m``, ``66s``). ``stopping`` breaks the start off.
    """
    data.mkdir(parents=True, exist_ok=True)
    with only_one(data), contextlib.ExitStack() as stack:
        database = stack.enter_context(running_database(data / "postgres"))
        sign_in = auth(data, origins, database.url("postgresql"), token_lifetime)
        # Better Auth makes the table that the tasks refer to; the back end finds them made.
        started = [stack.enter_context(running(sign_in, stopping))]
        make_tables(database.url("postgresql+asyncpg"), data)
        application = database.url("postgresql+asyncpg", APPLICATION)
        started += [
            stack.enter_context(running(service, stopping))
            for service in (chatbot(data, origins), backend(data, origins, application))
        ]
        yield Stack(origins, tuple(started))


@contextlib.contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the data for one demo at a time; the system lets go of it when the process ends."""
    lock = fasteners.InterProcessLock(data / "lock")
    if not lock.acquire(blocking=False):
        msg = f"a demo runs already with the data in {data}: stop that one first, with Ctrl-C"
        raise DemoError(msg)
    try:
        yield
    finally:
        lock.release()


def make_tables(owner_url: str, data: Path) -> None:
    """Run the migration as the owner of the tables."""
    migration = migrate(owner_url, APPLICATION)
    try:
        # In a thread of its own: during a check this one runs the browser's event loop.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, migration).result()
    except OtherVersion as error:
        msg = f"the data in {data} are of another version of the demo ({error}): remove that folder"
        raise DemoError(msg) from error


def auth(data: Path, origins: Origins, database_url: str, token_lifetime: str) -> Service:
    """Describe Better Auth and the to-do page, on one origin."""
    environment = {
        "BETTER_AUTH_URL": origins.page,
        "BETTER_AUTH_SECRET": kept_secret(data / "secret"),
        "DATABASE_URL": database_url,
        "TOKEN_LIFETIME": token_lifetime,
        "API_URL": origins.api,
        "CHATBOT_URL": origins.chatbot,
        "BETTER_AUTH_REVOCATION_SECRET": kept_secret(data / "revocation-secret"),
    }
    return node_service("auth", data, origins.page, environment)


def chatbot(data: Path, origins: Origins) -> Service:
    """Describe the second front end: static files on an origin of their own."""
    environment = {
        "CHATBOT_URL": origins.chatbot,
        "PAGE_URL": origins.page,
        "API_URL": origins.api,
    }
    return node_service("chatbot", data, origins.chatbot, environment)


def backend(data: Path, origins: Origins, database_url: str) -> Service:
    """Describe the FastAPI back end; of Better Auth it knows the key set, and no secret."""
    port = origins.api.rpartition(":")[2]
    return Service(
        name="backend",
        command=(
            *(sys.executable, "-m", "uvicorn", "demo.backend.main:app"),
            *("--app-dir", str(ROOT), "--host", HOST, "--port", port),
            *("--timeout-graceful-shutdown", "3"),
        ),
        environment=child_environment(
            {
                "BETTER_AUTH_URL": origins.page,
                "FRONTEND_URL": f"{origins.page},{origins.chatbot}",
                "DATABASE_URL": database_url,
                "BETTER_AUTH_REVOCATION_STORE": "memory",
                "BETTER_AUTH_REVOCATION_SECRET": kept_secret(data / "revocation-secret"),
            }
        ),
        origin=origins.api,
        health="/api/health",
        # Not the repository's root, where somebody's .env could change what the demo does.
        folder=data,
        log=data / "logs" / "backend.log",
    )


def node_service(name: str, data: Path, origin: str, environment: Mapping[str, str]) -> Service:
    """Describe one of the two Node servers."""
    settings = child_environment(environment)
    node = shutil.which("node", path=settings["PATH"])
    if node is None or not (DEMO / "auth" / "node_modules").is_dir():
        msg = "Node or its packages are missing: `make demo` installs both"
        raise DemoError(msg)
    return Service(
        name=name,
        command=(node, "server.js"),
        environment=settings,
        origin=origin,
        health="/healthz",
        folder=DEMO / name,
        log=data / "logs" / f"{name}.log",
    )


def child_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Give the settings and this process's environment, without what steers another application."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**inherited, "PATH": path, **settings}


def kept_secret(file: Path) -> str:
    """Give the secret in the file, made on the first run and readable by its owner only."""
    if not file.exists():
        file.touch(0o600, exist_ok=False)
        file.write_text(secrets.token_urlsafe(48), encoding="ascii")
    return file.read_text(encoding="ascii")
