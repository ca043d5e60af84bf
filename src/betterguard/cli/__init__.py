"""The command line: each command calls one library function and prints what it returns."""

from __future__ import annotations

import atexit
import gc
import sys

from betterguard.cli.quick import quick
from betterguard.console import force_utf8


def main() -> None:
    """Run the command line; says how to install it when its libraries are missing."""
    force_utf8()
    atexit.register(gc.freeze)  # what is left ends with the process: nothing looks at it again
    gc.disable()  # an audit is soon over and leaves no cycles; other commands may run for long
    code = quick(sys.argv[1:])
    if code is not None:
        sys.exit(code)  # with the collector still off: it would go through all that was made
    gc.enable()
    try:
        from betterguard.cli.program import app  # noqa: PLC0415  the extra may not be installed
    except ModuleNotFoundError as err:
        if err.name is not None and err.name.startswith("betterguard"):
            raise
        sys.exit(
            f"{err.name} is missing: install the command line with `pip install 'betterguard[cli]'`"
        )
    app()
