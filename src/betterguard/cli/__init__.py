"""The command line: each command calls one library function and prints what it returns."""

from __future__ import annotations

import atexit
import gc
import sys
from typing import TYPE_CHECKING, NoReturn

from betterguard.cli.quick import quick
from betterguard.console import force_utf8

if TYPE_CHECKING:
    from collections.abc import Callable

BROKEN = 2
"""The exit code of what could not be done."""


def main() -> None:
    """Run the command line; says how to install it when its libraries are missing."""
    force_utf8()
    atexit.register(gc.freeze)  # what is left ends with the process: nothing looks at it again
    gc.disable()  # an audit is soon over and leaves no cycles; other commands may run for long
    try:
        code = quick(sys.argv[1:])
        if code is None:
            gc.enable()
            _program()()
        sys.exit(code)  # with the collector still off: it would go through all that was made
    except OSError as err:
        _end(str(err))
    except Exception:  # noqa: BLE001  1 says that something was found: no build may take this for it
        import traceback  # noqa: PLC0415  slow to import

        _end(f"internal error\n{traceback.format_exc()}")


def _program() -> Callable[[], object]:
    try:
        from betterguard.cli.program import app  # noqa: PLC0415  the extra may not be installed
    except ModuleNotFoundError as err:
        if err.name is not None and err.name.startswith("betterguard"):
            raise
        _end(
            f"{err.name} is missing: install the command line with `pip install 'betterguard[cli]'`"
        )
    return app


def _end(message: str) -> NoReturn:
    print(message, file=sys.stderr)  # noqa: T201  the command line's own output
    sys.exit(BROKEN)
