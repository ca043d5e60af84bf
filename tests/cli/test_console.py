from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

ASCII_CONSOLE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "NO_COLOR": "1"}


def test_a_command_writes_what_the_console_cannot_show(tmp_path: Path) -> None:
    line = 'SECRET = os.getenv("BETTER_AUTH_SECRET", "dev-secret")  # \U0001f389'
    (tmp_path / "app.py").write_text(f"import os\nimport jwt\n{line}\n", encoding="utf-8")
    # Under UTF-8 mode, or an encoding of choice, there would be nothing to cure.
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONIOENCODING"}
    ran = subprocess.run(
        [sys.executable, "-m", "betterguard", "audit", "--no-cache", str(tmp_path)],
        capture_output=True,
        env=environment | ASCII_CONSOLE,
        timeout=300,
        check=False,
    )
    assert ran.stderr == b""
    assert "\U0001f389" in ran.stdout.decode("utf-8")


BROKEN = """
import sys
from betterguard import cli

def broken(words):
    raise {error}

cli.quick = broken
cli.main()
"""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param("OSError(28, 'No space left on device')", "No space left", id="full"),
        pytest.param("ZeroDivisionError", "internal error\nTraceback", id="internal"),
    ],
)
def test_what_breaks_down_has_found_nothing(error: str, said: str) -> None:
    """1 would say that the command found something."""
    code = BROKEN.format(error=error)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr


WITHOUT = """
import sys
sys.modules["typer"] = None
from betterguard import cli
sys.argv = ["betterguard", "doctor"]
cli.main()
"""


def test_without_its_libraries_it_says_what_to_install() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "betterguard[cli]" in ran.stderr
