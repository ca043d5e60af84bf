"""Run tests once more against other versions of some packages than the pinned ones.

Usage: python scripts/versions.py PYTEST_ARGUMENT [PYTEST_ARGUMENT ...]

Each requirements/versions/NAME.txt pins a few packages, with hashes. They are laid into
.build/versions/NAME, and pytest runs with that folder before everything else on its path:
the rest comes from the environment that runs this script.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "requirements" / "versions"
OVERLAYS = ROOT / ".build" / "versions"
PINNED = re.compile(r"^([a-z0-9-]+)==([^\s\\;]+)", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Run pytest with the arguments against each set of versions; 1 when any of them fails."""
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    failed = [pins.stem for pins in sorted(PINS.glob("*.txt")) if not passes(pins, arguments)]
    if failed:
        print(f"versions: failed with {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def passes(pins: Path, arguments: list[str]) -> bool:
    """Run pytest against one set of versions, and tell whether the tests pass."""
    overlay = laid(pins)
    verify(pins, overlay)
    return child(overlay, "-m", "pytest", *arguments).returncode == 0


def laid(pins: Path) -> Path:
    """Lay the pinned packages into a folder of their own, anew only when the pins changed."""
    overlay = OVERLAYS / pins.stem
    stamp = overlay / ".installed"
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        print(f"versions: installing requirements/versions/{pins.name}", flush=True)
        shutil.rmtree(overlay, ignore_errors=True)
        install = ["uv", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run([*install, "--target", str(overlay), "-r", str(pins)], check=True)
        stamp.write_text(digest)
    return overlay


def verify(pins: Path, overlay: Path) -> None:
    """End the program unless Python really imports the pinned versions from the folder."""
    for name, version in PINNED.findall(pins.read_text()):
        program = f"import {name} as it; print(it.__version__, it.__file__)"
        found = child(overlay, "-c", program, stdout=subprocess.PIPE).stdout.decode().strip()
        print(f"versions: {pins.stem}: {found}", flush=True)
        if not found.startswith(f"{version} {overlay}"):
            sys.exit(f"versions: {pins.stem} pins {name} {version}, Python imports {found!r}")


def child(
    overlay: Path, *arguments: str, stdout: int | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run this Python with the overlay first on its path."""
    environment = {**os.environ, "PYTHONPATH": str(overlay)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=stdout, check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
