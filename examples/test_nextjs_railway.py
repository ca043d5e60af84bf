"""The example for Vercel and Railway: built as its Dockerfiles do, driven in a real browser."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from demo.check.browser import STEP_LIMIT, running_chromium
from demo.ports import HOST, free_port
from demo.service import Service, running
from tests.servers.postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).resolve().parent / "nextjs-railway"
LONG = 120.0  # seconds; only ever reached when something is broken
WEB, API = EXAMPLE / "web", EXAMPLE / "api"

pytestmark = [pytest.mark.node, pytest.mark.browser, pytest.mark.timeout(3600)]


@dataclass(frozen=True)
class Pair:
    """Where the front end and the back end are."""

    web: str
    api: str


def ran(*command: str, folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]


def built(environment: dict[str, str]) -> None:
    """Build the front end as its Dockerfile does."""
    ran("npm", "run", "build", folder=WEB, environment=environment)
    static = WEB / ".next" / "standalone" / ".next" / "static"
    shutil.copytree(WEB / ".next" / "static", static, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    logs = tmp_path_factory.mktemp("logs")
    web, api = (f"http://{HOST}:{free_port(0)}" for _ in range(2))
    with running_postgres() as postgres, contextlib.ExitStack() as stack:
        database = postgres.new_database()
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        front = {
            **inherited,
            "BETTER_AUTH_URL": web,
            "BETTER_AUTH_SECRET": secrets.token_urlsafe(48),
            "DATABASE_URL": postgres.libpq_url(database),
            "NEXT_PUBLIC_API_URL": api,
            "NEXT_TELEMETRY_DISABLED": "1",
            "HOSTNAME": HOST,
            "PORT": web.rpartition(":")[2],
        }
        back = {
            **inherited,
            "BETTER_AUTH_URL": web,
            "FRONTEND_URL": web,
            "DATABASE_URL": postgres.libpq_url(database, "tasks_app:its-password"),
            "OWNER_DATABASE_URL": postgres.libpq_url(database),
        }
        built(front)
        ran("npm", "run", "migrate", folder=WEB, environment=front)
        # Twice: a deployment runs it each time.
        for _ in range(2):
            ran(sys.executable, "-m", "app.migrate", folder=API, environment=back)
        for service in (
            Service(
                name="web",
                command=("node", ".next/standalone/server.js"),
                environment=front,
                origin=web,
                health="/api/auth/ok",
                folder=WEB,
                log=logs / "web.log",
            ),
            Service(
                name="api",
                command=(
                    *(sys.executable, "-m", "uvicorn", "app.main:app"),
                    *("--host", HOST, "--port", api.rpartition(":")[2]),
                ),
                environment=back,
                origin=api,
                health="/health",
                folder=API,
                log=logs / "api.log",
            ),
        ):
            stack.enter_context(running(service, Event()))
        yield Pair(web, api)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def ada(browser: Browser, pair: Pair) -> Page:
    return signed_up(browser, pair, "Ada")


@pytest.fixture(scope="module")
def bob(browser: Browser, pair: Pair) -> Page:
    return signed_up(browser, pair, "Bob")


def signed_up(browser: Browser, pair: Pair, name: str) -> Page:
    """Sign a person up on the page, in a browser of their own."""
    page = browser.new_context().new_page()
    page.set_default_timeout(STEP_LIMIT)
    page.goto(pair.web)
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail").fill(f"{name.lower()}@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign up").click()
    expect(
        page.get_by_role("heading", name=f"{name}\N{RIGHT SINGLE QUOTATION MARK}s tasks")
    ).to_be_visible()
    return page


def asked(page: Page, path: str) -> Any:  # noqa: ANN401  # whatever JSON says
    """Give what the page's own origin answers to the person who is signed in there."""
    return page.evaluate("path => fetch(path).then(answer => answer.json())", path)


def add(page: Page, title: str) -> None:
    page.get_by_label("New task").fill(title)
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text(title)).to_be_visible()


def test_each_person_sees_their_own_tasks(ada: Page, bob: Page) -> None:
    add(ada, "analytical engine")
    add(bob, "build a house")
    ada.reload()  # the token was in memory: a new one comes
    expect(ada.get_by_text("analytical engine")).to_be_visible()
    expect(ada.get_by_role("listitem")).to_have_count(1)
    ada.get_by_role("checkbox").click()
    expect(ada.get_by_role("checkbox")).to_be_checked()
    ada.reload()
    expect(ada.get_by_role("checkbox")).to_be_checked()
    bob.get_by_role("button", name="Delete").click()
    expect(bob.get_by_role("listitem")).to_have_count(0)


def test_another_users_path_and_task_are_out_of_reach(ada: Page, bob: Page, pair: Pair) -> None:
    add(ada, "secret plan")
    token = asked(bob, "/api/auth/token")["token"]
    foreign, own = (asked(one, "/api/auth/get-session")["user"]["id"] for one in (ada, bob))
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=pair.api, headers=headers, timeout=LONG) as api:
        assert api.get(f"/api/user/{foreign}/tasks").status_code == 403
        assert api.get(f"/api/user/{own}/tasks").json() == []
        for task_id in range(1, 6):
            address = f"/api/user/{own}/tasks/{task_id}"
            assert api.put(address, json={"title": "mine now"}).status_code == 404
            assert api.delete(address).status_code == 404
    ada.reload()
    expect(ada.get_by_text("secret plan")).to_be_visible()


def test_whoever_signs_out_is_asked_to_sign_in(bob: Page) -> None:
    bob.get_by_role("button", name="Sign out").click()
    expect(bob.get_by_role("heading", name="Sign up")).to_be_visible()


def test_nobody_is_let_in_without_a_token(pair: Pair) -> None:
    answer = httpx2.get(
        f"{pair.api}/api/user/ada/tasks", headers={"Origin": pair.web}, timeout=LONG
    )
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["access-control-allow-origin"] == pair.web
