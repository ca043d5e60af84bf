"""What people install: the wheel, in an environment that has nothing else of the project."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from betterguard.skill import NAME, skill_folder

ROOT = Path(__file__).resolve().parent.parent


def ran(*command: str | Path, folder: Path) -> str:
    # What leads to this environment's packages stays out; how to reach an index stays in.
    ours = ("PYTHON", "VIRTUAL_ENV")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it with its command line into an environment of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    ran(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, folder=ROOT)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    pins = ROOT / "requirements" / "dev.txt"
    python = folder / "venv" / "bin" / "python"
    beside = Path(sys.executable).with_name("uv")
    uv = beside if beside.exists() else Path("uv")
    ran(
        uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        python,
        "--constraint",
        pins,
        f"{wheel}[cli]",
        folder=folder,
    )
    return folder / "venv" / "bin"


def test_it_carries_the_skill(environment: Path, tmp_path: Path) -> None:
    installed = Path(ran(environment / "betterguard", "skill", "path", folder=tmp_path).strip())
    assert installed.is_relative_to(environment.parent)
    assert installed.name == NAME
    here = {file.relative_to(skill_folder()) for file in skill_folder().rglob("*.*")}
    assert {file.relative_to(installed) for file in installed.rglob("*.*")} == here


def test_its_command_line_audits(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n")
    assert "no findings" in ran(environment / "betterguard", "audit", "--no-cache", folder=tmp_path)


def test_it_imports_without_extras(environment: Path, tmp_path: Path) -> None:
    program = "from betterguard import BetterGuard, User; print(BetterGuard.__name__)"
    assert ran(environment / "python", "-c", program, folder=tmp_path) == "BetterGuard\n"
