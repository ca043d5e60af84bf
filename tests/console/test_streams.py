"""Which streams are cured and to what: PYTHONIOENCODING, terminals, foreign streams."""

from __future__ import annotations

import codecs
import io
import sys
from typing import TYPE_CHECKING

import pytest

from betterguard.console import force_utf8
from betterguard.console.reader import Quieting
from tests.console.children import CURE, WINDOWS, forced, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TELL = (
    "import codecs\n"
    "for stream in (sys.stdout, sys.stderr):\n"
    "    print(codecs.lookup(stream.encoding).name, stream.errors)\n"
)
OURS = "utf-8 backslashreplace"
LATIN = "iso8859-1 backslashreplace"


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        pytest.param("", [OURS, OURS], id="nothing"),
        pytest.param("utf8", [OURS, OURS], id="utf8"),
        pytest.param("latin-1", [LATIN, LATIN], id="encoding"),
        pytest.param("latin-1:strict", ["iso8859-1 strict", LATIN], id="both"),
        pytest.param(":replace", ["utf-8 replace", OURS], id="handler"),
    ],
)
def test_an_explicit_choice_is_respected(chosen: str, told: list[str]) -> None:
    outcome = run(f"import sys\n{CURE}{TELL}", PYTHONIOENCODING=chosen)
    assert (outcome.err, outcome.out.decode().splitlines()) == ("", told)


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        pytest.param("latin-1", LATIN, id="encoding"),
        pytest.param("no-such-codec", OURS, id="unknown-encoding"),
        pytest.param(":no-such-handler", OURS, id="unknown-handler"),
    ],
)
def test_a_choice_made_after_the_start_counts_when_it_can(chosen: str, told: str) -> None:
    choose = f"import os, sys\nos.environ['PYTHONIOENCODING'] = {chosen!r}\n"
    outcome = run(f"{choose}{CURE}{TELL}")
    assert (outcome.err, outcome.out.decode().splitlines()) == ("", [told, told])


def test_a_choice_that_python_was_told_to_ignore_is_ignored() -> None:
    outcome = run(f"import sys\n{CURE}{TELL}", options=("-E",), PYTHONIOENCODING="latin-1")
    assert outcome.out.decode().splitlines() == [OURS, OURS]


def test_utf8_mode_still_gets_an_error_handler_that_never_fails() -> None:
    program = r"print('half \ud83d')"
    assert "UnicodeEncodeError" in run(program, PYTHONUTF8="1").err
    assert run(f"{CURE}{program}", PYTHONUTF8="1").err == ""


def test_a_second_call_changes_nothing() -> None:
    state = "(id(sys.stdout), id(sys.stdout.buffer.write.__self__), sys.stdout.encoding)"
    program = f"import sys\n{CURE}first = {state}\n{CURE}assert first == {state}\n"
    assert run(forced("cp1252") + program).err == ""


@pytest.mark.skipif(WINDOWS, reason="tests/windows has the consoles there")
@pytest.mark.parametrize(
    ("cure", "shown"),
    [pytest.param("", b"", id="without"), pytest.param(CURE, rb"caf\xe9 \u2705", id="with")],
)
def test_a_terminal_keeps_its_encoding(cure: str, shown: bytes) -> None:
    program = (
        "import os, sys\n"
        "ours, theirs = os.openpty()\n"
        "os.dup2(theirs, 1)\n"
        "sys.stdout.reconfigure(encoding='ascii', errors='strict')\n"
        f"{cure}"
        "try:\n"
        "    print('caf\\xe9 \\u2705', flush=True)\n"
        "    sys.stderr.buffer.write(os.read(ours, 99).strip())\n"
        "except UnicodeEncodeError:\n"
        "    pass\n"
    )
    assert run(program).err.encode() == shown


class Subclass(io.TextIOWrapper):
    """As pytest's and click's captures are."""


class Idle(io.TextIOBase):
    """As IDLE's shell is: it tells an encoding and has neither buffer nor descriptor."""

    encoding = "cp1252"
    errors = "strict"

    def write(self, text: str, /) -> int:
        return len(text)


def closed_text() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


FOREIGN: dict[str, Callable[[], object]] = {
    "string": io.StringIO,
    "closed-string": closed_text,
    "wrapper-over-bytes": lambda: io.TextIOWrapper(io.BytesIO(), encoding="cp1252"),
    "subclass": lambda: Subclass(io.BytesIO(), encoding="cp1252"),
    "stream-writer": lambda: codecs.getwriter("cp1252")(io.BytesIO()),
    "idle": Idle,
}


def replace_streams(patch: pytest.MonkeyPatch, stream: object) -> None:
    for name in ("stdout", "__stdout__", "stderr", "__stderr__"):
        patch.setattr(sys, name, stream)


def traits(stream: object) -> list[object]:
    names = ("encoding", "errors", "write", "flush")
    return [getattr(stream, name, None) for name in names]


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_stream_is_left_alone(kind: str) -> None:
    stream = FOREIGN[kind]()
    before = traits(stream)
    with pytest.MonkeyPatch.context() as patch:
        replace_streams(patch, stream)
        force_utf8()
        after = (sys.stdout, sys.__stdout__, sys.stderr, sys.__stderr__)
    assert after == (stream,) * 4
    assert traits(stream) == before


def test_a_file_on_another_descriptor_is_left_alone(tmp_path: Path) -> None:
    with (tmp_path / "out.txt").open("w", encoding="cp1252") as file:
        with pytest.MonkeyPatch.context() as patch:
            replace_streams(patch, file)
            force_utf8()
        assert (file.encoding, file.errors) == ("cp1252", "strict")
        assert not isinstance(getattr(file.buffer.write, "__self__", None), Quieting)


@pytest.mark.parametrize("capture", ["capsys", "capfd"])
def test_what_pytest_captures_stays_captured(capture: str, request: pytest.FixtureRequest) -> None:
    captured: pytest.CaptureFixture[str] = request.getfixturevalue(capture)
    before = (sys.stdout, sys.stderr)
    force_utf8()
    print("kept \u2705")  # noqa: T201 - what is captured
    assert captured.readouterr().out == "kept \u2705\n"
    assert (sys.stdout, sys.stderr) == before
