"""Streams that only Windows has: its consoles, NUL, pythonw, a code page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.children import CURE, environment, run

NEW_CONSOLE = getattr(subprocess, "CREATE_NO_WINDOW", 0)
DETACHED = getattr(subprocess, "DETACHED_PROCESS", 0)
PYTHON = Path(sys.executable)
TRACED = """
import codecs, ctypes, pathlib, sys, traceback
def finish(text):
    pathlib.Path(sys.argv[1]).write_text(text, encoding="ascii")
try:
{body}
    finish(codecs.lookup(sys.stdout.encoding).name + " " + sys.stdout.errors)
except Exception:
    finish(traceback.format_exc())
"""


def started(
    body: str, result: Path, *, flags: int = NEW_CONSOLE, exe: Path = PYTHON, **extra: str
) -> str:
    """Run a body with a console of its own, or none; give the state of stdout, or the error."""
    program = TRACED.format(body="".join(f"    {line}\n" for line in body.splitlines()))
    subprocess.run(
        [exe, "-c", program, result],
        env=environment(**extra),
        creationflags=flags,
        timeout=300,
        check=False,
    )
    return result.read_text(encoding="ascii")


@pytest.mark.code_page
def test_the_code_page_is_one_that_cannot_hold_an_emoji() -> None:
    encoding = run("import sys; print(sys.stdout.encoding, end='')").out.decode()
    assert encoding in {"cp1252", "cp1251", "cp932"}
    with pytest.raises(UnicodeEncodeError):
        "\U0001f600".encode(encoding)


@pytest.mark.parametrize(
    ("cure", "told"),
    [
        pytest.param("", "utf-8 strict", id="without"),
        pytest.param(CURE, "utf-8 backslashreplace", id="with"),
    ],
)
def test_a_real_console_is_utf8_already(cure: str, told: str, tmp_path: Path) -> None:
    body = f"assert type(sys.stdout.buffer.raw).__name__ == '_WindowsConsoleIO'\n{cure}"
    assert started(f"{body}print('\\u2705', flush=True)", tmp_path / "result") in {
        told,
        told.replace("strict", "surrogateescape"),
    }


@pytest.mark.parametrize(
    ("cure", "told"),
    [
        pytest.param("", "UnicodeEncodeError", id="without"),
        pytest.param(CURE, "utf-8 backslashreplace", id="with"),
    ],
)
def test_half_a_surrogate_pair_on_a_console(cure: str, told: str, tmp_path: Path) -> None:
    assert told in started(f"{cure}print('\\ud83d', flush=True)", tmp_path / "result")


@pytest.mark.parametrize(
    ("cure", "told"),
    [
        pytest.param("", "UnicodeEncodeError", id="without"),
        pytest.param(CURE, " backslashreplace", id="with"),
    ],
)
def test_a_console_in_its_old_mode_keeps_its_code_page(
    cure: str, told: str, tmp_path: Path
) -> None:
    body = f"{cure}assert sys.stdout.encoding != 'utf-8'\nprint('\\u2705', flush=True)"
    assert told in started(body, tmp_path / "result", PYTHONLEGACYWINDOWSSTDIO="1")


@pytest.mark.parametrize(
    ("cure", "told"),
    [
        pytest.param("", "OSError", id="without"),
        pytest.param(CURE, "utf-8 backslashreplace", id="with"),
    ],
)
def test_a_console_that_was_given_up(cure: str, told: str, tmp_path: Path) -> None:
    body = f"{cure}ctypes.windll.kernel32.FreeConsole()\nprint('lost', flush=True)"
    assert told in started(body, tmp_path / "result")


@pytest.mark.parametrize("use", ["sys.stdout.write('\\u2705')", "sys.stdout.isatty()"])
@pytest.mark.parametrize(
    ("cure", "told"),
    [
        pytest.param("", "AttributeError: 'NoneType'", id="without"),
        pytest.param(CURE, "utf-8 backslashreplace", id="with"),
    ],
)
def test_pythonw_has_no_streams(use: str, cure: str, told: str, tmp_path: Path) -> None:
    exe = PYTHON.with_name("pythonw.exe")
    assert told in started(cure + use, tmp_path / "result", flags=DETACHED, exe=exe)


@pytest.mark.parametrize(
    ("cure", "told"),
    [
        pytest.param("", "UnicodeEncodeError", id="without"),
        pytest.param(CURE, " backslashreplace", id="with"),
    ],
)
def test_nul_takes_any_text(cure: str, told: str, tmp_path: Path) -> None:
    body = f"{cure}print('\\u2705', flush=True)\nsys.stdout.flush()"
    program = TRACED.format(body="".join(f"    {line}\n" for line in body.splitlines()))
    subprocess.run(
        [PYTHON, "-c", program, tmp_path / "result"],
        env=environment(),
        stdout=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    assert told in (tmp_path / "result").read_text(encoding="ascii")


@pytest.mark.parametrize(
    ("flags", "line"),
    [pytest.param(NEW_CONSOLE, "console", id="console"), pytest.param(DETACHED, "none", id="none")],
)
def test_the_report_names_the_kind(flags: int, line: str, tmp_path: Path) -> None:
    body = (
        "from betterguard.console.report import streams\n"
        "kind = streams()[1].kind\n"
        f"{CURE}assert kind == {line!r}, kind"
    )
    assert started(body, tmp_path / "result", flags=flags) == "utf-8 backslashreplace"


def test_an_open_of_a_name_that_no_file_can_have_still_fails() -> None:
    outcome = run(f"{CURE}open('a\\tb?')")
    assert (outcome.code, "[Errno 22] Invalid argument" in outcome.err) == (1, True)


def test_a_time_before_1970_still_fails_as_python_says() -> None:
    outcome = run(f"{CURE}import datetime\ndatetime.datetime.fromtimestamp(-1)")
    assert (outcome.code, "[Errno 22] Invalid argument" in outcome.err) == (1, True)
