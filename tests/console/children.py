"""Python children whose standard streams are what a case needs: a pipe, a file, nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

__all__ = [
    "CURE",
    "ENCODINGS",
    "ROOM",
    "WINDOWS",
    "Outcome",
    "detached",
    "environment",
    "forced",
    "run",
    "run_detached",
    "run_orphaned",
]

WINDOWS = sys.platform == "win32"
PACKAGE = Path(__file__).resolve().parent.parent.parent / "src" / "betterguard"
# The room alone: the whole package loads FastAPI too, a second in each of hundreds of children.
ROOM = (
    "import sys, types\n"
    "sys.modules['betterguard'] = types.ModuleType('betterguard')\n"
    f"sys.modules['betterguard'].__path__ = [{str(PACKAGE)!r}]\n"
    "from betterguard.console import force_utf8\n"
)
CURE = f"{ROOM}force_utf8()\n"
# On Windows the code page of the run decides; elsewhere the children stand in for it.
ENCODINGS = ("code page",) if WINDOWS else ("cp1252", "cp1251", "cp932")
TIMEOUT = 300.0  # seconds; only ever reached when something is broken
HEARD = "print('ready', flush=True)\nsys.stdin.readline()\n"


@dataclass(frozen=True)
class Outcome:
    """How a child ended and what it wrote."""

    code: int
    out: bytes
    err: str


def forced(encoding: str) -> str:
    """Give the program text that starts a child as Windows would with that code page."""
    if WINDOWS:
        return "import sys\n"
    return (
        "import sys\n"
        f"sys.stdout.reconfigure(encoding={encoding!r}, errors='strict')\n"
        f"sys.stderr.reconfigure(encoding={encoding!r})\n"
    )


def environment(**extra: str) -> dict[str, str]:
    """Give an environment in which no variable of ours chooses an encoding."""
    chosen = ("PYTHONIOENCODING", "PYTHONUTF8", "PYTHONUNBUFFERED", "PYTHONLEGACYWINDOWSSTDIO")
    kept = {name: value for name, value in os.environ.items() if name not in chosen}
    return {**kept, **extra}


def run(
    program: str,
    *arguments: str,
    options: tuple[str, ...] = (),
    sink: Path | None = None,
    **extra: str,
) -> Outcome:
    """Run a program text to its end; its stdout is a pipe, or the file ``sink``."""
    command = [sys.executable, *options, "-c", program, *arguments]
    if sink is None:
        done = subprocess.run(
            command, env=environment(**extra), capture_output=True, timeout=TIMEOUT, check=False
        )
        return Outcome(done.returncode, done.stdout, text_of(done.stderr))
    with sink.open("wb") as file:
        done = subprocess.run(
            command,
            env=environment(**extra),
            stdout=file,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT,
            check=False,
        )
    return Outcome(done.returncode, sink.read_bytes(), text_of(done.stderr))


def run_orphaned(before: str, after: str, *options: str, **extra: str) -> Outcome:
    """Run ``before``, close the reader's end of stdout, then run ``after``; no output comes."""
    program = f"import sys\n{before}\n{HEARD}{after}"
    with subprocess.Popen(
        [sys.executable, *options, "-c", program],
        env=environment(**extra),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdin
        assert child.stdout
        assert child.stderr
        child.stdout.readline()
        child.stdout.close()
        child.stdin.write(b"\n")
        child.stdin.close()
        err = child.stderr.read()
        return Outcome(child.wait(TIMEOUT), b"", text_of(err))


def text_of(output: bytes) -> str:
    """Read a child's stderr, whatever its encoding was."""
    return output.decode("utf-8", "replace").replace("\r\n", "\n")


def run_detached(cure: str, use: str, result: Path, **extra: str) -> str:
    """Run ``use`` with no standard streams at all; give "ok", or the error that it met."""
    program = (
        "import pathlib, sys, traceback\n"
        "result = pathlib.Path(sys.argv[1])\n"
        "try:\n"
        f"{indent(cure + use, '    ')}\n"
        "    result.write_text('ok')\n"
        "except Exception:\n"
        "    result.write_text(traceback.format_exc())\n"
    )
    with detached("-c", program, str(result), **extra) as child:
        child.wait(TIMEOUT)
    return result.read_text()


def detached(*arguments: str, **extra: str) -> subprocess.Popen[bytes]:
    """Start a Python that has no standard streams at all."""
    command = [sys.executable, *arguments]
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS
        return subprocess.Popen(command, env=environment(**extra), creationflags=flags)
    closing = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command]
    return subprocess.Popen(closing, env=environment(**extra))
