"""Wine, so that Windows programs run here: found or installed, with a home of its own.

Everything that it makes is in .build/windows.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".build" / "windows"
DEBIAN_PACKAGES = ("wine64", "wine", "locales")
MISSING = f"""windows: Wine or its locales are missing and only root may install them here.
On Debian or Ubuntu: apt-get install --no-install-recommends {" ".join(DEBIAN_PACKAGES)}"""
# Wine takes the Windows code page from the language of the Unix locale.
LOCALES = {"1252": "en_US", "1251": "ru_RU", "932": "ja_JP"}
LIMIT = 7200.0  # seconds that one program may take; only ever reached when something is broken
PIECE = 65536  # bytes


def find_wine() -> None:
    """Find Wine and the locale sources, or install Debian's where that is allowed."""
    if wine_is_there():
        return
    if os.name == "nt" or os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit(MISSING)
    say(f"installing {', '.join(DEBIAN_PACKAGES)} with apt-get")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "-q"], ["install", "-yq", "--no-install-recommends", *DEBIAN_PACKAGES]):
        subprocess.run(["apt-get", *step], env=quiet, check=True, stdout=subprocess.DEVNULL)
    if not wine_is_there():
        sys.exit(MISSING)


def wine_is_there() -> bool:
    """Tell whether Wine can be started and its locales made."""
    programs = all(map(shutil.which, ("wine", "wineserver", "localedef")))
    return programs and Path("/usr/share/i18n/locales/ja_JP").exists()


def wine_version() -> tuple[int, ...]:
    """Give Wine's version, as in ``wine-8.0 (Debian 8.0~repack-4)``."""
    answer = subprocess.run(["wine", "--version"], capture_output=True, text=True, check=True)
    number = answer.stdout.split()[0].removeprefix("wine-")
    return tuple(int(part) for part in number.split(".") if part.isdigit())


def make_home() -> None:
    """Make the locales and Wine's own folder, unless they are there."""
    make_locales()
    make_prefix()


def make_locales() -> None:
    """Compile the Unix locales that stand for the code pages."""
    folder = HOME / "locales"
    folder.mkdir(exist_ok=True)
    for language in LOCALES.values():
        compiled = folder / f"{language}.UTF-8"
        if not compiled.exists():
            subprocess.run(["localedef", "-i", language, "-f", "UTF-8", compiled], check=True)


def make_prefix() -> None:
    """Make Wine's own folder, once, and let it say that it is Windows 10."""
    made = HOME / "prefix" / ".made"
    if made.exists():
        return
    shutil.rmtree(HOME / "prefix", ignore_errors=True)
    for command in (["wineboot", "--init"], ["winecfg", "-v", "win10"]):
        exit_code, output = run_wine(*command, code_page="1252")
        if exit_code:
            sys.exit(f"windows: `wine {' '.join(command)}` failed:\n{output.decode()}")
    made.touch()


def environment(code_page: str, **extra: str) -> dict[str, str]:
    """Give what Wine's children see: nothing of our Python, one locale, one code page."""
    dropped = ("PYTHON", "PIP_", "UV_", "LC_", "LANG", "VIRTUAL_ENV", "DISPLAY")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {
        **kept,
        "WINEPREFIX": str(HOME / "prefix"),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree=;mshtml=;winedbg.exe=d;winemenubuilder.exe=d",
        "LOCPATH": str(HOME / "locales"),
        "LC_ALL": f"{LOCALES[code_page]}.UTF-8",
        "PYTHONPYCACHEPREFIX": windows_path(HOME / "pycache"),
        **extra,
    }


def windows_path(path: Path) -> str:
    """Name a Unix path as Wine's programs see it: Z: is the root."""
    return "Z:" + str(path).replace("/", "\\")


def run_wine(*command: str, code_page: str, **extra: str) -> tuple[int, bytes]:
    """Run a Windows program to its end; give its exit code and what it printed.

    Its standard handles must be pipes: Windows Python cannot start on a Unix file.
    """
    with subprocess.Popen(
        ["wine", *command],
        env=environment(code_page, **extra),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        output = b"".join(pieces_of(process))
    return process.returncode, output


def pieces_of(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Give what a program prints, until it has ended; end everything when it takes too long.

    Not until the end of the pipe: what Wine itself started meanwhile goes on and holds it.
    """
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    deadline = time.monotonic() + LIMIT
    ended = False
    while not ended:
        ended = process.poll() is not None
        while select.select([descriptor], [], [], 0.2)[0]:
            piece = os.read(descriptor, PIECE)
            if not piece:
                return
            yield piece
        if time.monotonic() > deadline:
            end_windows()


def end_windows() -> None:
    """End every Windows process of this prefix, whoever started it."""
    subprocess.run(["wineserver", "-k"], env=environment("1252"), check=False)


def say(line: str) -> None:
    """Print a progress line at once, so that it stands before the child's output."""
    print(f"windows: {line}", flush=True)
