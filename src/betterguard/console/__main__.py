"""``python -m betterguard.console``: what the standard streams are, and whether they are safe."""

from __future__ import annotations

import sys

from betterguard.console.report import setting, streams
from betterguard.console.streams import force_utf8


def main() -> int:
    """Print the streams as they started and as ``force_utf8()`` leaves them.

    The exit code is 0 when they are safe then, 1 when something remains (a stream that is not
    the process's own, an encoding that PYTHONIOENCODING demands).
    """
    before = streams()
    force_utf8()
    after = streams()
    lines = [setting(), "as started:", *map(str, before), "after force_utf8():", *map(str, after)]
    print("\n".join(lines))  # noqa: T201 - this is the command's output
    return int(any(state.faults for state in after))


if __name__ == "__main__":
    sys.exit(main())
