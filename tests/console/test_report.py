"""What ``python -m betterguard.console`` says of the streams."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from betterguard.console.report import state_of
from tests.console.children import WINDOWS, environment, text_of

if TYPE_CHECKING:
    from pathlib import Path


def report(*options: str, stdout: int | None = subprocess.PIPE, **extra: str) -> tuple[int, str]:
    """Run the command with stdin, stdout and stderr as pipes; give exit code and output."""
    done = subprocess.run(
        [sys.executable, *options, "-m", "betterguard.console"],
        env=environment(**extra),
        input=b"",
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=300,
        check=False,
    )
    assert done.stderr == b""
    return done.returncode, text_of(done.stdout or b"")


def lines_of(output: str) -> list[list[str]]:
    return [line.split(maxsplit=4) for line in output.splitlines()]


def test_it_tells_the_streams_before_and_after() -> None:
    code, output = report("-W", "error")
    rows = lines_of(output)
    assert code == 0
    assert [row[0] for row in rows if len(row) == 5 and row[0].startswith("std")] == [
        *("stdin", "stdout", "stderr"),
        *("stdin", "stdout", "stderr"),
    ]
    assert rows[3][-1] == (
        "UNSAFE: some characters raise UnicodeEncodeError; raises once its reader is gone"
    )
    assert rows[-2] == ["stdout", "pipe", "utf-8", "backslashreplace", "safe"]
    assert rows[-1] == ["stderr", "pipe", "utf-8", "backslashreplace", "safe"]


def test_it_fails_when_a_stream_stays_unsafe() -> None:
    code, output = report(PYTHONIOENCODING="latin-1:strict")
    assert code == 1
    assert lines_of(output)[-2] == [
        *("stdout", "pipe", "iso8859-1", "strict"),
        "UNSAFE: some characters raise UnicodeEncodeError",
    ]


def test_it_tells_mode_and_code_page() -> None:
    first = report(PYTHONUTF8="1")[1].splitlines()[0]
    assert first.startswith(f"Python {sys.version.split()[0]} on {sys.platform}, UTF-8 mode on")
    assert "code page" in first


def test_it_prints_ascii_alone() -> None:
    assert report()[1].isascii()


def test_a_file_needs_no_reader(tmp_path: Path) -> None:
    with (tmp_path / "out.txt").open("w+b") as file:
        report(stdout=file.fileno())
        file.seek(0)
        assert b"stdout  file" in file.read()


@pytest.mark.parametrize(
    ("stream", "kind", "fault"),
    [
        pytest.param(None, "none", "sys.stdout is none, using it raises", id="none"),
        pytest.param(io.StringIO(), "captured", "", id="string"),
        pytest.param(
            io.TextIOWrapper(io.BytesIO(), encoding="cp1252"),
            "captured",
            "some characters raise UnicodeEncodeError",
            id="capture-in-a-code-page",
        ),
    ],
)
def test_a_stream_that_is_not_the_process_own(stream: object, kind: str, fault: str) -> None:
    state = state_of("stdout", stream)
    assert (state.kind, "; ".join(state.faults)) == (kind, fault)


def test_a_closed_stream_is_told() -> None:
    stream = io.TextIOWrapper(io.BytesIO())
    stream.close()
    assert state_of("stderr", stream).faults == ("sys.stderr is closed, using it raises",)


def test_the_null_device_is_told() -> None:
    with open(os.devnull, "w", encoding="utf-8") as null:  # noqa: PTH123 - a name, not a path
        assert state_of("stdout", null).kind == ("device" if WINDOWS else "null")
