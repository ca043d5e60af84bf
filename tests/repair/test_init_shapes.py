"""What init does to projects of many shapes, and that they work afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from betterguard.repair.scaffold import plan
from betterguard.repair.writing import write
from tests.repair.shapes import GOLDEN, SHAPES, account, lay_out

if TYPE_CHECKING:
    from pathlib import Path

# Where the application is found, for those whose own tests run: one of each way to hang it in.
TESTED = {
    "src-layout": ".",
    "factory-poetry": ".",
    "crlf-and-bom": ".",
    "made-in-a-class": ".",
}
IMPORTED = {
    "lifespan-and-settings": "app.main",
    "cors-middleware": "app.main",
    "hand-rolled-auth": "app.main",
    "name-taken": "main",
}


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return lay_out(request.param, tmp_path / request.param)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "BETTER_AUTH_URL": "http://localhost:3000", "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_it_does_what_it_did(shape: Path) -> None:
    golden = (GOLDEN / f"{shape.name}.txt").read_text(encoding="utf-8")
    assert account(plan(shape)) == golden


@pytest.mark.parametrize("vendor", [False, True], ids=["package", "vendored"])
def test_a_second_time_changes_nothing(shape: Path, vendor: bool) -> None:  # noqa: FBT001  a parameter of the test
    write(plan(shape, vendor=vendor).changes())
    assert plan(shape, vendor=vendor).changes() == []


def test_every_file_compiles(shape: Path) -> None:
    changes = plan(shape).changes()
    for change in changes:
        if change.path.suffix == ".py":
            compile(change.after, str(change.path), "exec")


@pytest.mark.parametrize("name", TESTED)
def test_its_own_tests_pass_at_once(name: str, tmp_path: Path) -> None:
    write(plan(lay_out(name, tmp_path)).changes())
    folder = tmp_path / TESTED[name]
    done = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore")
    assert done.returncode == 0, done.stdout
    assert ("7 passed" if "class" in name else "6 passed, 1 skipped") in done.stdout


GUARDED = """\
from fastapi import Depends, FastAPI

from betterguard import BetterGuard

door = BetterGuard.from_env(path_parameter="owner")
app = FastAPI(lifespan=door.lifespan)
door.install(app)


@app.get("/tasks/{owner}", dependencies=[Depends(door.path_user)])
async def tasks(owner: str) -> list[str]:
    return [owner]
"""


def test_a_guard_of_ones_own_is_tested_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(GUARDED)
    changes = plan(tmp_path).changes()
    assert "auth.py" not in {change.path.name for change in changes}
    write(changes)
    done = run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore")
    assert "7 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("name", IMPORTED)
def test_the_application_still_starts(name: str, tmp_path: Path) -> None:
    write(plan(lay_out(name, tmp_path)).changes())
    app = "api" if name == "name-taken" else "app"
    started = (
        "from fastapi.testclient import TestClient\n"
        f"from {IMPORTED[name]} import {app}\n"
        f"with TestClient({app}) as client: print(client.get('/nothing').status_code)"
    )
    done = run(tmp_path, "-c", started)
    assert done.stdout.splitlines()[-1:] == ["closed" if "lifespan" in name else "404"], done.stderr


def test_startup_events_and_the_guard_both_run(tmp_path: Path) -> None:
    write(plan(lay_out("startup-events", tmp_path)).changes())
    started = (
        "from fastapi.testclient import TestClient\n"
        "from main import app\n"
        "with TestClient(app) as client: print(client.get('/').json())"
    )
    assert run(tmp_path, "-c", started).stdout == "{'started': True}\n"


def test_the_vendored_test_passes_at_once(tmp_path: Path) -> None:
    write(plan(lay_out("flat-requirements", tmp_path), vendor=True).changes())
    assert "betterguard" not in (tmp_path / "requirements.txt").read_text(encoding="utf-8")
    done = run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore")
    assert done.returncode == 0, done.stdout


def test_the_guard_reads_the_file_that_the_settings_read(tmp_path: Path) -> None:
    write(plan(lay_out("hs256-and-env-elsewhere", tmp_path)).changes())
    written = (tmp_path / "api" / "auth.py").read_text(encoding="utf-8")
    assert 'BetterGuard.from_env(env_file=".env.local")' in written


def test_a_file_that_is_not_utf_8_is_left_and_told(tmp_path: Path) -> None:
    lay_out("flat-requirements", tmp_path)
    main = tmp_path / "main.py"
    main.write_bytes("# -*- coding: latin-1 -*-\n# é\n".encode("latin-1") + main.read_bytes())
    found = plan(tmp_path)
    assert main not in [change.path for change in found.changes()]
    assert "guard.install(app)" in [advice.code for advice in found.advice]


def test_the_package_after_the_vendored_file_brings_its_own_test(tmp_path: Path) -> None:
    lay_out("flat-requirements", tmp_path)
    write(plan(tmp_path, vendor=True).changes())
    made = {change.path.name for change in plan(tmp_path).changes() if change.before is None}
    assert made == {"guard.py", "test_guard.py"}
