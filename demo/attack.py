"""Attacks the demo as two people who have just signed up: ``python -m demo attack``."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from betterguard.live.attack import Keys, Options, UrlTarget, attack, person
from betterguard.live.attack.reports import as_html, as_text
from demo.stack import Origins, running_stack

if TYPE_CHECKING:
    from threading import Event

    from rich.console import Console

    from betterguard.live.attack import Person, Result

__all__ = ["run_attack"]

TOKEN_LIFETIME = "15m"  # noqa: S105  # a duration
LONG = 60.0  # seconds that an answer may take; only ever reached when something is broken
PASSWORD = "correct horse battery"  # noqa: S105  # of throwaway accounts


def run_attack(page: Path, console: Console, stopping: Event) -> Result:
    """Start a throwaway demo on free ports, attack its back end, and end it again.

    Prints the result, and writes it as a page.
    """
    # Not in the project: a Unix socket's path is at most 107 bytes long.
    data = Path(tempfile.mkdtemp(prefix="bg-demo-"))
    try:
        with running_stack(data, Origins.at((0, 0, 0)), stopping, TOKEN_LIFETIME) as stack:
            result = attacked(stack.origins)
    finally:
        shutil.rmtree(data, ignore_errors=True)
    console.print(as_text(result), soft_wrap=True)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(as_html(result), encoding="utf-8")
    console.print(f"The matrix is in {page}", soft_wrap=True)
    return result


def attacked(origins: Origins) -> Result:
    """Sign two people up and attack the back end as both."""
    alice, expired = signed_up("Alice", origins.page)
    bob, _ = signed_up("Bob", origins.page)
    published = httpx2.get(f"{origins.page}/api/auth/jwks", timeout=LONG, trust_env=False).json()
    # Both accounts end with the demo, so everything of theirs may be changed.
    options = Options(keys=Keys(published, expired=expired), throwaway=True)
    return asyncio.run(attack(UrlTarget(origins.api), alice, bob, options))


def signed_up(name: str, page: str) -> tuple[Person, str]:
    """Sign somebody up at Better Auth; give the person, and a token of theirs that is over."""
    account = {"name": name, "email": f"{name.lower()}@example.com", "password": PASSWORD}
    headers = {"Origin": page}
    with httpx2.Client(base_url=page, headers=headers, timeout=LONG, trust_env=False) as client:
        client.post("/api/auth/sign-up/email", json=account).raise_for_status()
        token = client.get("/api/auth/token").raise_for_status().json()["token"]
        expired = client.post("/demo/expired-token").raise_for_status().json()["token"]
    return person(name, token), expired
