"""A busy Wine fails to make a process now and then; here it is asked again.

Every test that starts a process would need that, and so would what it starts: a server that
starts its workers. So each interpreter that tests run on is given this file, and the one function
of Windows that all come to asks again by itself, on the error that Wine has for it and on no other.
"""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any

INTERNAL_ERROR = 1359
PAUSES = (0.5, 2.0, 8.0, 30.0)  # seconds


def be_patient() -> None:
    """Make processes patiently, on Windows and until this process ends."""
    if sys.platform == "win32":
        windows: Any = importlib.import_module("_winapi")
        create = windows.CreateProcess

        def patiently(*arguments: object) -> object:
            for pause in PAUSES:
                try:
                    return create(*arguments)
                except OSError as error:
                    if error.winerror != INTERNAL_ERROR:
                        raise
                    time.sleep(pause)
            return create(*arguments)

        windows.CreateProcess = patiently
