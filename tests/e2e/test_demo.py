from __future__ import annotations

import io
import os
import signal
import socket
import stat
import sys
from threading import Event
from typing import TYPE_CHECKING

import httpx2
import pytest
from rich.console import Console

from demo.check import run_check
from demo.check.browser import found_chromium
from demo.check.expectations import equal
from demo.check.steps import STEPS
from demo.errors import DemoError
from demo.ports import HOST, free_port, is_free
from demo.postgres import running_database
from demo.stack import child_environment, kept_secret
from tests.servers.demo import DemoProcess, data_folder, running_demo, started_demo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.check.scene import Scene

pytestmark = [pytest.mark.node, pytest.mark.timeout(1800)]

LONG = 120.0  # seconds; only ever reached when something is broken
PICTURES = {"welcome", "empty", "tasks", "wire", "phone", "dark", "chatbot"}


@pytest.fixture
def data() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoProcess]:
    """One demo for the tests that only read from it."""
    with running_demo() as process:
        yield process


@pytest.mark.browser
def test_every_step_passes_in_a_browser(tmp_path: Path) -> None:
    told = io.StringIO()
    report = run_check(tmp_path / "pictures", Console(file=told), Event())
    assert not report.failed, told.getvalue()
    assert report.passed == tuple(title for title, _ in STEPS)
    assert {file.stem for file in (tmp_path / "pictures").iterdir()} == PICTURES


@pytest.mark.browser
def test_a_failed_step_is_told_and_the_rest_is_tried(tmp_path: Path) -> None:
    def fails(_: Scene) -> None:
        equal("401", "200", "status")

    def passes(scene: Scene) -> None:
        scene.alice.page.goto(scene.origins.page)

    told = io.StringIO()
    steps = [("the sky is green", fails), ("the page opens", passes)]
    report = run_check(tmp_path / "pictures", Console(file=told), Event(), steps)
    assert (report.passed, report.failed) == (("the page opens",), ("the sky is green",))
    assert "✗ the sky is green" in told.getvalue()
    assert "status: expected '200', got '401'" in told.getvalue()
    assert "1 of 2 steps passed" in told.getvalue()


def test_without_a_browser_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(DemoError, match=r"/nowhere/chromium.*apt-get install chromium.*CHROMIUM"):
        found_chromium()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_it_stops_and_leaves_nothing_behind(data: Path, number: signal.Signals) -> None:
    # Ports of this test's own: what else runs here takes none of them when they are free again.
    ports = [free_port() for _ in range(3)]
    with started_demo(data, ports) as demo:
        demo.wait_for("Press Ctrl-C")
        origins = [demo.origin(label) for label in ("To-do page", "Chatbot", "Back end")]
        assert [int(origin.rpartition(":")[2]) for origin in origins] == ports
        # Two Node servers, one uvicorn, PostgreSQL and its workers.
        assert len(demo.note_processes()) > 4
        assert demo.end(number) == 0, demo.printed()
        assert demo.left_behind() == []
        assert "Stopped." in demo.printed()
    assert all(map(is_free, ports))


def test_a_second_ctrl_c_does_not_cut_the_end_short(data: Path) -> None:
    with started_demo(data) as demo:
        demo.wait_for("Press Ctrl-C")
        demo.note_processes()
        demo.process.send_signal(signal.SIGINT)
        demo.wait_for("Stopping")
        assert demo.end(signal.SIGINT) == 0, demo.printed()
        assert demo.left_behind() == []


def test_it_stops_while_it_starts(data: Path, tmp_path: Path) -> None:
    # Else it might have started before this test gets round to stopping it.
    never = tmp_path / "never.cjs"
    never.write_text("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);")
    with started_demo(data, NODE_OPTIONS=f"--require={never}") as demo:
        demo.wait_until((data / "logs" / "auth.log").exists)
        demo.note_processes()
        assert demo.end(signal.SIGINT) == 130, demo.printed()
        assert demo.left_behind() == []
        assert "Stopped before it was done" in demo.printed()


def test_a_service_that_does_not_start_is_told_with_its_log(data: Path) -> None:
    # Node refuses this option with a message of its own, as it would a broken installation.
    with started_demo(data, NODE_OPTIONS="--no-such-option") as demo:
        assert demo.exit_code() == 1
        assert "auth ended with exit code" in demo.printed()
        assert "--no-such-option" in demo.printed()
        assert not (data / "postgres" / "postmaster.pid").exists()


def test_a_service_that_ends_takes_the_others_along(data: Path) -> None:
    with started_demo(data) as demo:
        demo.wait_for("Press Ctrl-C")
        backend = next(p for p in demo.note_processes() if "uvicorn" in " ".join(p.cmdline()))
        backend.kill()
        assert demo.exit_code() == 1
        assert "backend ended with exit code -9" in demo.printed()
        assert demo.left_behind() == []


def test_what_a_killed_demo_left_does_not_keep_the_database_running(data: Path) -> None:
    (data / "postgres").mkdir()
    (data / "postgres" / ".handle_pids.json").write_text(f"[{os.getpid()}]")
    with started_demo(data) as demo:
        demo.wait_for("Press Ctrl-C")
        demo.note_processes()
        assert demo.end(signal.SIGTERM) == 0
        assert demo.left_behind() == []


def test_the_data_belong_to_one_demo_at_a_time(demo: DemoProcess) -> None:
    with started_demo(demo.data) as second:
        assert second.exit_code() == 1
        assert "a demo runs already" in second.printed()


def test_a_path_with_a_space_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="--data"), running_database(tmp_path / "my data"):
        pass


def test_a_taken_port_is_left_alone() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        assert not is_free(port)
        assert free_port(port) != port
    assert free_port(port) == port


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no port can be kept like this")
def test_a_port_is_kept_for_the_server_that_is_to_come() -> None:
    port = free_port()
    with socket.socket() as another, pytest.raises(OSError, match="in use"):
        another.bind((HOST, port))
    with socket.create_server((HOST, port)):
        assert not is_free(port)
    assert is_free(port)


def test_the_secret_is_made_once_and_private(tmp_path: Path) -> None:
    first = kept_secret(tmp_path / "secret")
    assert kept_secret(tmp_path / "secret") == first
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_another_applications_settings_do_not_reach_the_demo(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("BETTER_AUTH_SECRET", "BETTER_AUTH_TOKENS", "FRONTEND_URL", "DATABASE_URL"):
        monkeypatch.setenv(name, "another application's")
    given = child_environment({"FRONTEND_URL": "http://127.0.0.1:3000"})
    assert "another application's" not in given.values()
    assert given["FRONTEND_URL"] == "http://127.0.0.1:3000"


@pytest.mark.parametrize("label", ["To-do page", "Chatbot"])
def test_the_pages_allow_no_inline_script(demo: DemoProcess, label: str) -> None:
    policy = httpx2.get(demo.origin(label), timeout=LONG).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/%2e%2e/auth/server.js", id="escaped-climb"),
        pytest.param("/js/..%2f..%2fauth/server.js", id="escaped-slash"),
        pytest.param("/.env", id="hidden"),
        pytest.param("/js", id="folder"),
        pytest.param("/constructor", id="property-of-every-object"),
    ],
)
def test_the_page_server_gives_its_own_files_only(demo: DemoProcess, path: str) -> None:
    assert httpx2.get(demo.origin("To-do page") + path, timeout=LONG).status_code == 404


def test_another_name_of_the_host_leads_to_the_one_origin(demo: DemoProcess) -> None:
    page = demo.origin("To-do page")
    answer = httpx2.get(f"{page}//evil.example/x", headers={"Host": "localhost:3000"}, timeout=LONG)
    assert answer.status_code == 307
    assert answer.headers["location"] == f"{page}//evil.example/x"


def test_the_expired_token_is_for_people_who_are_signed_in(demo: DemoProcess) -> None:
    answer = httpx2.post(demo.origin("To-do page") + "/demo/expired-token", timeout=LONG)
    assert answer.status_code == 401


def test_the_back_ends_documentation_tells_of_the_refusals(demo: DemoProcess) -> None:
    document = httpx2.get(demo.origin("Back end") + "/openapi.json", timeout=LONG).json()
    answers = document["paths"]["/api/user/{user_id}/tasks"]["get"]["responses"]
    assert {"200", "401", "403"} <= set(answers)
