"""Streams that are None or closed: pythonw, a detached process, a shell's ``>&-``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.children import CURE, forced, run, run_detached

if TYPE_CHECKING:
    from pathlib import Path

USES = [
    pytest.param("sys.stdout.write('lost')", id="write"),
    pytest.param("sys.stderr.write('lost')", id="write-to-stderr"),
    pytest.param("sys.stdin.read()", id="read"),
    pytest.param("sys.__stdout__.write('lost')", id="write-to-the-original"),
    pytest.param("sys.stdout.isatty()", id="isatty"),
    pytest.param("import uvicorn\nuvicorn.Config('main:app')", id="uvicorn"),
]


@pytest.mark.parametrize("use", USES)
def test_without_the_cure_a_missing_stream_fails(use: str, tmp_path: Path) -> None:
    assert "'NoneType' object has no attribute" in run_detached("", use, tmp_path / "result")


@pytest.mark.parametrize("use", USES)
def test_with_the_cure_a_missing_stream_is_the_null_device(use: str, tmp_path: Path) -> None:
    assert run_detached(CURE, use, tmp_path / "result") == "ok"


def test_utf8_mode_is_no_cure(tmp_path: Path) -> None:
    outcome = run_detached("", "sys.stdout.write('lost')", tmp_path / "result", PYTHONUTF8="1")
    assert "'NoneType' object has no attribute 'write'" in outcome


@pytest.mark.parametrize(
    "lose",
    [
        pytest.param("sys.stdout.close()", id="closed"),
        pytest.param(
            "import io\nfor _ in range(2):\n    sys.stdout = io.TextIOWrapper(sys.stdout.buffer)",
            id="wrapped-twice",
        ),
        pytest.param("sys.stdout.detach()", id="detached"),
    ],
)
def test_a_stream_that_was_closed_is_the_null_device(lose: str) -> None:
    program = f"{forced('cp1252')}{lose}\n"
    use = "print('lost \\u2705', flush=True)\nassert not sys.stdout.closed"
    assert "ValueError" in run(program + use).err
    outcome = run(program + CURE + use)
    assert (outcome.code, outcome.err, outcome.out) == (0, "", b"")


def test_the_null_device_warns_of_nothing_at_exit() -> None:
    program = f"import sys\nsys.stdout = None\n{CURE}print('lost')"
    assert run(program, options=("-X", "dev", "-W", "error")).err == ""
