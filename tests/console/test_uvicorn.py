"""A server whose routes print: 500 or a lost line without the cure, 200 with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.console.serving import PATIENCE, Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

APP = "tests.console.served:app"
MODES = {
    "alone": (),
    "reload": ("--reload", "--reload-dir", "tests/console"),
    # A worker that starts slowly is not a dead one, which uvicorn would start again.
    "workers": ("--workers", "2", "--timeout-worker-healthcheck", str(int(PATIENCE))),
}


@dataclass(frozen=True)
class Served:
    """A server, and whether its application cured the streams."""

    server: Server
    cured: bool


@pytest.fixture(
    scope="module",
    params=[(mode, cured) for mode in MODES for cured in (False, True)],
    ids=lambda each: f"{each[0]}-{'with' if each[1] else 'without'}",
)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    mode, cured = request.param
    folder = tmp_path_factory.mktemp("pids")
    processes = 2 if mode == "workers" else 1
    extra = {"CURED": "1"} if cured else {}
    with serving(folder, APP, *MODES[mode], processes=processes, **extra) as server:
        yield Served(server, cured)


def test_a_route_that_prints_what_the_code_page_lacks(served: Served) -> None:
    assert served.server.get("/say") == (200 if served.cured else 500)


# After the test above: nobody reads from here on.
def test_a_route_that_prints_when_nobody_reads(served: Served) -> None:
    served.server.stop_reading()
    # Two workers take the requests as they like: enough of them that each gets some.
    answers = [served.server.get("/plain") for _ in range(8)]
    assert answers == [200 if served.cured else 500] * 8
