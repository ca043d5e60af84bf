"""A reader that goes away: an error without the cure, silence with it."""

from __future__ import annotations

import errno
import io
import os
from typing import TYPE_CHECKING

import pytest

from betterguard.console.reader import Quieting, is_reader_gone, quieten
from tests.console.children import CURE, WINDOWS, run, run_orphaned

if TYPE_CHECKING:
    from pathlib import Path

# Windows' C library has no better name for ERROR_NO_DATA than EINVAL.
DEAD_PIPE = "[Errno 22] Invalid argument" if WINDOWS else "[Errno 32] Broken pipe"
CLOSED = "[Errno 9] Bad file descriptor"
CASES = [
    pytest.param("", "print('lost', flush=True)", DEAD_PIPE, id="print-and-flush"),
    pytest.param("", "sys.stdout.write('lost' * 100_000)", DEAD_PIPE, id="more-than-the-buffer"),
    pytest.param(
        "", "sys.stdout.buffer.write(b'lost')\nsys.stdout.buffer.flush()", DEAD_PIPE, id="bytes"
    ),
    pytest.param("", "print('lost')", DEAD_PIPE, id="flushed-at-exit"),
    pytest.param(
        "import logging\nlogging.basicConfig(stream=sys.stdout)",
        "logging.error('lost')",
        DEAD_PIPE,
        id="log-handler-made-before",
    ),
    pytest.param(
        "import os, subprocess",
        "print('lost', flush=True)\n"
        "child = [sys.executable, '-c', \"print('lost', flush=True)\"]\n"
        "sys.exit(subprocess.run(child).returncode)",
        DEAD_PIPE,
        id="a-child-of-it",
    ),
    pytest.param("import os", "os.close(1)\nprint('lost', flush=True)", CLOSED, id="closed"),
]
UNBUFFERED = [
    pytest.param(("-u",), id="unbuffered"),
    pytest.param((), id="buffered"),
]


@pytest.mark.parametrize("options", UNBUFFERED)
@pytest.mark.parametrize(("before", "after", "error"), CASES)
def test_without_the_cure_writing_fails(
    before: str, after: str, error: str, options: tuple[str, ...]
) -> None:
    assert error in run_orphaned(before, after, *options).err


@pytest.mark.parametrize("options", UNBUFFERED)
@pytest.mark.parametrize(("before", "after", "error"), CASES)
def test_with_the_cure_nothing_happens(
    before: str, after: str, error: str, options: tuple[str, ...]
) -> None:
    outcome = run_orphaned(f"{before}\n{CURE}", after, *options)
    assert (outcome.code, outcome.err) == (0, ""), error


@pytest.mark.parametrize(
    ("cure", "code"), [pytest.param("", 120, id="without"), pytest.param(CURE, 0, id="with")]
)
def test_the_exit_code_of_a_flush_at_exit(cure: str, code: int) -> None:
    assert run_orphaned(cure, "print('lost')").code == code


def test_utf8_mode_is_no_cure() -> None:
    outcome = run_orphaned("", "print('lost', flush=True)", PYTHONUTF8="1")
    assert DEAD_PIPE in outcome.err


def test_the_cure_may_come_after_the_reader_has_gone() -> None:
    outcome = run_orphaned("", f"sys.stdout.write('pending')\n{CURE}print('lost', flush=True)")
    assert (outcome.code, outcome.err) == (0, "")


def test_everything_is_quiet_when_both_readers_are_gone() -> None:
    program = (
        "import os, sys\n"
        f"{CURE}"
        "for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):\n"
        "    read, write = os.pipe()\n"
        "    os.dup2(write, descriptor)\n"
        "    os.close(write)\n"
        "    os.close(read)\n"
        "    print('lost', file=stream, flush=True)\n"
        "    print('lost', file=stream, flush=True)\n"
    )
    assert run(program).code == 0


def test_a_file_that_took_a_closed_number_is_not_touched(tmp_path: Path) -> None:
    data = tmp_path / "data.txt"
    data.write_text("kept")
    program = (
        "import os, sys\n"
        f"{CURE}"
        "os.close(1)\n"
        "file = os.open(sys.argv[1], os.O_RDONLY)\n"
        "assert file == 1, file\n"
        "print('lost', flush=True)\n"
        "assert os.read(file, 9) == b'kept'\n"
    )
    outcome = run(program, str(data))
    assert (outcome.code, outcome.err) == (0, "")


ELSEWHERE = (
    pytest.param("open('a\\tb?')", id="a-name-no-file-can-have")
    if WINDOWS
    else pytest.param("import os\nos.readlink('.')", id="not-a-link")
)


@pytest.mark.parametrize("program", [ELSEWHERE])
def test_the_same_error_elsewhere_is_raised(program: str) -> None:
    outcome = run(f"{CURE}{program}")
    assert outcome.code == 1
    assert "OSError: [Errno 22] Invalid argument" in outcome.err


@pytest.mark.skipif(WINDOWS, reason="Windows has no device that is always full")
def test_a_full_disk_is_an_error() -> None:
    program = "os.dup2(os.open('/dev/full', os.O_WRONLY), 1)\nprint('lost', flush=True)"
    outcome = run(f"import os\n{CURE}{program}")
    assert outcome.code == 120
    assert "No space left on device" in outcome.err


@pytest.mark.skipif(WINDOWS, reason="Windows has no pseudo-terminals for a Python child")
@pytest.mark.parametrize(
    ("cure", "code"), [pytest.param("", 120, id="without"), pytest.param(CURE, 0, id="with")]
)
def test_a_terminal_that_hung_up_is_a_reader_gone(cure: str, code: int) -> None:
    program = (
        "import os, sys\n"
        f"{cure}"
        "ours, theirs = os.openpty()\n"
        "os.dup2(theirs, 1)\n"
        "os.close(theirs)\n"
        "os.close(ours)\n"
        "sys.stdout.write('lost')\n"
    )
    assert run(program).code == code


@pytest.mark.parametrize("call", ["write", "flush"])
def test_an_invalid_argument_to_a_file_is_an_error(call: str, tmp_path: Path) -> None:
    class Layer(io.BytesIO):
        def write(self, _: object, /) -> int:
            raise OSError(errno.EINVAL, "Invalid argument")

        def flush(self) -> None:
            raise OSError(errno.EINVAL, "Invalid argument")

    with (tmp_path / "out.txt").open("wb") as file:
        layer = Quieting(Layer(), file.fileno())
        with pytest.raises(OSError, match="Invalid argument"):
            getattr(layer, call)(*[b"text"] * (call == "write"))
        assert not layer.gone


def test_a_layer_is_guarded_once() -> None:
    layer = io.BytesIO()
    quieten(layer, 1)
    first = layer.write
    quieten(layer, 1)
    assert layer.write == first


GONE_FROM = {"pipe": WINDOWS, "file": False}


@pytest.mark.parametrize("kind", GONE_FROM)
def test_an_invalid_argument_means_a_dead_pipe_on_windows_alone(kind: str, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with (tmp_path / "file").open("wb") as file:
        descriptor = writing if kind == "pipe" else file.fileno()
        error = OSError(errno.EINVAL, "Invalid argument")
        assert is_reader_gone(error, descriptor) == GONE_FROM[kind]
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(
    ("code", "gone"),
    [
        pytest.param(errno.EPIPE, True, id="broken-pipe"),
        pytest.param(errno.ECONNRESET, True, id="a-socket-that-was-reset"),
        pytest.param(errno.EBADF, True, id="closed"),
        pytest.param(errno.ENOSPC, False, id="disk-full"),
        pytest.param(errno.EIO, False, id="disk-fault"),
        pytest.param(errno.EAGAIN, False, id="would-block"),
    ],
)
def test_which_errors_mean_that_nobody_reads(code: int, gone: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a table's column
    with (tmp_path / "file").open("wb") as file:
        assert is_reader_gone(OSError(code, os.strerror(code)), file.fileno()) is gone
