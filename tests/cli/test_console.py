from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

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
