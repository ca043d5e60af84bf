"""Run measurements: ``python -m bench`` runs all, ``python -m bench overhead`` one.

``python -m bench.audit`` and ``bench.audit_speed`` stand apart: they need other people's code.
"""

from __future__ import annotations

import importlib
import sys

MEASUREMENTS = ("overhead", "tokens", "isolation", "crowd")


def main(wanted: list[str]) -> int:
    """Run the named measurements, or all; exit 2 on an unknown one."""
    unknown = sorted(set(wanted) - set(MEASUREMENTS))
    if unknown:
        print(
            f"unknown: {', '.join(unknown)}; there are: {', '.join(MEASUREMENTS)}", file=sys.stderr
        )
        return 2
    for name in wanted or MEASUREMENTS:
        importlib.import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
